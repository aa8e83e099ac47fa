import type { RewardSplitter } from "../contracts.ts";

type Epoch = Awaited<ReturnType<RewardSplitter["epoch"]>>;
type Timing = Awaited<ReturnType<RewardSplitter["timing"]>>;

/**
 * Where an epoch stands in words, and what happened when or may happen until or from when, in seconds.
 * `waitsFor` names the time that has to come; without one somebody has to act.
 */
export type Progress = { state: string; times: Record<string, bigint>; waitsFor?: string };

/** An epoch as the chain shows it at time `now` of its clock. */
export async function epochOf(splitter: RewardSplitter, modelId: bigint, epochId: bigint, now: bigint) {
  const chain = await splitter.epoch(modelId, epochId);
  const progress = epochProgress(chain, await splitter.timing(), await splitter.fallbackAt(modelId, epochId), now);
  return { modelId, epochId, chain, ...progress };
}

/** Ids of a model's epochs, the open one last; none before the first is opened. */
export async function epochIds(splitter: RewardSplitter, modelId: bigint): Promise<bigint[]> {
  const opened = await splitter.queryFilter(splitter.filters.EpochOpened(modelId));
  return opened.map(({ args }) => args.epochId);
}

/** Where an epoch stands, by the contract's rules. */
export function epochProgress(
  e: Pick<Epoch, "openedAt" | "closedAt" | "proposedAt" | "settledAt" | "reopenedAt" | "disputes">,
  timing: Pick<Timing, "epochLength" | "redeemWindow" | "proposeWindow" | "challengeWindow">,
  fallbackAt: bigint,
  now: bigint,
): Progress {
  if (e.settledAt !== 0n) return { state: "settled", times: { settled: e.settledAt } };
  if (e.closedAt === 0n) {
    const mayClose = e.openedAt + timing.epochLength;
    return { state: "open: takes fees", times: { mayClose }, ...(mayClose > now && { waitsFor: "mayClose" }) };
  }
  const redeemingEnds = e.closedAt + timing.redeemWindow;
  const proposingEnds = (e.reopenedAt > e.closedAt ? e.reopenedAt : e.closedAt) + timing.proposeWindow;
  const challengesEnd = e.proposedAt + timing.challengeWindow;
  const times = {
    closed: e.closedAt,
    redeemingEnds,
    ...(e.proposedAt === 0n ? { proposingEnds } : { challengesEnd }),
    ...(e.disputes === 0n && { baseWeightsPay: fallbackAt }),
  };
  if (e.disputes !== 0n) return { state: "disputed", times };
  if (fallbackAt <= now) return { state: "may be settled by base weights", times };
  if (e.proposedAt !== 0n)
    return challengesEnd <= now
      ? { state: "may be settled", times }
      : { state: "proposed: may be challenged", times, waitsFor: "challengesEnd" };
  if (redeemingEnds > now) return { state: "closed: its fees may still be redeemed", times, waitsFor: "redeemingEnds" };
  return proposingEnds <= now
    ? { state: "nothing was proposed: waits for base weights", times, waitsFor: "baseWeightsPay" }
    : { state: "may be proposed", times };
}

const UNITS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
] as const;

/** How far off a time is, as people say it. */
export function distance(seconds: number, now: number): string {
  const length = Math.abs(seconds - now);
  const [size, unit] = UNITS.find(([s]) => length >= 2 * s) ?? [1, "s"];
  const words = `${Math.round(length / size)} ${unit}`;
  return seconds > now ? `in ${words}` : `${words} ago`;
}
