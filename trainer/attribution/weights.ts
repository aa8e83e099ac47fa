import { OpenLedgerError } from "../../sdk/errors.ts";

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
  const { rows, k } = sketches;
  const all: number[] = [];
  for (let at = 0; at < rows.length; at += k) {
    if (rows.subarray(at, at + k).some((entry) => entry !== 0))
      all.push(movement(sketches, unweighted.subarray(at, at + k)));
  }
  if (all.length === 0) {
    throw new OpenLedgerError("TRAINER_SKETCH", "sketches: every row is zero; there is nothing to attribute to");
  }
  all.sort((a, b) => a - b);
  const middle = all.length >> 1;
  return Math.floor(all.length % 2 === 1 ? all[middle]! : (all[middle - 1]! + all[middle]!) / 2);
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
