// That the published rows are the committed ones and as long as base weights say: sums over the rows, and one opening of
// the columns.

import {
  add1,
  g1,
  g2,
  generator2,
  mod,
  type Point1,
  type Point2,
  pairingIsOne,
  power,
  r,
  sum,
  times1,
  words1,
} from "./curve.ts";
import { type Bytes, bytes, leaf, type Num, tag } from "./encoding.ts";
import { positionalProof, positionalRoot, rootOfProof } from "./merkle.ts";
import { gamma, starts, zeta } from "./registration.ts";
import { signed } from "./scores.ts";
import { columnPoints } from "./settlement.ts";

/** What a registration says of its sums P_0, N_0 … P_N, N_N; N_N is what its base weights add up to. */
export interface Sums {
  root: string;
  total: Num; // P_N
  proof: string[]; // of P_N and N_N under the root
  opening: Point1; // W of Σ_j γ^j C_j at ζ
}

/** Σ_j γ^j g_ij of every row. */
const folded = (rd: Num, rows: Bytes[]): bigint[] =>
  rows.map((row) => mod(sum(signed(bytes(row)).map((entry, j) => entry * power(gamma(rd), j)))));

/** P_0 … P_N. */
export function runningSums(rd: Num, rows: Bytes[]): bigint[] {
  const sums = [0n];
  folded(rd, rows).forEach((value, i) => {
    sums.push(mod(sums[i]! + power(zeta(rd), i) * value));
  });
  return sums;
}

/** The largest integer whose square is not above Σ_j g_ij². */
function rowLength(row: Bytes): bigint {
  const squares = sum(signed(bytes(row)).map((entry) => entry * entry));
  let root = 0n;
  while ((root + 1n) ** 2n <= squares) root++;
  return root;
}

/** N_0 … N_N. */
export function runningLengths(rows: Bytes[]): bigint[] {
  const lengths = [0n];
  for (const [i, row] of rows.entries()) lengths.push(lengths[i]! + rowLength(row));
  return lengths;
}

/** base_c: by how much N grows over each contributor's rows. */
export function baseWeights(rows: Bytes[], counts: Num[]): bigint[] {
  const lengths = runningLengths(rows);
  return starts(counts).map((start, c) => lengths[Number(start + BigInt(counts[c]!))]! - lengths[Number(start)]!);
}

export const sumLeaves = (sums: Num[], lengths: Num[]): string[] =>
  sums.map((value, i) => leaf(tag("SketchSum"), i, value, lengths[i]!));

/** The honest sums, with W from τ itself. */
export function openSums(rd: Num, rows: Bytes[], tau: bigint): Sums {
  const sums = runningSums(rd, rows);
  const total = sums.at(-1)!;
  const leaves = sumLeaves(sums, runningLengths(rows));
  const atTau = sum(folded(rd, rows).map((value, i) => value * power(tau, i)));
  const w = times1((atTau - total) * power(tau - zeta(rd), r - 2n));

  return { root: positionalRoot(leaves), total, proof: positionalProof(leaves, rows.length), opening: words1(w) };
}

/**
 * That the columns open to P_N, the last of the N + 1 sums under the root, and that the base weights add up to N_N beside
 * it. Throws where a point is no point.
 */
export function sumsHold(rd: Num, rows: number, weights: Num[], columns: Bytes, sums: Sums, tauG2: Point2): boolean {
  const total = BigInt(sums.total);
  const F = add1(...columnPoints(columns).map((column, j) => times1(power(gamma(rd), j), column)));
  const w = g1(sums.opening);
  const opens = pairingIsOne([add1(F, times1(-total), times1(zeta(rd), w)), generator2], [w.negate(), g2(tauG2)]);
  const last = leaf(tag("SketchSum"), rows, total, sum(weights.map(BigInt)));
  const isFull = sums.proof.length === Math.ceil(Math.log2(rows + 1));
  return opens && total < r && isFull && rootOfProof(last, rows, sums.proof) === sums.root;
}
