import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import type { Pool } from "../pool.ts";
import { type Span, sharedMatrix } from "./blocks.ts";
import { heldGradients, type StoredGradients } from "./gradient-rows.ts";
import { gramComponents, randomizedComponents } from "./pca.ts";
import { fitScales, scaledRows } from "./scales.ts";

/** Numbers of columns a sketch may have: what the proof system is laid out for. */
export const SKETCH_SIZES = [128, 256, 512] as const;
/** Share of the gradients' energy that the smallest sufficient size must keep. */
const ENERGY = 0.97;
/** Eigenvalues below this share of the largest are float32 noise of the Gram matrix: their columns are zero. */
export const NOISE = 1e-6;
/** The linear map from a gradient to its sketch, and how it came about. */
export interface SketchBasis {
  /** [P, k]: a gradient g [1, P] has the sketch g·basis. */
  basis: Matrix;
  k: number;
  /** The k largest eigenvalues λ_j of (1/N)·Σ g·gᵀ over the rows' scaled gradients, not centred: the mean squares of the coordinates. */
  eigenvalues: number[];
  /** Σ of the kept eigenvalues over Σ of all. */
  energyKept: number;
}

/** Up to this many rows the components come from the Gram matrix, whose decomposition grows with the cube of them. */
const GRAM_ROWS = 2048;

/**
 * Top-k PCA of the rows' gradients [N, P], each parameter scaled first (see fitScales). The inner product of two sketches is that of
 * the gradients under the inverse diagonal Fisher, as far as k directions keep it.
 * @param matrices spans of parameters whose scales are damped together, see matrixSpans
 * @param allowed numbers of columns to choose from, rising
 * @param method how the components are found; by the number of rows unless told
 * @returns the basis, for gradients as they are, and the rows' own sketches [N, k]
 */
export async function fitSketch(
  pool: Pool,
  gradients: Matrix | StoredGradients,
  matrices: readonly Span[],
  allowed: readonly number[] = SKETCH_SIZES,
  method: "gram" | "randomized" = gradients.shape[0] <= GRAM_ROWS ? "gram" : "randomized",
): Promise<{ basis: SketchBasis; rows: Matrix }> {
  const stored = "data" in gradients ? heldGradients(gradients) : gradients;
  const [count] = stored.shape;
  const scales = fitScales(stored, matrices);
  const scaled = scaledRows(stored, scales);
  const components =
    method === "gram" ? await gramComponents(pool, scaled) : await randomizedComponents(pool, scaled, allowed.at(-1)!);
  const { values, total } = components;
  if (!(total > 0)) {
    const cause = "all row gradients are zero";
    throw new OpenLedgerError(
      "TRAINER_SKETCH",
      `sketch: ${cause}; give rows with text that the adapter was trained on`,
    );
  }
  const k = sizeFor(values, total, count, allowed);
  const kept = values.slice(0, k).filter((value) => value > NOISE * values[0]!);
  const eigenvalues = Array.from({ length: k }, (_, j) => (kept[j] ?? 0) / count);
  const { directions, coordinates } = await components.along(kept.length, k);
  for (let i = 0; i < directions.data.length; i++) directions.data[i]! *= scales[Math.floor(i / k)]!;
  return {
    basis: { basis: directions, k, eigenvalues, energyKept: sum(values.slice(0, k)) / total },
    rows: coordinates,
  };
}

/** The smallest number of columns that keeps enough of the energy, else the largest that the rows can fill. */
export function sizeFor(values: readonly number[], total: number, count: number, allowed: readonly number[]): number {
  const sizes = allowed.filter((k) => k <= Math.max(count, allowed[0]!));
  return sizes.find((k) => sum(values.slice(0, k)) / total >= ENERGY) ?? sizes.at(-1)!;
}

/** Damping λ as a share of the mean kept eigenvalue. */
const DAMPING = 0.1;

/** λ, from the eigenvalues that are kept; those that are not are zero. */
export function dampingOf(eigenvalues: readonly number[]): number {
  return (DAMPING * sum(eigenvalues)) / eigenvalues.filter((value) => value > 0).length;
}

/**
 * Sketches whose coordinate j is divided by √(λ_j + λ): what all rows have in common counts no more than what few have. Rows are
 * told from copies by these; they are paid by the sketches as they are.
 */
export function whitened({ data, shape: [count, k] }: Matrix, eigenvalues: readonly number[]): Matrix {
  const damping = dampingOf(eigenvalues);
  const factors = eigenvalues.map((value) => 1 / Math.sqrt(value + damping));
  const out = sharedMatrix(count, k);
  for (let i = 0; i < data.length; i++) out.data[i] = data[i]! * factors[i % k]!;
  return out;
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

/** Sketches [n, k] of gradients [n, P]. */
export async function project(pool: Pool, { basis, k }: SketchBasis, gradients: Matrix): Promise<Matrix> {
  const product = { a: gradients, b: basis, transposeA: false, transposeB: false };
  return { data: await pool.run("product", product), shape: [gradients.shape[0], k] };
}
