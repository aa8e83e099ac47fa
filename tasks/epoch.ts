import { formatUnits } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { distance, epochOf } from "../sdk/views/epochs.ts";
import { settlementsOf } from "../sdk/views/money.ts";
import { openProtocol, ownProtocol, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { date } from "./time.ts";

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
  const { chain: e, state, times } = await epochOf(splitter, model, epoch, BigInt(timestamp));
  const money = (amount: bigint) => formatUnits(amount, e.decimals);
  const corrections = await splitter.queryFilter(splitter.filters.EpochCorrected(model, epoch));
  const extra = (c: number) => corrections.reduce((sum, { args: { extra: of } }) => sum + (of[c] ?? 0n), 0n);
  const settlement = (await settlementsOf(splitter, model)).find(({ epochId }) => epochId === epoch);
  return {
    modelId: model,
    epochId: epoch,
    state,
    ...Object.fromEntries(Object.entries(times).map(([name, at]) => [name, when(Number(at), timestamp)])),
    token: e.token,
    fees: money(e.fees),
    held: money(e.held),
    commitmentId: e.commitmentId,
    vkId: e.vkId,
    proposal:
      e.proposedAt === 0n
        ? null
        : {
            round: e.round,
            proposer: e.proposer,
            stake: money(e.stake),
            disputes: e.disputes,
            receipts: e.count,
            receiptsRoot: e.receiptsRoot,
            queryHash: e.queryHash,
          },
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
          ...(corrections.length > 0 && { corrected: money(extra(c)) }),
        })),
      ),
    }),
  };
});

/** A time as people say it. */
function when(seconds: number, now: number): string {
  return `${date(seconds)} (${distance(seconds, now)})`;
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

type Settle = OfEpoch & { sketches: string | undefined; keys: string; workers: number; memory: number };

export const settle = action<Settle>(async (args, context) => {
  requireEpoch(args);
  requireAtLeast("workers", args.workers, 1);
  requireAtLeast("memory", args.memory, 0);
  const { model, epoch, workers, memory } = args;
  const own = await ownProtocol(args, context);
  const { proveAndSettle } = await import("./settle.ts");
  const { settleByBase } = await import("../prover/operator.ts");
  const protocol: Protocol = own;
  const receipt =
    args.sketches === undefined
      ? await settleByBase(protocol, args.model, args.epoch, own.account)
      : await proveAndSettle(
          protocol,
          { model, epoch, workers, memoryMB: memory || undefined },
          own.account,
          args.sketches,
          args.keys,
        );
  return {
    message: `Settled epoch ${args.epoch} of model ${args.model}.`,
    modelId: args.model,
    epochId: args.epoch,
    settledBy: args.sketches === undefined ? "base weights" : "proof",
    prover: own.account,
    transaction: receipt.hash,
  };
});
