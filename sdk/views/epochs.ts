import type { RewardSplitter } from "../contracts.ts";

type Epoch = Awaited<ReturnType<RewardSplitter["epoch"]>>;
type Timing = Awaited<ReturnType<RewardSplitter["timing"]>>;

/** Where an epoch stands in words, and what happened when or may happen until or from when, in seconds. */
export type Progress = { state: string; times: Record<string, bigint> };

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
  e: Pick<Epoch, "openedAt" | "closedAt" | "proposedAt" | "settledAt">,
  timing: Pick<Timing, "epochLength" | "redeemWindow" | "proposeWindow" | "challengeWindow">,
  fallbackAt: bigint,
  now: bigint,
): Progress {
  if (e.settledAt !== 0n) return { state: "settled", times: { settled: e.settledAt } };
  if (e.closedAt === 0n) return { state: "open: takes fees", times: { mayClose: e.openedAt + timing.epochLength } };
  const redeemingEnds = e.closedAt + timing.redeemWindow;
  const proposingEnds = e.closedAt + timing.proposeWindow;
  const challengesEnd = e.proposedAt + timing.challengeWindow;
  const times = {
    closed: e.closedAt,
    redeemingEnds,
    ...(e.proposedAt === 0n ? { proposingEnds } : { challengesEnd }),
    baseWeightsPay: fallbackAt,
  };
  const state = () => {
    if (fallbackAt <= now) return "may be settled by base weights";
    if (e.proposedAt !== 0n) return challengesEnd <= now ? "may be settled" : "proposed: may be challenged";
    if (redeemingEnds > now) return "closed: its fees may still be redeemed";
    return proposingEnds <= now ? "nothing was proposed: waits for base weights" : "may be proposed";
  };
  return { state: state(), times };
}

/** The first of an epoch's times that is still to come. */
export function nextDeadline({ times }: Progress, now: bigint): { name: string; at: bigint } | undefined {
  return Object.entries(times)
    .map(([name, at]) => ({ name, at }))
    .filter(({ at }) => at > now)
    .sort((a, b) => Number(a.at - b.at))[0];
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
