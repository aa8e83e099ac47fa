import { OpenLedgerError } from "../../sdk/errors.ts";
import { contributorStarts } from "../counts.ts";
import { TABLE } from "./domain.ts";

/** EXPERIMENTAL: the private columns, one entry a row of the domain. Entries are integers in [0, r). */
export interface Witness {
  /** |s_i| mod 256 */
  readonly low: readonly bigint[];
  /** ⌊|s_i| / 256⌋ */
  readonly high: readonly bigint[];
  /** max(s_i, 0) */
  readonly positive: readonly bigint[];
  /** 1 on the first row of every contributor, and on row N where there is padding */
  readonly flags: readonly bigint[];
  /** how often entry i of the table is a limb; zero from row 256 on */
  readonly multiplicity: readonly bigint[];
}

/** Columns of N scores in a domain of `size` rows, padded with zeros. */
export function buildColumns(scores: Int32Array, counts: number[], size: number): Witness {
  const starts = contributorStarts(counts);
  const rows = starts.at(-1)! + counts.at(-1)!;
  if (rows !== scores.length || rows > size) {
    throw new OpenLedgerError(
      "ROW_COUNT",
      `counts add up to ${rows}, there are ${scores.length} scores, and the domain has ${size} rows. ` +
        "Give one score for each committed row, and a domain that holds them.",
    );
  }
  const bad = scores.findIndex((score) => Math.abs(score) >= TABLE ** 2);
  if (bad >= 0) {
    throw new OpenLedgerError(
      "SCORE_RANGE",
      `The score of row ${bad} is ${scores[bad]}, outside ±${TABLE ** 2 - 1}. ` +
        "Bring the row (Σ g² ≤ 136²) or Q (Σ Q² ≤ 480²) back within its norm bound.",
    );
  }
  const column = (entry: (score: number) => number) =>
    Array.from({ length: size }, (_, i) => BigInt(entry(scores[i] ?? 0)));
  const low = column((score) => Math.abs(score) % TABLE);
  const high = column((score) => Math.floor(Math.abs(score) / TABLE));
  const flags = column(() => 0);
  for (const start of starts) flags[start] = 1n;
  // The end flag makes padding a contributor of its own, whose total the contract takes as zero.
  if (rows < size) flags[rows] = 1n;
  const multiplicity = column(() => 0);
  for (const limb of [...low, ...high]) multiplicity[Number(limb)]! += 1n;
  return { low, high, positive: column((score) => Math.max(score, 0)), flags, multiplicity };
}
