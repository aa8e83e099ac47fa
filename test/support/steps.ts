import { int8Bytes } from "../../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../../sdk/merkle.ts";
import {
  foldRows,
  type RunningSum,
  registrationChallenges,
  rowLengths,
  runningSums,
  sumLeaves,
} from "../../sdk/transcript.ts";

/** What a liar makes of the honest sums. */
export type Lie = (sums: RunningSum[]) => RunningSum[];

/** The honest sums of a registration. */
export function sumsOf(commitmentId: string, sketches: Int8Array, k: number): RunningSum[] {
  const { zeta, gamma } = registrationChallenges(commitmentId);
  return runningSums(foldRows(sketches, k, gamma), rowLengths(sketches, k), zeta);
}

/** Has N grow by `length` more, or less, from row `from` on. */
export const longer =
  (from: number, length: bigint): Lie =>
  (sums) =>
    sums.map((one, i) => (i < from ? one : { ...one, length: one.length + length }));

/** Shows rows and sums as they were registered, right or wrong: of `rows` under `rowTree`, and of `sums`. */
export function shows(rows: Uint8Array[], rowTree: string[], sums: RunningSum[]) {
  const sumTree = sumLeaves(sums);
  const last = sums.length - 1;
  return {
    sums: { root: merkleRoot(sumTree), proof: merkleProof(sumTree, last) },
    step: (row: number) => ({
      row,
      entries: rows[row]!,
      entriesProof: merkleProof(rowTree, row),
      sumBefore: sums[row]!.sum,
      lengthBefore: sums[row]!.length,
      beforeProof: merkleProof(sumTree, row),
      sumAfter: sums[row + 1]!.sum,
      lengthAfter: sums[row + 1]!.length,
      afterProof: merkleProof(sumTree, row + 1),
    }),
    /** Arguments of `challengeBorder` after the commitment. */
    border: (c: number, row: number) => [c, sums[row]!.sum, sums[row]!.length, merkleProof(sumTree, row)] as const,
  };
}

/** The rows of a matrix as they are published. */
export const rowsOf = (sketches: Int8Array, k: number): Uint8Array[] =>
  Array.from({ length: sketches.length / k }, (_, i) => int8Bytes(sketches.subarray(i * k, (i + 1) * k)));
