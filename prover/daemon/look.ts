import { type JsonRpcProvider, ZeroAddress } from "ethers";
import { chainTime } from "../../sdk/clock.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { revertReason } from "../../sdk/revert.ts";
import { disputesOf, isAnswerable, isSurvived } from "../../sdk/views/disputes.ts";
import { challengesEnd } from "../../sdk/views/epochs.ts";
import { settlementContext } from "../operator.ts";
import type { ProofStore } from "./proofs.ts";

/** Step that an epoch waits for. */
export type Due = "open" | "propose" | "answer" | "resolve" | "check" | "prove" | "settle" | "settleByBase";

/** An epoch as the chain shows it. */
export type Sight = {
  modelId: bigint;
  epochId: bigint;
  fees: bigint;
  /** In words, for people. */
  state: string;
  /** What can be done now. */
  due?: Due;
  /** Nothing will ever be due again. */
  finished?: boolean;
};

/** Block whose facts count, and the time by the chain's clock. */
export type Moment = { blockTag: number; now: bigint };

/** What of the operator decides which steps are his. */
export type Role = {
  account: string;
  mayPropose: boolean;
  openEpochs: boolean;
  proofs: ProofStore;
  /** Whether he takes the receipts under a root for the epoch's, as far as he can tell. */
  trusts: (root: string) => boolean;
};

/** The moment at which every fact has `confirmations` blocks, its own included. */
export async function moment(rpc: JsonRpcProvider, confirmations: number): Promise<Moment> {
  const head = await rpc.getBlockNumber();
  return { blockTag: Math.max(0, head - confirmations + 1), now: await chainTime(rpc) };
}

/** Number of epochs that a model has had, its open one included. */
export async function epochCount({ splitter }: Protocol, modelId: bigint, { blockTag }: Moment): Promise<bigint> {
  try {
    return (await splitter.currentEpoch(modelId, { blockTag })) + 1n;
  } catch (error) {
    if (revertReason(error).startsWith("SplitterUnknownEpoch")) return 0n;
    throw error;
  }
}

/** What the chain says of an epoch, and what is to be done about it. */
export async function look(
  protocol: Protocol,
  role: Role,
  modelId: bigint,
  epochId: bigint,
  { blockTag, now }: Moment,
): Promise<Sight> {
  const { splitter } = protocol;
  const e = await splitter.epoch(modelId, epochId, { blockTag });
  const { closedAt, openedAt, proposedAt, settledAt, reopenedAt, round, disputes, fees, proposer, receiptsRoot } = e;
  const timing = await splitter.timing();
  const sight = (state: string, due?: Due): Sight => ({ modelId, epochId, fees, state, ...(due && { due }) });

  if (closedAt === 0n) {
    const isOver = now >= openedAt + timing.epochLength;
    return isOver && role.openEpochs ? sight("over, next to open", "open") : sight(isOver ? "over" : "open");
  }
  if (settledAt !== 0n) return { ...sight("settled"), finished: true };
  if (now < closedAt + timing.redeemWindow) return sight("redeeming");
  if (fees === 0n) return { ...sight("without fees"), finished: true };
  if (proposedAt === 0n) {
    if (now >= (await splitter.fallbackAt(modelId, epochId))) return sight("never proposed, to settle", "settleByBase");
    if (now > (reopenedAt > closedAt ? reopenedAt : closedAt) + timing.proposeWindow)
      return sight("never proposed, waiting for base weights");
    if (round !== 0n && (await wasSlashed(protocol, role, modelId, epochId)))
      return sight("own proposal rejected, not repeated");
    return role.mayPropose ? sight("to propose", "propose") : sight("waiting for a proposal");
  }
  const dispute =
    disputes === 0n ? undefined : await disputeDue(protocol, role, e, { modelId, epochId }, { blockTag, now });
  if (dispute)
    return dispute === "answer"
      ? sight("receipts demanded, to answer", "answer")
      : sight("judged, to resolve", "resolve");
  const challengeable = now < challengesEnd(e, timing);
  if (challengeable && proposer !== role.account && !role.trusts(receiptsRoot))
    return sight("another's proposal, to check", "check");
  const waits = disputes !== 0n ? "disputed" : challengeable ? "challenge window" : undefined;
  const { q, context } = await settlementContext(protocol, modelId, epochId, role.account);
  const [x, y] = await protocol.verifier.scoreCommitment(context.commitmentId, int8Bytes(q));
  if (x === 0n && y === 0n) return waits ? sight(`no scores, ${waits}`) : sight("no scores, to settle", "settleByBase");
  if (!role.proofs.has(context, q)) return sight("to prove", "prove");
  return waits ? sight(`proven, ${waits}`) : sight("proven, to settle", "settle");
}

/** What the disputes of an own proposal wait for. */
async function disputeDue(
  protocol: Protocol,
  { account }: Role,
  { proposer, round }: { proposer: string; round: bigint },
  { modelId, epochId }: { modelId: bigint; epochId: bigint },
  { blockTag, now }: Moment,
): Promise<"answer" | "resolve" | undefined> {
  if (proposer !== account) return undefined;
  const all = await disputesOf(protocol, modelId, epochId, blockTag);
  if (all.some((dispute) => isAnswerable(dispute, round, now))) return "answer";
  for (const dispute of all) if (await isSurvived(protocol, dispute, round, blockTag)) return "resolve";
  return undefined;
}

/** Whether the operator lost his stake for this epoch: the same receipts would lose the next one, too. */
async function wasSlashed({ splitter }: Protocol, { account }: Role, modelId: bigint, epochId: bigint) {
  const rejected = await splitter.queryFilter(splitter.filters.ProposalRejected(modelId, epochId, account));
  return rejected.some(({ args }) => args.beneficiary !== ZeroAddress);
}
