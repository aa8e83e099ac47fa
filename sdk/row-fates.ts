import type { NewText } from "./new-text.ts";

/** What a row says, of what the model reads of it: its letters, and of these those that no earlier row said, nor it further in front. */
export interface Novelty extends NewText {
  /** Those that do not stand further in front in it: what it says, each thing once. */
  own: number;
  /** How unlikely the adapter finds what is new: the loss of the token that holds the median new letter, nats; 0 where nothing is new. */
  surprisal: number;
}

/** What a model's `sketches.json` says of its rows, in on-chain order. */
export interface RowRecords {
  /** Of the row's sketch, 0 to 1. */
  weights: readonly number[];
  /** The row that each is like, itself if it is like none before; −1 for one that is the same as an earlier row, or empty. */
  leaders: readonly number[];
  novelties: readonly Novelty[];
}

/** Whether there is a record of each of so many rows. */
export const areRecordsOf = (count: number, { weights, leaders, novelties }: Partial<RowRecords>): boolean =>
  [weights, leaders, novelties].every((list) => list?.length === count);

/** Why a row counts as it does: in full, in part since it is small or says little that is new, or not at all. */
export type Fate = "full" | "part" | "empty" | "the same" | "alike" | "nothing new" | "noise";

export function fateOf({ weights, leaders, novelties }: RowRecords, row: number): Fate {
  const { letters, fresh } = novelties[row]!;
  if (letters === 0) return "empty";
  if (leaders[row] === -1) return "the same";
  if (leaders[row] !== row) return "alike";
  if (fresh === 0) return "nothing new";
  if (weights[row] === 0) return "noise";
  return weights[row] === 1 ? "full" : "part";
}

/** The same in words that follow "This row". */
export function fateInWords(records: RowRecords, row: number): string {
  switch (fateOf(records, row)) {
    case "full":
      return "counts in full";
    case "part":
      return `counts for ${Math.max(1, Math.round(100 * records.weights[row]!))} %, since it is small or says little that is new`;
    case "empty":
      return "holds no letter or digit";
    case "the same":
      return "is the same as an earlier one";
    case "alike":
      return `is like row ${records.leaders[row]}, which came before it`;
    case "nothing new":
      return "says nothing that earlier ones do not say";
    case "noise":
      return "is noise: half of what is new in it is less likely to the model than a blind guess";
  }
}
