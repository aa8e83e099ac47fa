// The honest expected answer, by the definitions and without any commitment: what a proof must come out at.

import { sum } from "./curve.ts";
import { concat, type Num, word } from "./encoding.ts";
import { starts } from "./registration.ts";

export const signed = (row: Uint8Array): bigint[] => Array.from(row, (byte) => BigInt(byte < 128 ? byte : byte - 256));

/** s_i = Σ_j Q_j g_ij. */
export const scores = (G: Num[][], Q: Num[]): bigint[] =>
  G.map((row) => sum(row.map((entry, j) => BigInt(entry) * BigInt(Q[j]!))));

/** A_c = Σ over the rows of c of max(s_i, 0). */
export const totals = (s: bigint[], counts: Num[]): bigint[] =>
  starts(counts).map((start, c) =>
    sum(s.slice(Number(start), Number(start) + Number(counts[c]!)).filter((score) => score > 0n)),
  );

export const totalsBytes = (A: Num[]): Uint8Array =>
  concat(
    ...A.map((total) => {
      if (BigInt(total) < 0n || BigInt(total) >= 1n << 64n) throw new Error("totals are uint64");
      return word(total).slice(24);
    }),
  );
