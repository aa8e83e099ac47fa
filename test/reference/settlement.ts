// The settlement check of docs/protocol.md, twice: merged into one pairing product as the contract does it, and as
// M + 1 separate checks. `referenceVerdict` gives the verdict on plain data.

import { chunkTag } from "./chunk.ts";
import {
  add1,
  developmentScalar,
  type G1,
  type G2,
  g1,
  g2,
  generator2,
  InvalidPoint,
  isZero1,
  mod,
  type Point1,
  type Point2,
  pairingIsOne,
  power,
  r,
  sum,
  times1,
  times2,
  words1,
  words2,
} from "./curve.ts";
import { type Bytes, bytes, integer, keccak, keccak256, type Num, tag, words } from "./encoding.ts";
import { starts } from "./registration.ts";
import { signed } from "./scores.ts";

/** As `IAttributionVerifier.VerifyingKey`. */
export interface VerifyingKey {
  alpha1: Point1;
  beta2: Point2;
  gamma2: Point2;
  delta2: Point2;
  ic: readonly Point1[];
  chunkRows: Num; // R
}

/** As `IAttributionVerifier.ChunkProof`. */
export interface ChunkProof {
  h: Num;
  y: Num;
  a: Num;
  pA: Point1;
  pB: Point2;
  pC: Point1;
}

/** As `IAttributionVerifier.SettlementProof`. */
export interface SettlementProof {
  chunks: readonly ChunkProof[];
  opening: Point1; // W
}

/**
 * All that a verdict depends on, as plain data: every number is a bigint, a safe integer or a 0x-hex or decimal string,
 * bytes are 0x-hex or a Uint8Array, points are words in the order of the precompiles.
 */
export interface SettlementInput {
  chainId: Num;
  verifier: Num; // address of the verifier
  splitter: Num; // address of its caller
  key: VerifyingKey;
  tauG2: Point2;
  vkId?: Num; // the id that the caller names; the key's own if left out
  commitment: {
    id: Num;
    counts: readonly Num[]; // n_0 … n_{K−1}
    columns: Bytes; // k points of 64 bytes
    flags: Point1; // C_b
  };
  epochId: Num;
  prover: Num;
  floorUnits: Num;
  q: Bytes; // k bytes, two's complement
  totals: Bytes; // 8 bytes a contributor
  proof: SettlementProof;
}

/** `reason` is the name of an error in contracts/interfaces/IAttributionVerifier.sol. */
export type Verdict = { ok: true } | { ok: false; reason: string };

class Refused extends Error {}

function require(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Refused(reason);
}

// Keys

const samePoint = (a: readonly Num[], b: readonly Num[]): boolean => a.every((v, i) => BigInt(v) === BigInt(b[i]!));

const developmentAlpha1 = words1(times1(developmentScalar("alpha")));
const developmentDelta2 = words2(times2(developmentScalar("delta")));
const developmentTau2 = words2(times2(developmentScalar("tau")));

export const isDevelopmentKey = ({ alpha1, delta2 }: VerifyingKey, tauG2: Point2): boolean =>
  samePoint(alpha1, developmentAlpha1) || samePoint(delta2, developmentDelta2) || samePoint(tauG2, developmentTau2);

export function vkId(key: VerifyingKey, tauG2: Point2): string {
  const { alpha1, beta2, gamma2, delta2, ic, chunkRows } = key;
  const id = keccak(
    tag("VerifyingKey"),
    ...alpha1,
    ...beta2,
    ...gamma2,
    ...delta2,
    ...ic.flat(),
    chunkRows,
    16,
    14,
    chunkTag,
    ...tauG2,
  );
  const dev = Buffer.from("dev").toString("hex");
  return isDevelopmentKey(key, tauG2) ? `0x${dev}${id.slice(2 + dev.length)}` : id;
}

/** The key's points, if it is one that can be registered. */
function checkedKey(key: VerifyingKey, tauG2: Point2, chainId: Num): ParsedKey {
  require(BigInt(key.chunkRows) >= 1n && key.ic.length === 6, "VerifierInvalidKey");
  require(samePoint(key.gamma2, words2(generator2)), "VerifierGammaNotGenerator");
  require(!samePoint(key.delta2, key.gamma2), "VerifierNoContribution");
  require(BigInt(chainId) === 31337n || !isDevelopmentKey(key, tauG2), "VerifierDevelopmentKey");
  return parseKey(key, tauG2);
}

/** What registration of the key refuses. */
export const keyVerdict = (key: VerifyingKey, tauG2: Point2, chainId: Num): Verdict =>
  verdictOf(() => {
    checkedKey(key, tauG2, chainId);
  });

