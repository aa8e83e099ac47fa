import type { Protocol } from "../sdk/contracts.ts";
import { int8Bytes } from "../sdk/hash.ts";
import { mined } from "../sdk/transactions.ts";
import { type SettlementProof, type SettlementStatement, settlementChallenges } from "../sdk/transcript.ts";
import type { Settlement } from "./settlement.ts";

/*
 * A settlement with more chunks than one transaction can check: a stage of the verifier checks them piece by piece, and
 * `settle` then takes a proof without chunks. Every step is read from the chain first, so that anyone can go on with a
 * stage that somebody else, or this program before a crash, began.
 */

/** Gas that a transaction may take on Ethereum (EIP-7825), less a tenth. */
export const TRANSACTION_GAS = Math.floor(2 ** 24 * 0.9);

/** What `settle` takes in place of the proof that a stage has checked. */
export const STAGED_PROOF: SettlementProof = { chunks: [], opening: [0n, 0n] };

// Measured (bench/gas.ts, test/contracts/stages.test.ts), and a tenth or more above it.
const BASE_GAS = 520_000;
const CHUNK_GAS = 65_000;
const CONTRIBUTOR_GAS = 3_500;
const COLUMN_GAS = 1_300;

/** Gas that `settle` takes at most for a settlement in one transaction. */
export const settlementGas = ({ q, totals }: SettlementStatement, { chunks }: SettlementProof): number =>
  BASE_GAS + CHUNK_GAS * chunks.length + CONTRIBUTOR_GAS * (totals.length / 8) + COLUMN_GAS * q.length;

/** Chunks that `addChunks` takes in a transaction, at least one. */
const chunksPerPiece = ({ totals }: SettlementStatement, gas: number): number =>
  Math.max(1, Math.floor((gas - BASE_GAS - CONTRIBUTOR_GAS * (totals.length / 8)) / CHUNK_GAS));

/** Has a settlement checked by a stage, as far as the chain has not done so yet. @param gas of one transaction */
export async function proveByStage(
  { verifier }: Pick<Protocol, "verifier">,
  { statement, proof }: Pick<Settlement, "statement" | "proof">,
  gas = TRANSACTION_GAS,
) {
  const { splitter, commitmentId, vkId, epochId, prover, floorUnits, totals, h } = statement;
  const { chunks, opening } = proof;
  const claim = [
    { splitter, commitmentId, vkId, epochId, prover, floorUnits },
    int8Bytes(statement.q),
    totals,
  ] as const;
  const { timestamp } = (await verifier.runner!.provider!.getBlock("latest"))!;
  if ((await verifier.provenUntil(...claim)) > timestamp) return;
  const { sd } = settlementChallenges(statement);
  const stage = await verifier.stage(sd);
  if (stage.expiresAt <= timestamp) await mined(verifier.startStage(...claim, h));
  for (;;) {
    const next = Number((await verifier.stage(sd)).next);
    if (next === chunks.length) break;
    await mined(verifier.addChunks(sd, next, chunks.slice(next, next + chunksPerPiece(statement, gas))));
  }
  await mined(verifier.finishStage(sd, opening));
}
