import { OpenLedgerError } from "../sdk/errors.ts";
import { starts } from "../sdk/transcript.ts";

/** First row of every contributor, after checking that each has at least one row. */
export function contributorStarts(counts: number[]): number[] {
  const bad = counts.findIndex((count) => !Number.isInteger(count) || count < 1);
  if (bad >= 0 || counts.length === 0) {
    throw new OpenLedgerError(
      "CONTRIBUTOR_COUNT",
      counts.length === 0
        ? "counts is empty. Give the row count of every contributor."
        : `counts[${bad}] is ${counts[bad]}, but every contributor has at least one row. Leave out those without.`,
    );
  }
  return starts(counts);
}
