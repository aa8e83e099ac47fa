import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Pool } from "../pool.ts";
import { inOrder, sharedMatrix, spans } from "./blocks.ts";

/** Committed row sketches: int8 entries [N, k], row-major. */
export interface IntRows {
  rows: Int8Array;
  k: number;
}

/** Score of each row under a query or epoch sketch, Σ_j g_ij·q_j, exact integers. */
export function scores({ rows, k }: IntRows, query: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: rows.length / k }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += rows[i * k + j]! * query[j]!;
    return sum;
  });
}

/** L_t = Σ_i |score_i|: how much a query moves all scores together. */
export function movement(sketches: IntRows, query: ArrayLike<number>): number {
  return scores(sketches, query).reduce((sum, score) => sum + Math.abs(score), 0);
}

/**
 * m0 = ⌊median of L over the non-zero rows taken as queries⌋: the least movement a query is charged for, so that a
 * query that hardly touches the data cannot get a huge weight.
 * @param unweighted the rows quantised without their duplicate weights; rows that are zero in `sketches` are passed over
 */
export function leastMovement(sketches: IntRows, unweighted: Int8Array): number {
  const { k } = sketches;
  return median(usedRows(sketches).map((i) => movement(sketches, unweighted.subarray(i * k, (i + 1) * k))));
}

/** Rows that are queries at a time, and rows that these are multiplied with in one task. */
const [QUERIES, ROWS] = [512, 4096];

/**
 * The same for many rows, as matrix products on the pool. They are exact: no sum of products of two sketches, nor any part of
 * one, exceeds 136², far below the 2^24 up to which float32 holds every integer.
 */
export async function leastMovementOf(pool: Pool, sketches: IntRows, unweighted: Int8Array): Promise<number> {
  const { rows, k } = sketches;
  const used = usedRows(sketches);
  const all: number[] = [];
  for (let from = 0; from < used.length; from += QUERIES) {
    const queries = used.slice(from, from + QUERIES);
    const a = sharedMatrix(queries.length, k);
    queries.forEach((row, n) => {
      a.data.set(unweighted.subarray(row * k, (row + 1) * k), n * k);
    });
    const movements = new Float64Array(queries.length);
    await inOrder(
      spans(rows.length / k, ROWS),
      ([first, last]) => {
        const b = sharedMatrix(last - first, k);
        b.data.set(rows.subarray(first * k, last * k));
        return pool.run("product", { a, b, transposeA: false, transposeB: true });
      },
      (part, [first, last]) => {
        for (let i = 0; i < part.length; i++) movements[Math.floor(i / (last - first))]! += Math.abs(part[i]!);
      },
    );
    for (const moved of movements) all.push(moved);
  }
  return median(all);
}

function usedRows({ rows, k }: IntRows): number[] {
  const all = Array.from({ length: rows.length / k }, (_, i) => i);
  return all.filter((i) => rows.subarray(i * k, (i + 1) * k).some((entry) => entry !== 0));
}

/** Rounded down. */
function median(values: number[]): number {
  if (values.length === 0) {
    throw new OpenLedgerError("TRAINER_SKETCH", "sketches: every row is zero; there is nothing to attribute to");
  }
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return Math.floor(sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2);
}

/**
 * ω_t = ⌊f18 / max(L_t, m0)⌋: no query moves the scores by more than its fee.
 * @param fee in units of 10⁻¹⁸
 */
export function queryWeight(fee: bigint, movement: number, leastMovement: number): bigint {
  const weight = fee / BigInt(Math.max(movement, leastMovement));
  if (fee < 0n || weight >= 1n << 64n) {
    throw new OpenLedgerError(
      "TRAINER_WEIGHT",
      `query weight ${weight} of fee ${fee} is outside 0..2^64; split the fee`,
    );
  }
  return weight;
}
