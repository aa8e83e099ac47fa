import type { Content } from "./content.ts";
import type { DatanetRegistry } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";
import { decodeContribution, encodeContribution, type Row, rowRoot } from "./rows.ts";
import { emitted, mined } from "./transactions.ts";

/** Stores rows and submits them to a Datanet for review. The registry's runner is the contributor. */
export async function contribute(registry: DatanetRegistry, store: Content, datanetId: bigint, rows: Row[]) {
  const cid = await store.put(encodeContribution(rows));
  const receipt = await mined(registry.contribute(datanetId, cid, rows.length, rowRoot(rows)));
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
