import type { DatanetRegistry } from "../contracts.ts";

/** `Status` of IDatanetRegistry in words, in its order. */
export const STATUS = ["none", "pending", "accepted", "rejected", "withdrawn"] as const;
/** `Policy` of IDatanetRegistry in words, in its order. */
export const POLICY = ["reviewed", "allow-listed", "public"] as const;

/** A contribution as the chain shows it; `reason` once it is reviewed. */
export type Contribution = {
  id: bigint;
  account: string;
  rows: bigint;
  status: (typeof STATUS)[number];
  cid: string;
  reason?: string;
};

/** A frozen version: its contributions in order. */
export type Version = { version: bigint; contributionIds: bigint[]; hash: string };

/** Ids of all Datanets, or of those that `owner` created, in order of their creation. */
export async function datanetIds(datanets: DatanetRegistry, owner?: string): Promise<bigint[]> {
  const created = await datanets.queryFilter(datanets.filters.DatanetCreated(undefined, owner));
  return created.map(({ args }) => args.datanetId);
}

/** Contributions to a Datanet, in order of their ids. */
export async function contributionsOf(datanets: DatanetRegistry, datanetId: bigint): Promise<Contribution[]> {
  const submitted = await datanets.queryFilter(datanets.filters.ContributionSubmitted(undefined, datanetId));
  const reviewed = await datanets.queryFilter(datanets.filters.ContributionReviewed());
  const reasons = new Map(reviewed.map(({ args }) => [args.contributionId, args.reason]));
  return Promise.all(
    submitted.map(async ({ args: { contributionId: id } }) => {
      const { account, rows, status, cid } = await datanets.contribution(id);
      const reason = reasons.get(id);
      return { id, account, rows, status: STATUS[Number(status)]!, cid, ...(reason !== undefined && { reason }) };
    }),
  );
}

/** Frozen versions of a Datanet, in order. */
export async function versionsOf(datanets: DatanetRegistry, datanetId: bigint): Promise<Version[]> {
  const frozen = await datanets.queryFilter(datanets.filters.VersionFrozen(datanetId));
  return frozen.map(({ args: { version, versionHash, contributionIds } }) => ({
    version,
    contributionIds: [...contributionIds],
    hash: versionHash,
  }));
}

/**
 * A Datanet with all that was contributed and frozen.
 * @throws the contract's `DatanetUnknown`
 */
export async function datanetOf(datanets: DatanetRegistry, datanetId: bigint) {
  const { owner, settings } = await datanets.datanet(datanetId);
  const { name, licence, metadataCid, policy, aiTraining, shareAlike, bond } = settings;
  const contributions = await contributionsOf(datanets, datanetId);
  return {
    datanetId,
    name,
    licence,
    aiTraining,
    shareAlike,
    policy: POLICY[Number(policy)]!,
    owner,
    reviewers: [...(await datanets.reviewers(datanetId))],
    ...(bond.amount > 0n && { bond: { token: bond.token, amount: bond.amount } }),
    metadataCid,
    contributions,
    versions: await versionsOf(datanets, datanetId),
  };
}

/** What `freeze` would put into the next version; empty when that would be the same as the last. */
export function nextVersion(contributions: Contribution[], versions: Version[]): Contribution[] {
  const accepted = contributions.filter(({ status }) => status === "accepted");
  const ids = (list: bigint[]) => list.join();
  return ids(accepted.map(({ id }) => id)) === ids(versions.at(-1)?.contributionIds ?? []) ? [] : accepted;
}
