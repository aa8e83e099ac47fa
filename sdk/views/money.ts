import { getBytes } from "ethers";
import type { Protocol, RewardSplitter } from "../contracts.ts";
import { BPS } from "../epoch.ts";
import { claimOf, earningEvents, earningsOf } from "../history.ts";
import { commitmentsOf } from "../models.ts";
import { decodeTotals } from "../transcript.ts";
import { contributorsOf } from "./models.ts";

const sum = (amounts: bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);

/** What one settlement paid: the growth of the cumulative earnings. `totals` is empty where base weights paid. */
export type Settlement = {
  epochId: bigint;
  commitmentId: string;
  prover: string;
  pot: bigint;
  totals: bigint[];
  /** Earned in all under its commitment before it, by contributor. */
  before: bigint[];
  /** Earned by it, by contributor. */
  pay: bigint[];
  transaction: string;
};

/** Settlements of a model, in the order they happened. */
export async function settlementsOf(splitter: RewardSplitter, modelId: bigint): Promise<Settlement[]> {
  const earned = new Map<string, bigint[]>();
  const settlements: Settlement[] = [];
  for (const { event, settled } of await earningEvents(splitter, { modelId })) {
    const { epochId, commitmentId, cumulative } = event.args;
    const before = earned.get(commitmentId) ?? cumulative.map(() => 0n);
    earned.set(commitmentId, [...cumulative]);
    if (!settled) continue;
    const { prover, pot, totals } = settled;
    settlements.push({
      epochId,
      commitmentId,
      prover,
      pot,
      totals: decodeTotals(getBytes(totals)),
      before,
      pay: cumulative.map((amount, c) => amount - before[c]!),
      transaction: event.transactionHash,
    });
  }
  return settlements;
}

/** Who gets which part of an epoch's fees; they add up to `fees`. `royalties` are for the holders of the model's ancestors. */
export type Shares = Record<"data" | "owner" | "royalties" | "server" | "operator" | "protocol", bigint>;

/** Shares of an epoch's fees as the contract booked them; the operator has what the floors of the others leave. */
export function sharesOf(
  { fees, dataBps }: { fees: bigint; dataBps: bigint },
  credited: { serverShare: bigint; ownerShare: bigint; protocolShare: bigint }[],
  royalties: bigint,
): Shares {
  const data = (fees * dataBps) / BPS;
  const owner = sum(credited.map(({ ownerShare }) => ownerShare));
  const server = sum(credited.map(({ serverShare }) => serverShare));
  const protocol = sum(credited.map(({ protocolShare }) => protocolShare));
  const operator = fees - data - owner - royalties - server - protocol;
  return { data, owner, royalties, server, protocol, operator };
}

/** Every fee that was credited to a model's epochs, in order. */
export async function creditsOf(splitter: RewardSplitter, modelId: bigint) {
  const credited = await splitter.queryFilter(splitter.filters.FeeCredited(modelId));
  return credited.map(({ args: { epochId, server, amount, serverShare, ownerShare, protocolShare } }) => ({
    epochId,
    server,
    amount,
    serverShare,
    ownerShare,
    protocolShare,
  }));
}

/** Every royalty that a model's epochs paid to holders of its ancestors, in order. */
export async function royaltiesOf(splitter: RewardSplitter, modelId: bigint) {
  const credited = await splitter.queryFilter(splitter.filters.RoyaltyCredited(modelId));
  return credited.map(({ args: { epochId, ancestorHolder, amount } }) => ({ epochId, ancestorHolder, amount }));
}

/** How much of each payout of a settlement has been claimed, when claims are counted against the oldest payouts first. */
export const claimedFrom = ({ before, pay }: Pick<Settlement, "before" | "pay">, claimed: bigint[]): bigint[] =>
  pay.map((amount, c) => {
    const rest = claimed[c]! - before[c]!;
    return rest < 0n ? 0n : rest < amount ? rest : amount;
  });

/** Contributors of a commitment with what they earned in all, were paid and can claim; token units. */
export async function accountsOf({ splitter, attribution }: Pick<Protocol, "splitter" | "attribution">, id: string) {
  const earnings = await earningsOf(splitter, id);
  return Promise.all(
    (await contributorsOf({ attribution }, id)).map(async (one) => {
      const earned = earnings[one.contributor] ?? 0n;
      const claimed = await splitter.claimed(id, one.contributor);
      return { ...one, earned, claimed, claimable: earned - claimed };
    }),
  );
}

/** What `account` can claim from the given models: amounts, and the claims ready to send in one transaction. */
export async function claimsOf(protocol: Protocol, modelIds: bigint[], account: string) {
  const { attribution, models, splitter } = protocol;
  const due: { model: bigint; contributor: number; token: string; amount: bigint }[] = [];
  const claims: Awaited<ReturnType<typeof claimOf>>[] = [];
  for (const model of modelIds) {
    const { token } = await models.terms(model);
    for (const commitmentId of await commitmentsOf(attribution, model))
      for (const { contributor, account: paid, claimable } of await accountsOf(protocol, commitmentId)) {
        if (claimable === 0n || paid.toLowerCase() !== account.toLowerCase()) continue;
        claims.push(await claimOf(splitter, commitmentId, contributor));
        due.push({ model, contributor, token, amount: claimable });
      }
  }
  return { claims, due };
}
