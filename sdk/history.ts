import type { RewardSplitter } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";
import { bytesInt8 } from "./hash.ts";
import { claimProof } from "./merkle.ts";

/** What was proposed for an epoch, from its event: enough to check it and to settle. */
export async function proposalOf(splitter: RewardSplitter, modelId: bigint, epochId: bigint) {
  const [event] = await splitter.queryFilter(splitter.filters.EpochProposed(modelId, epochId));
  if (!event)
    throw new OpenLedgerError(
      "EPOCH_NOT_PROPOSED",
      `Epoch ${epochId} of model ${modelId} has no proposal. Propose V first.`,
    );
  const { v, q, floorUnits } = event.args;
  return { v: [...v], q: bytesInt8(q), floorUnits };
}

/** Cumulative earnings under a commitment as its last settlement left them; empty before the first. */
export async function earningsOf(splitter: RewardSplitter, commitmentId: string): Promise<bigint[]> {
  const events = await splitter.queryFilter(splitter.filters.EpochSettled(undefined, undefined, commitmentId));
  return [...(events.at(-1)?.args.cumulative ?? [])];
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
