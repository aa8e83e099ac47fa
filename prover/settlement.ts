import type { Srs } from "../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../circuits/setup/zkey.ts";
import { MAX_QUERY_NORM } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { G1 } from "../sdk/hash.ts";
import { scoreRows, totalsOf } from "../sdk/scores.ts";
import {
  type ChunkProof,
  encodeTotals,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
} from "../sdk/transcript.ts";
import { checkSettlement, combinedValue } from "./check.ts";
import type { ChunkJob } from "./chunk-job.ts";
import { contributorStarts } from "./counts.ts";
import { proveChunk } from "./groth16.ts";
import { combineColumns, type Opening, open } from "./kzg.ts";
import { buildWitness, type Chunk, evaluateChunk, hashChunk } from "./witness.ts";

/** What was committed when the model was registered. */
export interface Committed {
  /** n_c, in contributor order */
  readonly counts: number[];
  /** G: N×k, row-major */
  readonly sketches: Int8Array;
  /** C_0 .. C_{k-1}, 64 bytes each */
  readonly columns: Uint8Array;
  /** C_b */
  readonly flags: G1;
}

/** The transcript's fields that neither the sketches nor Q decide. */
export type SettlementContext = Omit<SettlementStatement, "q" | "scoreCommitment" | "totals" | "h">;

export interface Settlement {
  readonly statement: SettlementStatement;
  /** A_c, in contributor order */
  readonly totals: bigint[];
  readonly proof: SettlementProof;
}

/**
 * Proves the chunks of one settlement, in their order.
 * @param sd digest of the settlement, under which finished proofs can be kept
 */
export type ChunkProver = (key: ProvingKey, sd: string, jobs: ChunkJob[]) => Promise<ChunkProof[]>;

/** One after the other in this process: for small chunks, where starting another would take longer than proving. */
export const proveHere: ChunkProver = async (key, _, jobs) => {
  const proofs: ChunkProof[] = [];
  for (const { chunk, statement } of jobs) proofs.push(await proveChunk(key, chunk, statement));
  return proofs;
};

/**
 * Proves what each contributor's rows scored under Q, and checks the proof as the contract will.
 *
 * @param query Q, k entries in [-127, 127] with ΣQ² ≤ 480²
 * @throws OpenLedgerError `SETTLEMENT_VALUE` if equation (2) fails, and what `checkSettlement` throws for (1) and (3)
 */
export async function proveSettlement(
  committed: Committed,
  query: Int8Array,
  context: SettlementContext,
  key: ProvingKey,
  srs: Srs,
  prove = proveHere,
): Promise<Settlement> {
  const { counts, sketches, columns, flags } = committed;
  const chunkRows = key.circuit.instance.rows;
  checkQuery(query, columns);

  const scores = scoreRows(sketches, query);
  const chunks = buildWitness(scores, counts, chunkRows);
  const totals = totalsOf(scores, counts);
  const scoreCommitment = await combineColumns(columns, query);
  if (scoreCommitment[0] === 0n && scoreCommitment[1] === 0n) {
    throw new OpenLedgerError(
      "SETTLEMENT_ZERO",
      "Q or the commitment of the scores is zero, so there is nothing to prove. The epoch pays by base weights.",
    );
  }
  const parts = { context, query, scoreCommitment, totals, chunks };
  const openAt = (z: bigint, x: bigint) => openCombined(scores, counts, z, x, srs);
  const { statement, proof, opened } = await assembleSettlement(parts, key, openAt, prove);
  const { z, x } = settlementChallenges(statement);
  const values = proof.chunks.map(({ y }) => y);
  if (opened !== combinedValue(values, counts, chunkRows, z, x)) {
    throw new OpenLedgerError(
      "SETTLEMENT_VALUE",
      "Equation (2) fails: the chunks' values are not the opened value. Build the chunks from the committed counts.",
    );
  }
  await checkSettlement({ statement, counts, flags, key: await verifyingKey(key), tauG2: srs.tauG2 }, proof);
  return { statement, totals, proof };
}

/** What a settlement says, before its challenges are drawn. */
export interface SettlementParts {
  readonly context: SettlementContext;
  readonly query: Int8Array;
  /** C_s */
  readonly scoreCommitment: G1;
  readonly totals: bigint[];
  readonly chunks: readonly Chunk[];
}

/**
 * Draws the challenges and proves every chunk. It takes the parts as they are, fitting or not, so that tests can
 * change one of them and derive all that follows honestly.
 */
export async function assembleSettlement(
  { context, query, scoreCommitment, totals, chunks }: SettlementParts,
  key: ProvingKey,
  openAt: (z: bigint, x: bigint) => Promise<Opening>,
  prove = proveHere,
): Promise<{ statement: SettlementStatement; proof: SettlementProof; opened: bigint }> {
  const h: bigint[] = [];
  for (const chunk of chunks) h.push(await hashChunk(chunk));
  const statement = { ...context, q: query, scoreCommitment, totals: encodeTotals(totals), h };
  const { sd, z, x } = settlementChallenges(statement);
  const jobs = chunks.map((chunk, t) => ({ chunk, statement: { z, x, h: h[t]!, ...evaluateChunk(chunk, z, x) } }));
  const proofs = await prove(key, sd, jobs);
  const { y, w } = await openAt(z, x);
  return { statement, proof: { chunks: proofs, opening: w }, opened: y };
}

/** Opens S(X) + (x-1)·B(X), scores and flags at once, at z. */
export function openCombined(scores: Int32Array, counts: number[], z: bigint, x: bigint, srs: Srs): Promise<Opening> {
  const coefficients = Array.from(scores, BigInt);
  for (const row of contributorStarts(counts).slice(1)) coefficients[row]! += x - 1n;
  return open(coefficients, z, srs);
}

function checkQuery(query: Int8Array, columns: Uint8Array): void {
  const k = columns.length / 64;
  const squares = query.reduce((sum, entry) => sum + entry * entry, 0);
  const wrong =
    query.length !== k
      ? `has ${query.length} entries but the commitment has ${k} columns`
      : query.includes(-128)
        ? `has -128 at ${query.indexOf(-128)}`
        : BigInt(squares) > MAX_QUERY_NORM ** 2n
          ? `has ΣQ² = ${squares}, above ${MAX_QUERY_NORM}²`
          : undefined;
  if (wrong) throw new OpenLedgerError("SETTLEMENT_QUERY", `Q ${wrong}. Use the Q that the contract derived from V.`);
}