// Commitment of the scores

export function columnPoints(columns: Bytes): G1[] {
  const data = bytes(columns);
  return Array.from({ length: data.length / 64 }, (_, j) =>
    g1([integer(data.slice(64 * j, 64 * j + 32)), integer(data.slice(64 * j + 32, 64 * j + 64))]),
  );
}

/** C_s = Σ Q_j C_j. */
export const scoreCommitment = (columns: Bytes, q: Bytes): G1 => {
  const Q = signed(bytes(q));
  return add1(...columnPoints(columns).map((column, j) => times1(Q[j]!, column)));
};

// Transcript

export interface Transcript {
  sd: string;
  z: bigint;
  x: bigint;
  lambda: bigint;
}

export function transcriptSeed(input: SettlementInput, Cs: Point1): string {
  return keccak(
    keccak(tag("Settle"), input.splitter),
    input.chainId,
    input.verifier,
    input.vkId ?? vkId(input.key, input.tauG2),
    input.commitment.id,
    input.epochId,
    input.prover,
    input.floorUnits,
    keccak256(input.q),
    ...Cs,
    keccak256(input.totals),
    words(...input.proof.chunks.map(({ h }) => h)),
  );
}

export const challenge = (sd: string, index: Num, ...more: Num[]): bigint => mod(BigInt(keccak(sd, index, ...more)));

export function transcript(input: SettlementInput, Cs: Point1): Transcript {
  const { chunks, opening } = input.proof;
  const sd = transcriptSeed(input, Cs);
  const values = words(...chunks.flatMap(({ y, a }) => [y, a]));
  const points = words(...chunks.flatMap(({ pA, pB, pC }) => [...pA, ...pB, ...pC]));
  return { sd, z: challenge(sd, 0), x: challenge(sd, 1), lambda: challenge(sd, 2, values, points, ...opening) };
}

// Equations

/** What the equations are about, parsed. */
export interface Statement {
  R: bigint;
  N: bigint;
  starts: bigint[];
  totals: bigint[];
  Cs: G1;
  Cb: G1;
  values: { h: bigint; y: bigint; a: bigint }[];
}

/** f_t, the number of contributors after the first that begin before chunk t. */
export const flagsBefore = ({ starts, R }: Pick<Statement, "starts" | "R">, t: number): number =>
  starts.slice(1).filter((start) => start < BigInt(t) * R).length;

/** (1) */
export function totalsAgree(statement: Statement, x: bigint): boolean {
  const proven = sum(statement.values.map(({ a }, t) => a * power(x, flagsBefore(statement, t))));
  const claimed = sum(statement.totals.map((total, c) => total * power(x, c)));
  return mod(proven) === mod(claimed);
}

/** (2): what scores and flags together must be at z, the flag at the padding's begin taken off. */
export function evaluation({ values, R, N }: Statement, z: bigint, x: bigint): bigint {
  const pad = N < BigInt(values.length) * R ? 1n : 0n;
  return mod(sum(values.map(({ y }, t) => y * power(z, BigInt(t) * R))) - pad * (x - 1n) * power(z, N));
}

export interface ParsedKey {
  alpha1: G1;
  beta2: G2;
  gamma2: G2;
  delta2: G2;
  ic: G1[];
  tau2: G2;
}

export interface ParsedProof {
  chunks: { A: G1; B: G2; C: G1 }[];
  W: G1;
}

/** C_s + (x−1)·C_b − Y·G1 + z·W */
const openingPoint = (statement: Statement, W: G1, z: bigint, x: bigint): G1 =>
  add1(statement.Cs, times1(x - 1n, statement.Cb), times1(-evaluation(statement, z, x)), times1(z, W));

/** (3), all proofs and the opening under powers of λ. */
export function mergedHolds(
  key: ParsedKey,
  statement: Statement,
  proof: ParsedProof,
  { z, x, lambda }: Omit<Transcript, "sd">,
): boolean {
  const M = statement.values.length;
  const w = statement.values.map((_, t) => power(lambda, t));
  const u = power(lambda, M);
  const Lambda = sum(w);
  const weighed = (pick: "h" | "y" | "a"): bigint => sum(statement.values.map((values, t) => w[t]! * values[pick]));
  const scalars = [Lambda, z * Lambda, x * Lambda, weighed("h"), weighed("y"), weighed("a")];
  const U = add1(...scalars.map((scalar, i) => times1(scalar, key.ic[i]!)));
  const E = add1(...proof.chunks.map(({ C }, t) => times1(w[t]!, C)));
  const L = times1(u, openingPoint(statement, proof.W, z, x));
  return pairingIsOne(
    ...proof.chunks.map(({ A, B }, t): [G1, G2] => [times1(-w[t]!, A), B]),
    [times1(Lambda, key.alpha1), key.beta2],
    [add1(U, L), generator2],
    [E, key.delta2],
    [times1(-u, proof.W), key.tau2],
  );
}

