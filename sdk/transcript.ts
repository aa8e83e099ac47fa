import { type BytesLike, concat, getBytes, hexlify, keccak256, toBeHex, toUtf8Bytes, ZeroHash } from "ethers";
import { challenge, type G1, type G2, int8Bytes, keccak, mod, tag, words } from "./hash.ts";
import { leaf, merkleRoot } from "./merkle.ts";

/** Columns a model may have. */
export const WIDTHS = [128, 256, 512] as const;

/** Bits of a score without its sign, and rows packed into one field element: both are part of every key's id. */
export const SCORE_BITS = 16;
export const ROWS_PER_ELEMENT = 14;

/** First link of a chunk's Poseidon chain. */
export const CHUNK_TAG = mod(BigInt(tag("Chunk")));

/** A Groth16 verifying key; chunkRows is R. */
export type VerifyingKey = {
  alpha1: G1;
  beta2: G2;
  gamma2: G2;
  delta2: G2;
  ic: [G1, G1, G1, G1, G1, G1];
  chunkRows: number;
};

/** One chunk's public values and Groth16 proof. */
export type ChunkProof = { h: bigint; y: bigint; a: bigint; pA: G1; pB: G2; pC: G1 };

/** What `settle` takes besides Q and totals. */
export type SettlementProof = { chunks: ChunkProof[]; opening: G1 };

const DEVELOPMENT_SCALARS = ["tau", "alpha", "beta", "delta"] as const;

/** The public secrets of development keys. */
export const DEVELOPMENT = Object.fromEntries(
  DEVELOPMENT_SCALARS.map((name) => [
    name,
    mod(BigInt(keccak256(new TextEncoder().encode(`OpenLedger development only: ${name}`)))),
  ]),
) as Record<(typeof DEVELOPMENT_SCALARS)[number], bigint>;

/** Content hash of a verifying key; a development key's starts with the letters `dev`. */
export function vkId(key: VerifyingKey, tauG2: G2, development: boolean): string {
  const hash = keccak(
    [
      "bytes32",
      "uint256[2]",
      "uint256[4]",
      "uint256[4]",
      "uint256[4]",
      "uint256[2][6]",
      ...Array<string>(4).fill("uint256"),
      "uint256[4]",
    ],
    [
      tag("VerifyingKey"),
      key.alpha1,
      key.beta2,
      key.gamma2,
      key.delta2,
      key.ic,
      key.chunkRows,
      SCORE_BITS,
      ROWS_PER_ELEMENT,
      CHUNK_TAG,
      tauG2,
    ],
  );
  return development ? hexlify(toUtf8Bytes("dev")) + hash.slice(8) : hash;
}

/** Whether a key is a development key: its secrets are public, so it proves nothing to a stranger. */
export const isDevelopmentKey = (vkId: string): boolean => vkId.startsWith(hexlify(toUtf8Bytes("dev")));

/** Leaves of the published sketch rows. `sketches` is N × k, row-major. */
export function sketchLeaves(sketches: Int8Array, k: number): string[] {
  const leaves: string[] = [];
  for (let i = 0; i * k < sketches.length; i++)
    leaves.push(leaf("SketchRow", i, ["bytes32"], [keccak256(int8Bytes(sketches.subarray(i * k, (i + 1) * k)))]));
  return leaves;
}

/** Root over the published sketch rows. */
export const sketchRoot = (sketches: Int8Array, k: number): string => merkleRoot(sketchLeaves(sketches, k));

/** F_i = Σ_j γ^j g_ij: the rows of the published sketches, each folded into one field element. */
export function foldRows(sketches: Int8Array, k: number, gamma: bigint): bigint[] {
  const powers = [1n];
  while (powers.length < k) powers.push(mod(powers.at(-1)! * gamma));
  return Array.from({ length: sketches.length / k }, (_, i) => {
    let sum = 0n;
    for (let j = 0; j < k; j++) sum += BigInt(sketches[i * k + j]!) * powers[j]!;
    return mod(sum);
  });
}

/** ⌊√Σ_j g_ij²⌋ of every row: what it adds to its contributor's base weight. */
export function rowLengths(sketches: Int8Array, k: number): number[] {
  return Array.from({ length: sketches.length / k }, (_, i) => {
    let squares = 0;
    for (let j = i * k; j < (i + 1) * k; j++) squares += sketches[j]! ** 2;
    return Math.floor(Math.sqrt(squares)); // exact: far below 2^52
  });
}

/** Base weights, by which what no proof decides is shared: the lengths of each contributor's rows, added up. */
export const baseWeights = (lengths: number[], counts: number[]): number[] =>
  starts(counts).map((start, c) => lengths.slice(start, start + counts[c]!).reduce((sum, length) => sum + length, 0));

/** What the rows before one add up to: P_i of their entries, and N_i of their lengths. */
export type RunningSum = { sum: bigint; length: bigint };

/** P_0 … P_N with P_0 = 0 and P_{i+1} = P_i + ζ^i·F_i, and N_0 … N_N with N_0 = 0 and N_{i+1} = N_i + the row's length. */
export function runningSums(folded: bigint[], lengths: number[], zeta: bigint): RunningSum[] {
  const sums = [{ sum: 0n, length: 0n }];
  let power = 1n;
  for (const [i, value] of folded.entries()) {
    const { sum, length } = sums[i]!;
    sums.push({ sum: mod(sum + power * value), length: length + BigInt(lengths[i]!) });
    power = mod(power * zeta);
  }
  return sums;
}

