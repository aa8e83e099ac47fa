import { add1, g1, g2, generator2, mod, type Point1, type Point2, pairingIsOne, power, sum, times1 } from "./curve.ts";
import { type Bytes, keccak, keccak256, leaf, type Num, tag, words } from "./encoding.ts";
import { positionalRoot } from "./merkle.ts";

export interface Contribution {
  id: Num;
  account: Num;
  rowCount: Num;
  rowRoot: Num;
}

export const versionHash = (
  chainId: Num,
  datanetRegistry: Num,
  datanetId: Num,
  version: Num,
  contributions: Contribution[],
): string =>
  keccak(
    tag("Version"),
    chainId,
    datanetRegistry,
    datanetId,
    version,
    words(...contributions.flatMap(({ id, account, rowCount, rowRoot }) => [id, account, rowCount, rowRoot])),
  );

/** start_c for c in 0 … K−1. */
export function starts(counts: Num[]): bigint[] {
  let next = 0n;
  return counts.map((count) => {
    const start = next;
    next += BigInt(count);
    return start;
  });
}

/** Leaves of G's rows; a row is its k bytes, two's complement. */
export const sketchLeaves = (rows: Bytes[]): string[] =>
  rows.map((row, i) => leaf(tag("SketchRow"), i, keccak256(row)));
export const gRoot = (rows: Bytes[]): string => positionalRoot(sketchLeaves(rows));

export interface RegistrationInput {
  chainId: Num;
  attributionRegistry: Num;
  modelId: Num;
  versionHashes: Num[];
  k: Num;
  counts: Num[];
  baseWeights: Num[];
  columnsHash: Num; // of the k points laid end to end
  flags: Point1;
  gRoot: Num;
  m0: Num;
  manifestHash: Num;
}

export const commitmentId = (input: RegistrationInput): string =>
  keccak(
    tag("Register"),
    input.chainId,
    input.attributionRegistry,
    input.modelId,
    words(...input.versionHashes),
    input.k,
    sum(input.counts.map(BigInt)),
    words(...input.counts),
    words(...input.baseWeights),
    input.columnsHash,
    ...input.flags,
    input.gRoot,
    input.m0,
    input.manifestHash,
  );

export const zeta = (rd: Num): bigint => mod(BigInt(keccak(rd, 0)));
export const gamma = (rd: Num): bigint => mod(BigInt(keccak(rd, 1)));

/** B(point), the flag polynomial: a one where each contributor but the first begins. */
export const flagsAt = (counts: Num[], point: bigint): bigint =>
  mod(
    sum(
      starts(counts)
        .slice(1)
        .map((start) => power(point, start)),
    ),
  );

/** That C_b commits the flags at exactly the places that the row counts give. Throws where a point is no point. */
export function ownershipHolds(rd: Num, counts: Num[], flags: Point1, opening: Point1, tauG2: Point2): boolean {
  const at = zeta(rd);
  const w = g1(opening);
  const left = add1(g1(flags), times1(-flagsAt(counts, at)), times1(at, w));
  return pairingIsOne([left, generator2], [w.negate(), g2(tauG2)]);
}
