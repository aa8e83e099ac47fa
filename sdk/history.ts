import type { RewardSplitter } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";
import { bytesInt8 } from "./hash.ts";
import { claimProof } from "./merkle.ts";

/** The proposal that stands for an epoch, from its event: enough to check it and to settle. */
export async function proposalOf(splitter: RewardSplitter, modelId: bigint, epochId: bigint) {
  // Rejected proposals left their events; the last is the one that stands, if any does.
  const event = (await splitter.queryFilter(splitter.filters.EpochProposed(modelId, epochId))).at(-1);
  if (!event || (await splitter.epoch(modelId, epochId)).proposedAt === 0n)
    throw new OpenLedgerError(
      "EPOCH_NOT_PROPOSED",
      `Epoch ${epochId} of model ${modelId} has no proposal. Propose V first.`,
    );
  const { v, q, floorUnits } = event.args;
  return { v: [...v], q: bytesInt8(q), floorUnits, transaction: event.transactionHash };
}

/** Settlements and corrections of a model, or under one commitment, in the order they happened: `settled` in settlements only. */
export async function earningEvents(splitter: RewardSplitter, of: { modelId: bigint } | { commitmentId: string }) {
  const which = "modelId" in of ? ([of.modelId] as const) : ([undefined, undefined, of.commitmentId] as const);
  const [settled, corrected] = await Promise.all([
    splitter.queryFilter(splitter.filters.EpochSettled(...which)),
    splitter.queryFilter(splitter.filters.EpochCorrected(...which)),
  ]);
  return [
    ...settled.map((event) => ({ event, settled: event.args })),
    ...corrected.map((event) => ({ event, settled: undefined })),
  ].sort(({ event: a }, { event: b }) => a.blockNumber - b.blockNumber || a.index - b.index);
}

/** Cumulative earnings under a commitment as its last settlement or correction left them; empty before the first. */
export async function earningsOf(splitter: RewardSplitter, commitmentId: string): Promise<bigint[]> {
  const events = await earningEvents(splitter, { commitmentId });
  return [...(events.at(-1)?.event.args.cumulative ?? [])];
}

/** The claim of contributor `c`, ready to send. */
export async function claimOf(splitter: RewardSplitter, commitmentId: string, c: number) {
  const earnings = await earningsOf(splitter, commitmentId);
  const cumulative = earnings[c];
  if (cumulative === undefined)
    throw new OpenLedgerError(
      "CLAIM_NOTHING",
      `Contributor ${c} of ${commitmentId} has earned nothing yet. Wait for a settlement.`,
    );
  return { commitmentId, c, cumulative, proof: claimProof(commitmentId, earnings, c) };
}
