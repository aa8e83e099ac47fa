// The honest expected answer, by the definitions and without any commitment: what a proof must come out at.

import { mod, power, sum } from "./curve.ts";
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

export interface Row {
  score: bigint;
  flag: bigint;
}

/** The M·R rows that the chunks prove: zeros behind the last, and a flag where the padding begins. */
export function chunkRows(s: bigint[], counts: Num[], R: number): Row[][] {
  const N = s.length;
  const M = Math.ceil(N / R);
  const flagged = new Set(starts(counts).slice(1).map(Number));
  if (N < M * R) flagged.add(N);
  return Array.from({ length: M }, (_, t) =>
    Array.from({ length: R }, (_, i) => ({
      score: s[t * R + i] ?? 0n,
      flag: flagged.has(t * R + i) ? 1n : 0n,
    })),
  );
}

/** y and a of one chunk in closed form: y evaluates scores and flags at z, a sorts the clipped scores by powers of x. */
export function chunkValues(rows: Row[], z: bigint, x: bigint): { y: bigint; a: bigint } {
  let passed = 0n;
  let [y, a] = [0n, 0n];
  rows.forEach(({ score, flag }, i) => {
    passed += flag;
    y += power(z, i) * (score + flag * (x - 1n));
    if (score > 0n) a += score * power(x, passed);
  });
  return { y: mod(y), a: mod(a) };
}

/** The same by the circuit's recurrence, from the last row to the first. */
export function chunkRecurrence(rows: Row[], z: bigint, x: bigint): { y: bigint; a: bigint } {
  let [y, a] = [0n, 0n];
  for (const { score, flag } of rows.toReversed()) {
    const m = flag * (x - 1n);
    y = mod(y * z + score + m);
    a = mod((a + (score >= 0n ? score : 0n)) * (1n + m));
  }
  return { y, a };
}
