// What one chunk's circuit states about its R rows, computed plainly.

import { grainGenConstants, poseidon } from "@noble/curves/abstract/poseidon";
import { bn254 } from "@noble/curves/bn254";
import { mod, power, r } from "./curve.ts";
import { type Num, tag } from "./encoding.ts";
import { starts } from "./registration.ts";

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

export const chunkTag = BigInt(tag("Chunk")) % r;

// circomlib's parameters for 16 inputs.
const options = { Fp: bn254.fields.Fr, t: 17, roundsFull: 8, roundsPartial: 68, sboxPower: 5 };
const permute = poseidon({ ...options, ...grainGenConstants(options) });
export const poseidon16 = (inputs: bigint[]): bigint => permute([0n, ...inputs])[0]!;

const groups = <T>(items: T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** h: 14 rows of 18 bits an element, 15 elements a block, the blocks chained. R must be a multiple of 210. */
export function chunkHash(rows: Row[]): bigint {
  if (rows.length % 210 !== 0) throw new Error("R must be a multiple of 210");
  const values = rows.map(({ score, flag }) => {
    if (score < -(2n ** 16n) || score >= 2n ** 16n) throw new Error("score out of range");
    return score + 2n ** 16n + 2n ** 17n * flag;
  });
  const elements = groups(values, 14).map((group) =>
    group.reduce((element, value, f) => element + value * 2n ** BigInt(18 * f), 0n),
  );
  return groups(elements, 15).reduce((h, block) => poseidon16([h, ...block]), chunkTag);
}
