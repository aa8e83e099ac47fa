import { formatUnits, getBytes } from "ethers";
import type { Protocol, RewardSplitter } from "../sdk/contracts.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { decodeTotals } from "../sdk/transcript.ts";
import { openProtocol, ownProtocol, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";

export type OfEpoch = Options & { model: bigint; epoch: bigint };

/** Checks what names an epoch. */
export function requireEpoch({ model, epoch }: OfEpoch): void {
  requireAtLeast("model", model, 1);
  requireAtLeast("epoch", epoch, 0);
}

export const show = action<OfEpoch>(async (args, context) => {
  requireEpoch(args);
  const { model, epoch } = args;
  const { splitter, attribution } = await openProtocol(args, context);
  const { timestamp } = (await context.provider.getBlock("latest"))!;
  const e = await splitter.epoch(model, epoch);
  const money = (amount: bigint) => formatUnits(amount, e.decimals);
  const settlement = await settlementOf(splitter, model, epoch);
  return {
    modelId: model,
    epochId: epoch,
    ...(await progress(splitter, args, e, timestamp)),
    token: e.token,
    fees: money(e.fees),
    held: money(e.held),
    commitmentId: e.commitmentId,
    vkId: e.vkId,
    proposal: e.proposedAt === 0n ? null : { receipts: e.count, receiptsRoot: e.receiptsRoot, queryHash: e.queryHash },
    ...(settlement && {
      settledBy: settlement.totals.length > 0 ? "proof" : "base weights",
      prover: settlement.prover,
      pot: money(settlement.pot),
      payouts: await Promise.all(
        settlement.pay.map(async (amount, c) => ({
          contributor: c,
          account: await attribution.accountOf(e.commitmentId, c),
          total: settlement.totals[c] ?? "",
          paid: money(amount),
        })),
      ),
    }),
  };
});

type Epoch = Awaited<ReturnType<RewardSplitter["epoch"]>>;

/** Where an epoch stands, and what may happen until or from when, by the time of the chain's last block. */
async function progress(splitter: RewardSplitter, { model, epoch }: OfEpoch, e: Epoch, now: number) {
  const timing = await splitter.timing();
  const at = (start: bigint, window: bigint) => when(Number(start + window), now);
  const passed = (start: bigint, window: bigint) => start + window <= BigInt(now);
  if (e.settledAt !== 0n) return { state: "settled", settled: at(e.settledAt, 0n) };
  if (e.closedAt === 0n) return { state: "open: takes fees", mayClose: at(e.openedAt, timing.epochLength) };
  const fallback = await splitter.fallbackAt(model, epoch);
  const deadlines = {
    closed: at(e.closedAt, 0n),
    redeemingEnds: at(e.closedAt, timing.redeemWindow),
    ...(e.proposedAt === 0n
      ? { proposingEnds: at(e.closedAt, timing.proposeWindow) }
      : { challengesEnd: at(e.proposedAt, timing.challengeWindow) }),
    baseWeightsPay: at(fallback, 0n),
  };
  const state = () => {
    if (passed(fallback, 0n)) return "may be settled by base weights";
    if (e.proposedAt !== 0n)
      return passed(e.proposedAt, timing.challengeWindow) ? "may be settled" : "proposed: may be challenged";
    if (!passed(e.closedAt, timing.redeemWindow)) return "closed: its fees may still be redeemed";
    return passed(e.closedAt, timing.proposeWindow)
      ? "nothing was proposed: waits for base weights"
      : "may be proposed";
  };
  return { state: state(), ...deadlines };
}

/** A time as people say it. */
function when(seconds: number, now: number): string {
  const distance = Math.abs(seconds - now);
  const [size, unit] = (
    [
      [86_400, "d"],
      [3600, "h"],
      [60, "min"],
    ] as const
  ).find(([s]) => distance >= 2 * s) ?? [1, "s"];
  const words = `${Math.round(distance / size)} ${unit}`;
  const iso = new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  return `${iso} (${seconds > now ? `in ${words}` : `${words} ago`})`;
}

/** What an epoch's settlement paid each contributor: the growth of the cumulative earnings. */
async function settlementOf(splitter: RewardSplitter, model: bigint, epoch: bigint) {
  const settled = await splitter.queryFilter(splitter.filters.EpochSettled(model));
  const index = settled.findIndex(({ args }) => args.epochId === epoch);
  if (index === -1) return undefined;
  const { prover, pot, totals, cumulative } = settled[index]!.args;
  const before = settled[index - 1]?.args.cumulative;
  return {
    prover,
    pot,
    totals: decodeTotals(getBytes(totals)),
    pay: cumulative.map((amount, c) => amount - (before?.[c] ?? 0n)),
  };
}

export const open = action<Options & { model: bigint }>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const { splitter } = await ownProtocol(args, context);
  const receipt = await mined(splitter.openEpoch(args.model));
  const { epochId } = emitted(splitter, "EpochOpened", receipt);
  const closed = epochId > 0n ? `, closed epoch ${epochId - 1n}` : "";
  return {
    message: `Opened epoch ${epochId} of model ${args.model}${closed}.`,
    modelId: args.model,
    epochId,
    transaction: receipt.hash,
  };
});

type Settle = OfEpoch & { sketches: string | undefined };

export const settle = action<Settle>(async (args, context) => {
  requireEpoch(args);
  const own = await ownProtocol(args, context);
  const { proveAndSettle } = await import("./settle.ts");
  const { settleByBase } = await import("../prover/operator.ts");
  const protocol: Protocol = own;
  const receipt =
    args.sketches === undefined
      ? await settleByBase(protocol, args.model, args.epoch, own.account)
      : await proveAndSettle(protocol, args, own.account, args.sketches);
  return {
    message: `Settled epoch ${args.epoch} of model ${args.model}.`,
    modelId: args.model,
    epochId: args.epoch,
    settledBy: args.sketches === undefined ? "base weights" : "proof",
    prover: own.account,
    transaction: receipt.hash,
  };
});