/** Leaves of P_0, N_0 … P_N, N_N. */
export const sumLeaves = (sums: RunningSum[]): string[] =>
  sums.map(({ sum, length }, i) => leaf("SketchSum", i, ["uint256", "uint256"], [sum, length]));

/** First row of each contributor. */
export function starts(counts: number[]): number[] {
  let sum = 0;
  return counts.map((count) => (sum += count) - count);
}

export type RegistrationStatement = {
  chainId: bigint;
  registry: string;
  modelId: bigint;
  versionHashes: string[];
  k: number;
  counts: number[];
  baseWeights: number[];
  columns: Uint8Array;
  flags: G1;
  gRoot: string;
  /** Least movement: no query's weight is its fee by less. */
  m0: bigint;
  manifestHash: string;
};

/** Registration digest, which is the commitment's id. */
export const commitmentId = (s: RegistrationStatement): string =>
  keccak(
    [
      "bytes32",
      "uint256",
      "address",
      "uint256",
      "bytes32",
      "uint256",
      "uint256",
      "bytes32",
      "bytes32",
      "bytes32",
      "uint256[2]",
      "bytes32",
      "uint256",
      "bytes32",
    ],
    [
      tag("Register"),
      s.chainId,
      s.registry,
      s.modelId,
      words(s.versionHashes),
      s.k,
      s.counts.reduce((sum, n) => sum + n, 0),
      words(s.counts),
      words(s.baseWeights),
      keccak256(s.columns),
      s.flags,
      s.gRoot,
      s.m0,
      s.manifestHash,
    ],
  );

export type RegistrationChallenges = { zeta: bigint; gamma: bigint };

/** ζ, where flags and folded columns are opened, and γ, which folds the columns in the published-sketch check. */
export const registrationChallenges = (id: string): RegistrationChallenges => ({
  zeta: challenge(id, 0),
  gamma: challenge(id, 1),
});

export type SettlementStatement = {
  splitter: string;
  chainId: bigint;
  verifier: string;
  vkId: string;
  commitmentId: string;
  epochId: bigint;
  prover: string;
  floorUnits: bigint;
  q: Int8Array;
  scoreCommitment: G1;
  totals: Uint8Array;
  h: bigint[];
};

/** Transcript of a settlement up to its first two challenges. */
export function settlementChallenges(s: SettlementStatement): { sd: string; z: bigint; x: bigint } {
  const sd = settlementDigest(s, s.scoreCommitment, words(s.h));
  return { sd, z: challenge(sd, 0), x: challenge(sd, 1) };
}

/** What a stage proves: the digest without C_s and h, which the rest decides or a proof may choose. */
export const settlementClaim = (s: Omit<SettlementStatement, "scoreCommitment" | "h">): string =>
  settlementDigest(s, [0n, 0n], ZeroHash);

function settlementDigest(
  s: Omit<SettlementStatement, "scoreCommitment" | "h">,
  scoreCommitment: G1,
  hashes: string,
): string {
  const context = keccak(["bytes32", "address"], [tag("Settle"), s.splitter]);
  return keccak(
    [
      "bytes32",
      "uint256",
      "address",
      "bytes32",
      "bytes32",
      "uint256",
      "address",
      "uint256",
      "bytes32",
      "uint256[2]",
      "bytes32",
      "bytes32",
    ],
    [
      context,
      s.chainId,
      s.verifier,
      s.vkId,
      s.commitmentId,
      s.epochId,
      s.prover,
      s.floorUnits,
      keccak256(int8Bytes(s.q)),
      scoreCommitment,
      keccak256(s.totals),
      hashes,
    ],
  );
}

/** λ, which folds the chunks' pairings and the opening into one check. */
export const foldingChallenge = (sd: string, { chunks, opening }: SettlementProof): bigint =>
  challenge(
    sd,
    2,
    ["bytes32", "bytes32", "uint256[2]"],
    [
      words(chunks.flatMap(({ y, a }) => [y, a])),
      words(chunks.flatMap(({ pA, pB, pC }) => [...pA, ...pB, ...pC])),
      opening,
    ],
  );

/** f_t: how many contributors after the first start before row t·R, for t < M. */
export const flagsBefore = (counts: number[], chunkRows: number, chunks: number): number[] => {
  const first = starts(counts).slice(1);
  return Array.from({ length: chunks }, (_, t) => first.filter((start) => start < t * chunkRows).length);
};

/** Totals as 8 bytes big-endian each. */
export function encodeTotals(totals: bigint[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * totals.length));
  for (const [c, total] of totals.entries()) bytes.setBigUint64(8 * c, total);
  return new Uint8Array(bytes.buffer);
}

/** Totals from their bytes. */
export function decodeTotals(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, c) => view.getBigUint64(8 * c));
}

/** A point as 64 bytes, x then y, big-endian. */
export const encodePoint = ([x, y]: G1): Uint8Array => getBytes(concat([toBeHex(x, 32), toBeHex(y, 32)]));

/** The k points of a columns blob. */
export function decodePoints(columns: BytesLike): G1[] {
  const hex = hexlify(columns).slice(2);
  return Array.from({ length: hex.length / 128 }, (_, j) => {
    const at = 128 * j;
    return [BigInt(`0x${hex.slice(at, at + 64)}`), BigInt(`0x${hex.slice(at + 64, at + 128)}`)];
  });
}
