import { OpenLedgerError } from "../errors.ts";
import type { Row } from "../rows.ts";
import { Copies, type Copy, type Features, featuresOf } from "./copies.ts";
import { licenceConflicts } from "./licence.ts";
import { personalData } from "./personal.ts";
import { flaws } from "./text.ts";

/** What rows are checked for, and whether such a row should be refused or looked at. */
export const CHECKS = {
  copy: { level: "look", title: "Exact copy" },
  "near-copy": { level: "look", title: "Near copy" },
  "renamed-copy": { level: "look", title: "Renamed copy" },
  personal: { level: "look", title: "Personal data" },
  secret: { level: "refuse", title: "Secret" },
  licence: { level: "refuse", title: "Other licence" },
  encoding: { level: "look", title: "Encoding" },
  length: { level: "look", title: "Length" },
} as const satisfies Record<string, { level: "refuse" | "look"; title: string }>;
export type CheckName = keyof typeof CHECKS;
export const CHECK_NAMES = Object.keys(CHECKS) as CheckName[];

/** Share of a contribution's rows that may be copies of other contributions' rows. */
export const MOST_COPIED = 0.2;

/** A contribution's rows; its id is undefined until it is submitted. */
export interface Contributed {
  id: bigint | undefined;
  rows: readonly Row[];
}

/** Where a row stands: its number in its contribution, from 0. */
export interface Place {
  contribution: bigint | undefined;
  row: number;
  path: string;
}

/** One thing that is wrong with one row. */
export interface Finding extends Place {
  check: CheckName;
  level: "refuse" | "look";
  reason: string;
  fix: string;
  /** Of a copy, the row it is most like. */
  of?: Place;
}

/** Checks rows against the rules and against all rows that were added before, of whatever contribution. */
export class RowChecks {
  readonly #licence: string;
  readonly #known = new Copies();
  readonly #places: Place[] = [];
  /** Of rows that were checked, and may be again. */
  readonly #features = new WeakMap<Row, Features>();

  /** @param licence That of the Datanet: an SPDX id, or the content id of its terms. */
  constructor(licence: string) {
    this.#licence = licence;
  }

  /** Adds a contribution, of whose rows later ones may be copies. */
  add({ id, rows }: Contributed): void {
    rows.forEach((row, index) => {
      this.#known.add(this.#features.get(row) ?? featuresOf(row.text));
      this.#features.delete(row);
      this.#places.push({ contribution: id, row: index, path: row.path });
    });
  }

  /** What is wrong with a contribution's rows, which are not added. */
  check({ id, rows }: Contributed): Finding[] {
    const own = new Copies();
    const place = (index: number): Place => ({ contribution: id, row: index, path: rows[index]!.path });
    return rows.flatMap((row, index) => {
      const features = this.#featuresOf(row);
      const known = this.#known.find(features);
      const here = known?.kind === "copy" ? undefined : own.find(features);
      own.add(features);
      const copy = known ? copied(known, this.#places[known.of]!) : here && copied(here, place(here.of));
      return [...(copy ? [copy] : []), ...this.#alone(row)].map((found) => ({
        ...place(index),
        level: CHECKS[found.check].level,
        ...found,
      }));
    });
  }

  /** What is wrong with a row by itself. */
  #alone({ text }: Row): Found[] {
    return [
      ...personalData(text).map(({ check, what }): Found => {
        const fix =
          check === "secret" ? "Take it out, and replace what it opens." : "Take it out, unless its owner agreed.";
        return { check, reason: `holds ${what}`, fix };
      }),
      ...licenceConflicts(text, this.#licence).map((stated): Found => {
        const fix = "Leave the row out, or contribute to a Datanet of that licence.";
        return { check: "licence", reason: `says ${stated}; the Datanet's is ${this.#licence}`, fix };
      }),
      ...flaws(text).map(({ check, what, fix }): Found => ({ check, reason: `has ${what}`, fix })),
    ];
  }

  #featuresOf(row: Row): Features {
    const known = this.#features.get(row) ?? featuresOf(row.text);
    this.#features.set(row, known);
    return known;
  }
}

type Found = Pick<Finding, "check" | "reason" | "fix" | "of">;

function copied({ kind, share }: Copy, of: Place): Found {
  const where = `row ${of.row} of ${of.contribution === undefined ? "this contribution" : `contribution ${of.contribution}`} (${of.path})`;
  const percent = `${Math.round(100 * share)} %`;
  const reason = {
    copy: `is a copy of ${where}`,
    "near-copy": `is ${percent} like ${where}`,
    "renamed-copy": `is ${percent} like ${where}, names and order of lines aside`,
  }[kind];
  return { check: kind, reason, fix: "Leave it out, unless both are wanted: copies earn no more than one.", of };
}

/** What is wrong with contributions, each held against those before it. */
export function checkAll(licence: string, contributions: readonly Contributed[]): Finding[] {
  const checks = new RowChecks(licence);
  return contributions.flatMap((one) => {
    const findings = checks.check(one);
    checks.add(one);
    return findings;
  });
}

/** How many rows have findings of each check. */
export function countFindings(findings: readonly Finding[]): Partial<Record<CheckName, number>> {
  const counts = CHECK_NAMES.map((name) => {
    const rows = new Set(
      findings.filter(({ check }) => check === name).map(({ contribution, row }) => `${contribution} ${row}`),
    );
    return [name, rows.size] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/**
 * Why a contribution should not be taken in as it is: rows that are refused, or too many copies of others' rows.
 * @param allowed Checks whose findings do not count.
 */
export function objection(
  { id, rows }: Contributed,
  findings: readonly Finding[],
  allowed: readonly CheckName[] = [],
): string | undefined {
  const counted = findings.filter(({ check }) => !allowed.includes(check));
  const refused = counted.filter(({ level }) => level === "refuse");
  const copies = counted.filter(({ of }) => of !== undefined && of.contribution !== id);
  const name = id === undefined ? "these rows" : `contribution ${id}`;
  const reasons: string[] = [];
  if (refused.length > 0) {
    const [{ row, path, reason, fix }] = refused as [Finding];
    const others = refused.length > 1 ? ` (and ${refused.length - 1} more)` : "";
    reasons.push(`row ${row} of ${name} (${path}) ${reason}${others}. ${fix}`);
  }
  if (copies.length > MOST_COPIED * rows.length) {
    const from = [...new Set(copies.map(({ of }) => of!.contribution))].join(", ");
    reasons.push(`${copies.length} of the ${rows.length} rows of ${name} are copies of rows of contribution ${from}.`);
  }
  return reasons.length > 0 ? reasons.join(" Also, ") : undefined;
}

/**
 * The checks of a list with commas; `all` stands for all of them.
 * @throws OpenLedgerError `CHECK_UNKNOWN`, naming the parameter.
 */
export function parseChecks(parameter: string, list: string): CheckName[] {
  if (list === "") return [];
  if (list === "all") return CHECK_NAMES;
  return list.split(",").map((name) => {
    const check = CHECK_NAMES.find((one) => one === name.trim());
    if (check) return check;
    throw new OpenLedgerError(
      "CHECK_UNKNOWN",
      `${parameter}: there is no check ${name}. Name some of ${CHECK_NAMES.join(", ")}, or all.`,
    );
  });
}
