import type { Matrix } from "../engine.ts";
import type { Pool } from "../pool.ts";
import { inOrder, sharedMatrix, spans } from "./blocks.ts";

/** Rows at least this similar are one. */
export const SAME = 0.8;

/** Rows that are compared with all earlier leaders at a time, and leaders that one task compares them with. */
const [ROWS, LEADERS] = [512, 4096];
/** How far a product of float32 unit sketches may be from their cosine; closer to the limit than this it is computed in double. */
const ROUNDING = 1e-4;

/**
 * Which row each row is like: one pass in on-chain order, a row follows the first leader whose whitened sketch has cosine ≥ 0.8
 * with its own, else it leads. Only leaders count, so whoever changes rows that were there before him is paid nothing for it, and
 * takes nothing from them.
 * @param sketches [N, k], whitened, of any norm
 * @param same the cosine, for audits of rows close to it
 * @returns the row that leads each row, itself for a leader; −1 for exact copies (same row hash) and rows without a sketch
 */
export async function findLeaders(
  pool: Pool,
  sketches: Matrix,
  rowHashes: readonly string[],
  same = SAME,
): Promise<Int32Array> {
  const rows = distinct(sketches, rowHashes);
  const { data, shape } = sketches;
  const [count, k] = shape;
  const norms = Float64Array.from({ length: count }, (_, i) => norm(data.subarray(i * k, (i + 1) * k)));
  const leaderOf = new Int32Array(count).fill(-1);
  const leaders: number[] = [];
  const leaderUnits = sharedMatrix(rows.length, k);
  const joins = (row: number, leader: number, cosine: number) => {
    if (Math.abs(cosine - same) > ROUNDING) return cosine > same;
    let dot = 0;
    for (let j = 0; j < k; j++) dot += data[row * k + j]! * data[leader * k + j]!;
    return dot >= same * norms[row]! * norms[leader]!;
  };
  for (const [from, end] of spans(rows.length, ROWS)) {
    const block = rows.slice(from, end);
    const a = sharedMatrix(block.length, k);
    block.forEach((row, n) => {
      for (let j = 0; j < k; j++) a.data[n * k + j] = data[row * k + j]! / norms[row]!;
    });
    const against = (b: Matrix) => pool.run("product", { a, b, transposeA: false, transposeB: true });
    /** The row joins the first of these leaders that is near enough, unless it joined one before them. */
    const join = (n: number, cosines: Float32Array, candidates: readonly number[]) => {
      const row = block[n]!;
      for (let c = 0; c < candidates.length && leaderOf[row] === -1; c++)
        if (joins(row, candidates[c]!, cosines[c]!)) leaderOf[row] = candidates[c]!;
    };
    await inOrder(
      spans(leaders.length, LEADERS),
      ([first, last]) => against({ data: leaderUnits.data.subarray(first * k, last * k), shape: [last - first, k] }),
      (cosines, [first, last]) => {
        const candidates = leaders.slice(first, last);
        block.forEach((_, n) => {
          join(n, cosines.subarray(n * candidates.length, (n + 1) * candidates.length), candidates);
        });
      },
    );
    // Then the leaders that this block itself brings, in order.
    const cosines = await against(a);
    const fresh: number[] = [];
    block.forEach((row, n) => {
      const own = Float32Array.from(fresh, (m) => cosines[n * block.length + m]!);
      join(
        n,
        own,
        fresh.map((m) => block[m]!),
      );
      if (leaderOf[row] !== -1) return;
      leaderOf[row] = row;
      fresh.push(n);
      leaderUnits.data.set(a.data.subarray(n * k, (n + 1) * k), leaders.length * k);
      leaders.push(row);
    });
  }
  return leaderOf;
}

/** Rows with a sketch whose text did not come before. */
function distinct({ data, shape: [count, k] }: Matrix, rowHashes: readonly string[]): number[] {
  const seen = new Set<string>();
  return Array.from({ length: count }, (_, i) => i).filter((i) => {
    if (seen.has(rowHashes[i]!) || data.subarray(i * k, (i + 1) * k).every((value) => value === 0)) return false;
    seen.add(rowHashes[i]!);
    return true;
  });
}

function norm(values: Float32Array): number {
  return Math.hypot(...values);
}
