// Whole settlements without a circuit: who knows a Groth16 key's secrets can prove any public inputs whatever. That
// gives honest settlements at once, and also proofs of false statements, which the other checks must catch.

import { chunkRows, chunkValues, type Row } from "./chunk.ts";
import { type G1, inverse, mod, type Point1, power, sum, times1, times2, words1, words2 } from "./curve.ts";
import { concat, hex, type Num, word } from "./encoding.ts";
import { queryBytes } from "./epoch.ts";
import { flagsAt, zeta } from "./registration.ts";
import { scores, totals, totalsBytes } from "./scores.ts";
import {
  type ChunkProof,
  challenge,
  type SettlementInput,
  scoreCommitment,
  transcriptSeed,
  type VerifyingKey,
} from "./settlement.ts";

export interface Secrets {
  tau: bigint;
  alpha: bigint;
  beta: bigint;
  delta: bigint;
  ic: bigint[];
}

export const secrets: Secrets = {
  tau: 1234567891011121314n,
  alpha: 271828182845904523n,
  beta: 314159265358979323n,
  delta: 161803398874989484n,
  ic: [11n, 13n, 17n, 19n, 23n, 29n].map((n) => n ** 15n),
};

export const pointBytes = (point: G1): Uint8Array => concat(...words1(point).map(word));

/** P(τ) for a polynomial by its coefficients. */
const at = (coefficients: bigint[], point: bigint): bigint =>
  mod(sum(coefficients.map((coefficient, i) => coefficient * power(point, i))));

export const commitColumns = (G: Num[][], tau: bigint): Uint8Array =>
  concat(
    ...G[0]!.map((_, j) =>
      pointBytes(
        times1(
          at(
            G.map((row) => BigInt(row[j]!)),
            tau,
          ),
        ),
      ),
    ),
  );

export const simulatedGroth16 = (
  { alpha, beta, delta, ic }: Secrets,
  publicInputs: bigint[],
  [a, b]: [bigint, bigint] = [101n ** 9n, 103n ** 9n],
): Pick<ChunkProof, "pA" | "pB" | "pC"> => {
  const inputs = ic[0]! + sum(publicInputs.map((value, i) => value * ic[i + 1]!));
  return {
    pA: words1(times1(a)),
    pB: words2(times2(b)),
    pC: words1(times1((a * b - alpha * beta - inputs) * inverse(delta))),
  };
};

export interface Model {
  G: Num[][];
  Q: Num[];
  counts: Num[];
  R: number;
}

/** Where a cheat steps off the honest way. */
export interface Deviation {
  totals?: (honest: bigint[]) => bigint[];
  rows?: (honest: Row[][]) => Row[][]; // what the chunks prove in place of the committed rows
  flags?: Num[]; // counts by which C_b is made
}

/** Where and for what a settlement is made. */
export interface Place
  extends Pick<SettlementInput, "chainId" | "verifier" | "splitter" | "epochId" | "prover" | "floorUnits"> {
  commitmentId: Num;
}

const anyPlace: Place = {
  chainId: 31337,
  verifier: "0x1111111111111111111111111111111111111111",
  splitter: "0x2222222222222222222222222222222222222222",
  commitmentId: `0x${"ab".repeat(32)}`,
  epochId: 7,
  prover: "0x3333333333333333333333333333333333333333",
  floorUnits: 42,
};

export const tauG2 = words2(times2(secrets.tau));

export const simulatedKey = (chunkRows: Num): VerifyingKey => ({
  alpha1: words1(times1(secrets.alpha)),
  beta2: words2(times2(secrets.beta)),
  gamma2: words2(times2(1n)),
  delta2: words2(times2(secrets.delta)),
  ic: secrets.ic.map((scalar) => words1(times1(scalar))),
  chunkRows,
});

/** C_b for flags at the places that the counts give. */
export const commitFlags = (counts: Num[]): Point1 => words1(times1(flagsAt(counts, secrets.tau)));

/** W of the ownership check under the transcript `rd`. */
export function openFlags(rd: Num, counts: Num[]): Point1 {
  const [{ tau }, point] = [secrets, zeta(rd)];
  return words1(times1((flagsAt(counts, tau) - flagsAt(counts, point)) * inverse(tau - point)));
}

export function simulateSettlement(
  { G, Q, counts, R }: Model,
  deviation: Deviation = {},
  place: Partial<Place> = {},
): SettlementInput {
  const s = scores(G, Q);
  const honestRows = chunkRows(s, counts, R);
  const rows = deviation.rows?.(honestRows) ?? honestRows;
  const claimed = deviation.totals?.(totals(s, counts)) ?? totals(s, counts);
  const flagCounts = deviation.flags ?? counts;
  const { commitmentId, ...rest } = { ...anyPlace, ...place };

  const input: SettlementInput = {
    ...rest,
    key: simulatedKey(R),
    tauG2,
    commitment: {
      id: commitmentId,
      counts,
      columns: hex(commitColumns(G, secrets.tau)),
      flags: commitFlags(flagCounts),
    },
    q: hex(queryBytes(Q)),
    totals: hex(totalsBytes(claimed)),
    proof: {
      chunks: rows.map((_, t) => ({ h: 1000 + t, y: 0, a: 0, pA: [0, 0], pB: [0, 0, 0, 0], pC: [0, 0] })),
      opening: [0, 0],
    },
  };
  return prove(input, s, flagCounts, rows);
}

/** Fills in chunks and opening for the transcript that the rest of the input gives. */
function prove(input: SettlementInput, s: bigint[], flagCounts: Num[], rows: Row[][]): SettlementInput {
  const { tau } = secrets;
  const sd = transcriptSeed(input, words1(scoreCommitment(input.commitment.columns, input.q)));
  const [z, x] = [challenge(sd, 0), challenge(sd, 1)];
  const chunks = rows.map((chunk, t): ChunkProof => {
    const { h } = input.proof.chunks[t]!;
    const { y, a } = chunkValues(chunk, z, x);
    return { h, y, a, ...simulatedGroth16(secrets, [z, x, BigInt(h), y, a]) };
  });
  // (P(τ) − P(z)) / (τ − z) needs no division of polynomials where τ is known.
  const quotient =
    (at(s, tau) - at(s, z) + (x - 1n) * (flagsAt(flagCounts, tau) - flagsAt(flagCounts, z))) * inverse(tau - z);
  return { ...input, proof: { chunks, opening: words1(times1(quotient)) } };
}
