import type { EventLog } from "ethers";
import type { Content } from "./content.ts";
import type { DatanetRegistry } from "./contracts.ts";
import type { Submission } from "./eip712.ts";
import { OpenLedgerError } from "./errors.ts";
import { keccak, tag, words } from "./hash.ts";
import { decodeContribution, encodeContribution, type Row, rowRoot } from "./rows.ts";
import { emitted, mined } from "./transactions.ts";

/** `Status.Accepted` of IDatanetRegistry. */
const ACCEPTED = 2n;

/** Stores rows; gives what is submitted of them. */
export async function storeRows(store: Content, rows: Row[]): Promise<Submission> {
  return { cid: await store.put(encodeContribution(rows)), rows: rows.length, rowRoot: rowRoot(rows) };
}

/** Stores rows and submits them to a Datanet for review. The registry's runner is the contributor. */
export async function contribute(registry: DatanetRegistry, store: Content, datanetId: bigint, rows: Row[]) {
  const { cid, rows: count, rowRoot: root } = await storeRows(store, rows);
  const receipt = await mined(registry.contribute(datanetId, cid, count, root));
  return { receipt, contributionId: emitted(registry, "ContributionSubmitted", receipt).contributionId as bigint };
}

/**
 * Rows of a contribution as its content id gives them, checked against what the chain says of them. A reviewer calls
 * this before accepting.
 * @throws OpenLedgerError `CONTRIBUTION_MISMATCH` when count or root differ.
 */
export async function fetchContribution(registry: DatanetRegistry, store: Content, contributionId: bigint) {
  const { cid, rows: count, rowRoot: root } = await registry.contribution(contributionId);
  const rows = decodeContribution(await store.get(cid));
  if (BigInt(rows.length) !== count || rowRoot(rows) !== root)
    throw new OpenLedgerError(
      "CONTRIBUTION_MISMATCH",
      `Contribution ${contributionId} says ${count} rows under ${root}; its content has ${rows.length} under ${rowRoot(rows)}. Reject it.`,
    );
  return rows;
}

/** Everything a frozen version holds: rows and their number by contribution, in order. */
export async function fetchVersion(registry: DatanetRegistry, store: Content, datanetId: bigint, version: bigint) {
  const [contributionIds, rowCounts] = await registry.versionContributions(datanetId, version);
  const rows: Row[] = [];
  for (const id of contributionIds) rows.push(...(await fetchContribution(registry, store, id)));
  return { rows, counts: rowCounts.map(Number), contributionIds: [...contributionIds] };
}

/** Hash of a version with these contributions (docs/protocol.md, Datanet versions). */
export const versionHash = (
  { chainId, registry, datanetId, version }: { chainId: bigint; registry: string; datanetId: bigint; version: bigint },
  contributions: { id: bigint; account: string; rows: bigint; rowRoot: string }[],
): string =>
  keccak(
    ["bytes32", "uint256", "address", "uint256", "uint256", "bytes32"],
    [
      tag("Version"),
      chainId,
      registry,
      datanetId,
      version,
      words(contributions.flatMap(({ id, account, rows, rowRoot }) => [id, account, rows, rowRoot])),
    ],
  );

/**
 * The versions of a Datanet as its events alone give them: what was submitted, accepted and withdrawn before each was
 * frozen. Their hashes must be the registry's.
 */
export async function deriveVersions(registry: DatanetRegistry, chainId: bigint, datanetId: bigint) {
  const { filters } = registry;
  const address = await registry.getAddress();
  const logs = [
    ...(await registry.queryFilter(filters.ContributionSubmitted(undefined, datanetId))),
    ...(await registry.queryFilter(filters.ContributionReviewed())),
    ...(await registry.queryFilter(filters.ContributionWithdrawn())),
    ...(await registry.queryFilter(filters.VersionFrozen(datanetId))),
  ] as unknown as EventLog[];
  logs.sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
  type Member = { id: bigint; account: string; rows: bigint; rowRoot: string };
  const submitted = new Map<bigint, Member>();
  const accepted = new Map<bigint, Member>();
  const versions: { version: bigint; contributionIds: bigint[]; hash: string }[] = [];
  for (const { eventName, args } of logs) {
    const id = args.contributionId as bigint;
    if (eventName === "ContributionSubmitted") {
      submitted.set(id, { id, account: args.account, rows: args.rows, rowRoot: args.rowRoot });
    } else if (eventName === "ContributionReviewed") {
      const member = submitted.get(id);
      if (member && args.status === ACCEPTED) accepted.set(id, member);
    } else if (eventName === "ContributionWithdrawn") {
      accepted.delete(id);
    } else {
      const members = [...accepted.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      const version = BigInt(versions.length + 1);
      const hash = versionHash({ chainId, registry: address, datanetId, version }, members);
      versions.push({ version, contributionIds: members.map((member) => member.id), hash });
    }
  }
  return versions;
}