/** One chunk's Groth16 proof, as its authors wrote it. */
export function groth16Holds(key: ParsedKey, publicInputs: bigint[], { A, B, C }: ParsedProof["chunks"][0]): boolean {
  const inputs = add1(key.ic[0]!, ...publicInputs.map((value, i) => times1(value, key.ic[i + 1]!)));
  return pairingIsOne([A.negate(), B], [key.alpha1, key.beta2], [inputs, key.gamma2], [C, key.delta2]);
}

export const openingHolds = (key: ParsedKey, statement: Statement, W: G1, z: bigint, x: bigint): boolean =>
  pairingIsOne([openingPoint(statement, W, z, x), generator2], [W.negate(), key.tau2]);

/** (3) taken apart: each proof for itself, then the opening. */
export function unmergedHolds(
  key: ParsedKey,
  statement: Statement,
  proof: ParsedProof,
  { z, x }: Pick<Transcript, "z" | "x">,
): boolean {
  return (
    statement.values.every(({ h, y, a }, t) => groth16Holds(key, [z, x, h, y, a], proof.chunks[t]!)) &&
    openingHolds(key, statement, proof.W, z, x)
  );
}

export const parseKey = (key: VerifyingKey, tauG2: Point2): ParsedKey => ({
  alpha1: g1(key.alpha1),
  beta2: g2(key.beta2),
  gamma2: g2(key.gamma2),
  delta2: g2(key.delta2),
  ic: key.ic.map(g1),
  tau2: g2(tauG2),
});

export const parseProof = ({ chunks, opening }: SettlementProof): ParsedProof => ({
  chunks: chunks.map(({ pA, pB, pC }) => ({ A: g1(pA), B: g2(pB), C: g1(pC) })),
  W: g1(opening),
});

const maxSquares = 480n ** 2n;

/** All checks that need no pairing. Their order, which the page leaves open, is the contract's. */
export function checkedStatement(input: SettlementInput): Statement {
  const { counts, columns, flags } = input.commitment;
  const own = vkId(input.key, input.tauG2);
  require(BigInt(input.vkId ?? own) === BigInt(own), "VerifierUnknownKey");

  const totals = bytes(input.totals);
  require(totals.length === 8 * counts.length, "VerifierTotalsLength");

  const [R, N] = [BigInt(input.key.chunkRows), sum(counts.map(BigInt))];
  require(BigInt(input.proof.chunks.length) === (N + R - 1n) / R, "VerifierChunkCount");

  const values = input.proof.chunks.map(({ h, y, a }) => ({ h: BigInt(h), y: BigInt(y), a: BigInt(a) }));
  const canonical = values.every((chunk) => Object.values(chunk).every((value) => value >= 0n && value < r));
  require(canonical, "VerifierNotCanonical");

  const Q = signed(bytes(input.q));
  require(Q.length === bytes(columns).length / 64, "VerifierQueryLength");
  require(!Q.includes(-128n), "VerifierQueryEntry");
  require(sum(Q.map((entry) => entry * entry)) <= maxSquares, "VerifierQueryNorm");
  const Cs = scoreCommitment(columns, input.q);
  require(!isZero1(Cs), "VerifierZeroScores");

  return {
    R,
    N,
    starts: starts([...counts]),
    totals: counts.map((_, c) => integer(totals.slice(8 * c, 8 * c + 8))),
    Cs,
    Cb: g1(flags),
    values,
  };
}

/** Runs checks, turning what they throw into a verdict. */
function verdictOf(checks: () => void): Verdict {
  try {
    checks();
    return { ok: true };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.message };
    if (error instanceof InvalidPoint) return { ok: false, reason: "VerifierPrecompileFailed" };
    throw error;
  }
}

/** The verdict that a contract true to the specification must give on `verify`. */
export const referenceVerdict = (input: SettlementInput): Verdict =>
  verdictOf(() => {
    const key = checkedKey(input.key, input.tauG2, input.chainId);
    const statement = checkedStatement(input);
    const challenges = transcript(input, words1(statement.Cs));
    require(totalsAgree(statement, challenges.x), "VerifierTotalsMismatch");
    const proof = parseProof(input.proof);
    const merged = mergedHolds(key, statement, proof, challenges);
    if (merged !== unmergedHolds(key, statement, proof, challenges)) throw new Error("merged and unmerged disagree");
    require(merged, "VerifierProofInvalid");
  });
