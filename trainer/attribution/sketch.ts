import { Matrix as DenseMatrix, EigenvalueDecomposition } from "ml-matrix";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import type { Pool } from "../pool.ts";

/** Numbers of columns a sketch may have: what the proof system is laid out for. */
export const SKETCH_SIZES = [128, 256, 512] as const;
/** Share of the gradients' energy that the smallest sufficient size must keep. */
const ENERGY = 0.97;
/** Damping λ as a share of the mean kept eigenvalue. */
const DAMPING = 0.1;
/** Eigenvalues below this share of the largest are float32 noise of the Gram matrix: their columns are zero. */
const NOISE = 1e-6;
/** Columns of the gradient matrix that one product task takes. */
const BLOCK = 4096;

/** The linear map from a gradient to its sketch, and how it came about. */
export interface SketchBasis {
  /** [P, k]: a gradient g [1, P] has the sketch g·basis. */
  basis: Matrix;
  k: number;
  /** The k largest eigenvalues λ_j of (1/N)·Σ g·gᵀ over the rows, not centred. */
  eigenvalues: number[];
  /** λ in 1/√(λ_j + λ). */
  damping: number;
  /** Σ of the kept eigenvalues over Σ of all. */
  energyKept: number;
}

/**
 * Top-k PCA of the rows' gradients [N, P], half-whitened: coordinate j is divided by √(λ_j + λ), which makes the inner
 * product of two sketches a damped low-rank inverse-Fisher product (EOGP, Heo et al. 2026). From the N×N Gram matrix,
 * since P is far larger than N.
 * @param allowed numbers of columns to choose from, rising
 * @returns the basis and the rows' own sketches [N, k]
 */
export async function fitSketch(
  pool: Pool,
  gradients: Matrix,
  allowed: readonly number[] = SKETCH_SIZES,
): Promise<{ basis: SketchBasis; rows: Matrix }> {
  const [count] = gradients.shape;
  const gram = await gramMatrix(pool, gradients);
  const { values, vectors } = eigen(gram, count);
  const total = values.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) {
    const cause = "all row gradients are zero";
    throw new OpenLedgerError(
      "TRAINER_SKETCH",
      `sketch: ${cause}; give rows with text that the adapter was trained on`,
    );
  }
  const energy = (k: number) => values.slice(0, k).reduce((sum, value) => sum + value, 0) / total;
  const sizes = allowed.filter((k) => k <= Math.max(count, allowed[0]!));
  const k = sizes.find((size) => energy(size) >= ENERGY) ?? sizes.at(-1)!;
  const kept = values.slice(0, k).filter((value) => value > NOISE * values[0]!);
  const eigenvalues = Array.from({ length: k }, (_, j) => (kept[j] ?? 0) / count);
  const damping = (DAMPING * eigenvalues.reduce((sum, value) => sum + value, 0)) / kept.length;

  // Direction j is gᵀ·u_j/√μ_j with μ_j = N·λ_j, so basis = gᵀ·C with column j of C = u_j/√(μ_j(λ_j + λ)).
  const coefficients = new Float32Array(count * k);
  const rows = new Float32Array(count * k);
  kept.forEach((mu, j) => {
    const whiten = 1 / Math.sqrt(mu / count + damping);
    for (let i = 0; i < count; i++) {
      if (gram[i * count + i] === 0) continue; // an unusable row: its vector entries are rounding noise
      coefficients[i * k + j] = (vectors.get(i, j) * whiten) / Math.sqrt(mu);
      rows[i * k + j] = vectors.get(i, j) * whiten * Math.sqrt(mu);
    }
  });
  const basis = await combineRows(pool, gradients, { data: coefficients, shape: [count, k] });
  return {
    basis: { basis, k, eigenvalues, damping, energyKept: energy(k) },
    rows: { data: rows, shape: [count, k] },
  };
}

/** Sketches [n, k] of gradients [n, P]. */
export async function project(pool: Pool, { basis, k }: SketchBasis, gradients: Matrix): Promise<Matrix> {
  const product = { a: gradients, b: basis, transposeA: false, transposeB: false };
  return { data: await pool.run("product", product), shape: [gradients.shape[0], k] };
}

/** g·gᵀ [N, N], summed over column blocks in order, in double precision. */
async function gramMatrix(pool: Pool, gradients: Matrix): Promise<Float64Array> {
  const [count] = gradients.shape;
  const gram = new Float64Array(count * count);
  const parts = columnBlocks(gradients).map((block) =>
    pool.run("product", { a: block, b: block, transposeA: false, transposeB: true }),
  );
  for (const part of parts) {
    const product = await part;
    for (let i = 0; i < gram.length; i++) gram[i]! += product[i]!;
  }
  return gram;
}

/** gradientsᵀ·coefficients [P, k]. */
async function combineRows(pool: Pool, gradients: Matrix, coefficients: Matrix): Promise<Matrix> {
  const [width, k] = [gradients.shape[1], coefficients.shape[1]];
  const data = new Float32Array(width * k);
  const parts = columnBlocks(gradients).map((block) =>
    pool.run("product", { a: block, b: coefficients, transposeA: true, transposeB: false }),
  );
  for (let n = 0; n < parts.length; n++) data.set(await parts[n]!, n * BLOCK * k);
  return { data, shape: [width, k] };
}

function columnBlocks({ data, shape: [count, width] }: Matrix): Matrix[] {
  return Array.from({ length: Math.ceil(width / BLOCK) }, (_, n) => {
    const [from, to] = [n * BLOCK, Math.min((n + 1) * BLOCK, width)];
    const block = new Float32Array(count * (to - from));
    for (let i = 0; i < count; i++) block.set(data.subarray(i * width + from, i * width + to), i * (to - from));
    return { data: block, shape: [count, to - from] };
  });
}

/** Eigenvalues in falling order, negative rounding errors as 0, and the matrix whose columns are their vectors. */
function eigen(gram: Float64Array, count: number): { values: number[]; vectors: DenseMatrix } {
  const matrix = DenseMatrix.from1DArray(count, count, gram);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    values: order.map((i) => Math.max(realEigenvalues[i]!, 0)),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}
