import { starts } from "./transcript.ts";

/**
 * Scores s_i = Σ_j Q_j g_ij.
 *
 * @param sketches N×k, row-major
 * @param query Q, k entries in [-127, 127]
 */
export function scoreRows(sketches: Int8Array, query: Int8Array): Int32Array {
  const k = query.length;
  const scores = new Int32Array(sketches.length / k);
  for (let i = 0; i < scores.length; i++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += query[j]! * sketches[i * k + j]!;
    scores[i] = sum;
  }
  return scores;
}

/** Scores of each contributor's rows, in contributor order. */
export const scoresByContributor = (scores: Int32Array, counts: number[]): Int32Array[] =>
  starts(counts).map((start, c) => scores.subarray(start, start + counts[c]!));

/** A_c = Σ_{i∈c} max(s_i, 0), contributor by contributor. */
export const totalsOf = (scores: Int32Array, counts: number[]): bigint[] =>
  // Exact: a sum stays below 2^53 for fewer than 2^37 rows.
  scoresByContributor(scores, counts).map((own) => BigInt(own.reduce((sum, score) => sum + Math.max(score, 0), 0)));

/** Σ_{i∈c} s_i: what a contributor's rows scored before rows below zero are left out. Published beside the totals. */
export const signedTotals = (scores: Int32Array, counts: number[]): number[] =>
  scoresByContributor(scores, counts).map((own) => own.reduce((sum, score) => sum + score, 0));

/** The `count` rows of highest score above zero, best first; equal ones in row order. */
export const topRows = (scores: Int32Array, count: number): { row: number; score: number }[] =>
  Array.from(scores, (score, row) => ({ row, score }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, count);
