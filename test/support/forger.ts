import { Bn254 } from "../../circuits/bn254.ts";
import { power } from "../../circuits/field.ts";
import { combinedValue } from "../../prover/check.ts";
import { proveChunk } from "../../prover/groth16.ts";
import { combineColumns, linearCombination } from "../../prover/kzg.ts";
import { openCombined } from "../../prover/settlement.ts";
import { buildWitness, type Chunk, evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { type G1, type G2, mod } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import {
  type ChunkProof,
  encodeTotals,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
} from "../../sdk/transcript.ts";
import { type Attribution, type Prepared, settlementContext } from "./attribution.ts";
import { sampleQuery } from "./samples.ts";

export interface Forged {
  readonly statement: SettlementStatement;
  readonly proof: SettlementProof;
}

export interface Cheat {
  readonly query?: Int8Array;
  /** Rows to prove instead of the true ones. */
  readonly chunks?: Chunk[];
  /** Totals to claim instead of the true ones. */
  readonly totals?: bigint[];
  /** Where to take z and x from, if not from the transcript. */
  readonly challenges?: (statement: SettlementStatement) => { z: bigint; x: bigint };
}

/** What is true of a commitment under a query: all committed scores, and the rows and totals of the counted ones. */
export function truth({ committed }: Prepared, query = sampleQuery(128), chunkRows = 210) {
  const scores = scoreRows(committed.sketches, query);
  const known = new Int32Array(committed.counts.reduce((sum, count) => sum + count, 0));
  known.set(scores.subarray(0, known.length));
  return {
    scores,
    chunks: buildWitness(known, committed.counts, chunkRows),
    totals: totalsOf(known, committed.counts),
  };
}

/**
 * A settlement by somebody who does not check himself: true proofs of whatever rows he puts in, all challenges derived
 * as they should be unless `challenges` says otherwise, and the opening of the committed polynomial.
 */
export async function forge(chain: Attribution, prepared: Prepared, cheat: Cheat = {}): Promise<Forged> {
  const { committed } = prepared;
  const query = cheat.query ?? sampleQuery(128);
  const { scores, ...rest } = truth(prepared, query, chain.verifying.chunkRows);
  const { chunks, totals } = { ...rest, ...cheat };
  const statement: SettlementStatement = {
    ...(await settlementContext(chain, prepared.commitmentId)),
    q: query,
    scoreCommitment: await combineColumns(committed.columns, query),
    totals: encodeTotals(totals),
    h: await Promise.all(chunks.map(hashChunk)),
  };
  const { z, x } = (cheat.challenges ?? settlementChallenges)(statement);
  const proofs: ChunkProof[] = [];
  for (const [t, chunk] of chunks.entries())
    proofs.push(await proveChunk(chain.key, chunk, { z, x, h: statement.h[t]!, ...evaluateChunk(chunk, z, x) }));
  const opening = await openCombined(scores, committed.counts, z, x, chain.srs);
  return { statement, proof: { chunks: proofs, opening: opening.w } };
}

/** A proof with one chunk changed. */
export const withChunk = (proof: SettlementProof, t: number, change: Partial<ChunkProof>): SettlementProof => ({
  ...proof,
  chunks: proof.chunks.map((chunk, i) => (i === t ? { ...chunk, ...change } : chunk)),
});

/** Equation (3) under any λ: what a verifier would accept that derives λ from too little. */
export async function holdsUnder(
  lambda: bigint,
  { verifying, srs }: Attribution,
  { committed }: Prepared,
  { statement, proof }: Forged,
): Promise<boolean> {
  const { z, x } = settlementChallenges(statement);
  const { chunks, opening } = proof;
  const w = chunks.map((_, t) => power(lambda, BigInt(t)));
  const u = power(lambda, BigInt(chunks.length));
  const weighted = (values: bigint[]) => values.reduce((sum, value, t) => mod(sum + value * w[t]!), 0n);
  const one = weighted(w.map(() => 1n));
  const y = combinedValue(
    chunks.map((chunk) => chunk.y),
    committed.counts,
    verifying.chunkRows,
    z,
    x,
  );
  const inputs = [chunks.map((chunk) => chunk.h), chunks.map((chunk) => chunk.y), chunks.map((chunk) => chunk.a)];
  const pairs: [G1[], bigint[], G2][] = [
    ...chunks.map(({ pA, pB }, t): [G1[], bigint[], G2] => [[pA], [-w[t]!], pB]),
    [[verifying.alpha1], [one], verifying.beta2],
    [
      [...verifying.ic, statement.scoreCommitment, committed.flags, [1n, 2n], opening],
      [one, z * one, x * one, ...inputs.map(weighted), u, u * (x - 1n), -u * y, u * z],
      verifying.gamma2,
    ],
    [chunks.map(({ pC }) => pC), w, verifying.delta2],
    [[opening], [-u], srs.tauG2],
  ];
  const bn254 = await Bn254.load();
  const raw: Uint8Array[] = [];
  for (const [points, scalars, g2] of pairs)
    raw.push(bn254.rawG1(await linearCombination(points, scalars)), bn254.rawG2(g2));
  return bn254.curve.pairingEq(...raw);
}
