import { ZeroAddress } from "ethers";
import type { Protocol } from "../contracts.ts";
import { DISPUTE_KINDS, DISPUTE_OUTCOMES, VERDICTS } from "../disputes.ts";

/** A dispute as the chain shows it; `target` is a leaf's index, of a sample a point of all fees, of a report a hash. */
export type DisputeView = {
  id: bigint;
  modelId: bigint;
  epochId: bigint;
  kind: (typeof DISPUTE_KINDS)[number];
  outcome: (typeof DISPUTE_OUTCOMES)[number];
  round: bigint;
  until: bigint;
  challenger: string;
  bond: bigint;
  target: bigint;
  caseId: bigint;
};

/** Dispute `id`; undefined if there is none. */
export async function disputeOf(
  { disputes }: Pick<Protocol, "disputes">,
  id: bigint,
  blockTag: number | "latest" = "latest",
): Promise<DisputeView | undefined> {
  const { kind, outcome, round, until, challenger, bond, modelId, epochId, target, caseId } = await disputes.dispute(
    id,
    {
      blockTag,
    },
  );
  if (challenger === ZeroAddress) return undefined;
  const words = { kind: DISPUTE_KINDS[Number(kind)]!, outcome: DISPUTE_OUTCOMES[Number(outcome)]! };
  return { id, modelId, epochId, ...words, round, until, challenger, bond, target, caseId };
}

/** All disputes of an epoch's proposals and of its settlement, in order. */
export async function disputesOf(
  protocol: Pick<Protocol, "disputes">,
  modelId: bigint,
  epochId: bigint,
  blockTag: number | "latest" = "latest",
): Promise<DisputeView[]> {
  const { DisputeOpened } = protocol.disputes.filters;
  const opened = await protocol.disputes.queryFilter(DisputeOpened(undefined, modelId, epochId), 0, blockTag);
  return Promise.all(opened.map(async ({ args: { id } }) => (await disputeOf(protocol, id, blockTag))!));
}

/** Whether a dispute demands a leaf of the proposal of `round`, and can be answered at time `now`. */
export const isAnswerable = (dispute: DisputeView, round: bigint, now: bigint): boolean =>
  (dispute.kind === "demand" || dispute.kind === "sample") &&
  dispute.outcome === "open" &&
  dispute.round === round &&
  now < dispute.until;

/** Whether the committee has let the proposal of `round` stand, or decided nothing, and `resolve` was not sent yet. */
export async function isSurvived(
  { committee }: Pick<Protocol, "committee">,
  { kind, outcome, round: of, caseId }: DisputeView,
  round: bigint,
  blockTag: number | "latest" = "latest",
): Promise<boolean> {
  if (kind !== "sketch" || outcome !== "open" || of !== round) return false;
  const verdict = VERDICTS[Number(await committee.verdict(caseId, { blockTag }))];
  return verdict === "dismissed" || verdict === "undecided";
}
