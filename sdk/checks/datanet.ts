import type { Content } from "../content.ts";
import type { DatanetRegistry } from "../contracts.ts";
import { fetchContribution, type fetchVersion } from "../datanets.ts";
import { type NewText, Said } from "../new-text.ts";
import type { Row } from "../rows.ts";
import { contributionsOf } from "../views/datanets.ts";
import { type Contributed, checkAll, type Finding, RowChecks } from "./rows.ts";

/**
 * Checks contributions of one Datanet, each against all accepted and pending ones before it.
 * @param ids Those to check; their content must be in the store, and what the chain says.
 * @returns `checks`, which know all rows of the Datanet; of those to check the findings, and what is new in each row; and `missing`, the
 * contributions that nothing could be compared with
 */
export async function checkContributions(
  registry: DatanetRegistry,
  store: Content,
  datanetId: bigint,
  ids: readonly bigint[],
): Promise<{
  checks: RowChecks;
  findings: Map<bigint, Finding[]>;
  news: Map<bigint, NewText[]>;
  missing: bigint[];
}> {
  const { settings } = await registry.datanet(datanetId);
  const checks = new RowChecks(settings.licence);
  const said = new Said();
  const findings = new Map<bigint, Finding[]>();
  const news = new Map<bigint, NewText[]>();
  const missing: bigint[] = [];
  for (const { id, status } of await contributionsOf(registry, datanetId)) {
    const chosen = ids.includes(id);
    if (!chosen && status !== "accepted" && status !== "pending") continue;
    let rows: Row[];
    try {
      rows = await fetchContribution(registry, store, id);
    } catch (error) {
      if (chosen) throw error;
      missing.push(id);
      continue;
    }
    if (chosen) findings.set(id, checks.check({ id, rows }));
    checks.add({ id, rows });
    if (ids.length === 0) continue; // nobody asks what is new
    const own = rows.map(({ text }) => said.add(text));
    if (chosen) news.set(id, own);
  }
  return { checks, findings, news, missing };
}

/** What is wrong with the rows of a frozen version, each contribution held against those before it. */
export async function checkVersion(
  registry: DatanetRegistry,
  datanetId: bigint,
  { rows, counts, contributionIds }: Awaited<ReturnType<typeof fetchVersion>>,
): Promise<Finding[]> {
  const { settings } = await registry.datanet(datanetId);
  let at = 0;
  const contributions = contributionIds.map((id, c): Contributed => ({ id, rows: rows.slice(at, (at += counts[c]!)) }));
  return checkAll(settings.licence, contributions);
}
