import { checkContributions } from "../sdk/checks/datanet.ts";
import { type CheckName, countFindings, type Finding, objection } from "../sdk/checks/rows.ts";
import type { Content } from "../sdk/content.ts";
import type { DatanetRegistry } from "../sdk/contracts.ts";
import { fetchContribution } from "../sdk/datanets.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type NewText, percentNew } from "../sdk/new-text.ts";
import { openProtocol, requireAtLeast } from "./deployment.ts";
import { action, contentOf, type Options, type Result } from "./run.ts";

/** Findings that a table shows of many; JSON has all. */
const SHOWN = 20;

/** Findings as a task's result shows them. */
export function told(findings: readonly Finding[], { json }: Options): Result {
  const shown = json ? findings : findings.slice(0, SHOWN);
  return {
    flaggedRows: countFindings(findings),
    findings: shown.map(({ contribution, row, path, check, level, reason, fix }) => ({
      ...(contribution !== undefined && { contribution }),
      ...{ row, path, check, level, reason, fix },
    })),
    ...(shown.length < findings.length && { notShown: `${findings.length - shown.length} findings; --json shows all` }),
  };
}

/** Why something is not sent; `advice` says by what option it is. */
export const failed = (problem: string, advice: string) =>
  new OpenLedgerError("CHECKS_FAILED", `data checks: ${problem} ${advice}`);

type Checked = { contribution: bigint; content: string; new?: string };

function newIn(rows: readonly NewText[]): string {
  const all = { letters: 0, fresh: 0 };
  for (const { letters, fresh } of rows) {
    all.letters += letters;
    all.fresh += fresh;
  }
  return `${all.fresh} of ${all.letters} letters and digits (${percentNew(all)})`;
}

/**
 * Fetches each contribution and holds it against the chain, the checks, and the rows before it. What is to be rejected may
 * fail that, and is told of.
 * @returns the objections to accepting them
 */
export async function checkContent(
  datanets: DatanetRegistry,
  store: Content,
  ids: readonly bigint[],
  reject: boolean,
  allowed: readonly CheckName[] = [],
) {
  const checked: Checked[] = [];
  const rows = new Map<bigint, Awaited<ReturnType<typeof fetchContribution>>>();
  const datanetIds = new Set<bigint>();
  for (const contribution of ids) {
    try {
      rows.set(contribution, await fetchContribution(datanets, store, contribution));
      checked.push({ contribution, content: `${rows.get(contribution)!.length} rows, as the chain says` });
      datanetIds.add((await datanets.contribution(contribution)).datanetId);
    } catch (error) {
      if (!reject || !(error instanceof OpenLedgerError)) throw error;
      checked.push({ contribution, content: error.message });
    }
  }
  const all: Finding[] = [];
  const objections: string[] = [];
  const notCompared: bigint[] = [];
  for (const datanetId of datanetIds) {
    const { findings, news, missing } = await checkContributions(datanets, store, datanetId, [...rows.keys()]);
    notCompared.push(...missing);
    for (const one of checked) {
      const own = news.get(one.contribution);
      if (own) one.new = newIn(own);
    }
    for (const [id, found] of findings) {
      all.push(...found);
      const against = objection({ id, rows: rows.get(id)! }, found, allowed);
      if (against) objections.push(against);
    }
  }
  return { checked, findings: all, objections, notCompared };
}

type Check = Options & { contributions: bigint[]; store: string };

export const check = action<Check>(async (args, context) => {
  for (const id of args.contributions) requireAtLeast("contributions", id, 1);
  const { datanets } = await openProtocol(args, context);
  const { checked, findings, objections, notCompared } = await checkContent(
    datanets,
    contentOf(args),
    args.contributions,
    false,
  );
  return {
    message: objections.length > 0 ? `Objections: ${objections.join(" ")}` : "Nothing speaks against them.",
    checked,
    ...(notCompared.length > 0 && { notCompared }),
    ...told(findings, args),
    objections,
  };
});
