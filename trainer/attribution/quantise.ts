import type { Matrix } from "../engine.ts";

/** Length of a quantised sketch of weight 1, and the largest entry. */
export const UNIT = 127;
/** Largest norm after rounding; the proof's ranges rest on it. */
export const MAX_NORM = 136;

/**
 * Sketches as int8 rows: unit norm × 127 × weight, rounded half away from zero. Rounding can lengthen a sketch of many
 * small entries beyond 136; then it is scaled back and cut towards zero, so that Σ g² ≤ 136² always.
 * @param sketches [n, k]; a zero sketch stays zero
 * @param weights one for each row; default 1
 * @returns n×k entries, row-major
 */
export function quantise({ data, shape: [count, k] }: Matrix, weights?: ArrayLike<number>): Int8Array {
  const out = new Int8Array(count * k);
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * k, (i + 1) * k);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (norm === 0) continue;
    const scale = (UNIT * (weights?.[i] ?? 1)) / norm;
    const rounded = Array.from(row, (value) => Math.sign(value) * Math.floor(Math.abs(value) * scale + 0.5));
    const squares = rounded.reduce((sum, value) => sum + value * value, 0);
    const shrink = squares > MAX_NORM ** 2 ? MAX_NORM / Math.sqrt(squares) : 1;
    out.set(shrink === 1 ? rounded : rounded.map((value) => Math.trunc(value * shrink)), i * k);
  }
  return out;
}
