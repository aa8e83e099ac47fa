import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import type { Pool } from "../pool.ts";
import { type GradientRows, heldGradients } from "./gradient-rows.ts";
import { gramComponents, randomizedComponents } from "./pca.ts";

/** Numbers of columns a sketch may have: what the proof system is laid out for. */
export const SKETCH_SIZES = [128, 256, 512] as const;
/** Share of the gradients' energy that the smallest sufficient size must keep. */
const ENERGY = 0.97;
/** Damping λ as a share of the mean kept eigenvalue. */
const DAMPING = 0.1;
/** Eigenvalues below this share of the largest are float32 noise of the Gram matrix: their columns are zero. */
export const NOISE = 1e-6;
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

/** Up to this many rows the components come from the Gram matrix, whose decomposition grows with the cube of them. */
const GRAM_ROWS = 2048;

/**
 * Top-k PCA of the rows' gradients [N, P], half-whitened: coordinate j is divided by √(λ_j + λ), which makes the inner
 * product of two sketches a damped low-rank inverse-Fisher product (EOGP, Heo et al. 2026).
 * @param allowed numbers of columns to choose from, rising
 * @param method how the components are found; by the number of rows unless told
 * @returns the basis and the rows' own sketches [N, k]
 */
export async function fitSketch(
  pool: Pool,
  gradients: Matrix | GradientRows,
  allowed: readonly number[] = SKETCH_SIZES,
  method: "gram" | "randomized" = gradients.shape[0] <= GRAM_ROWS ? "gram" : "randomized",
): Promise<{ basis: SketchBasis; rows: Matrix }> {
  const stored = "data" in gradients ? heldGradients(gradients) : gradients;
  const [count] = stored.shape;
  const components =
    method === "gram" ? await gramComponents(pool, stored) : await randomizedComponents(pool, stored, allowed.at(-1)!);
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
  const damping = dampingOf(eigenvalues);
  const scales = eigenvalues.map((value, j) => (j < kept.length ? 1 / Math.sqrt(value + damping) : 0));
  const { directions, coordinates } = await components.scaled(scales);
  return {
    basis: { basis: directions, k, eigenvalues, damping, energyKept: sum(values.slice(0, k)) / total },
    rows: coordinates,
  };
}

/** The smallest number of columns that keeps enough of the energy, else the largest that the rows can fill. */
export function sizeFor(values: readonly number[], total: number, count: number, allowed: readonly number[]): number {
  const sizes = allowed.filter((k) => k <= Math.max(count, allowed[0]!));
  return sizes.find((k) => sum(values.slice(0, k)) / total >= ENERGY) ?? sizes.at(-1)!;
}

/** λ, from the eigenvalues that are kept; those that are not are zero. */
export function dampingOf(eigenvalues: readonly number[]): number {
  return (DAMPING * sum(eigenvalues)) / eigenvalues.filter((value) => value > 0).length;
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

/** Sketches [n, k] of gradients [n, P]. */
export async function project(pool: Pool, { basis, k }: SketchBasis, gradients: Matrix): Promise<Matrix> {
  const product = { a: gradients, b: basis, transposeA: false, transposeB: false };
  return { data: await pool.run("product", product), shape: [gradients.shape[0], k] };
}
