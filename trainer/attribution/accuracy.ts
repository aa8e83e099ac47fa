import { OpenLedgerError } from "../../sdk/errors.ts";
import { Random } from "../random.ts";

/** A rule that names a contributor for the scores of all rows. */
export type Vote = (scores: ArrayLike<number>, owners: readonly number[]) => number;

/** The contributor with the largest Σ max(score, 0) over his rows; the first of equals. */
export const largestSum: Vote = (scores, owners) => {
  const sums: number[] = [];
  owners.forEach((owner, i) => {
    sums[owner] = (sums[owner] ?? 0) + Math.max(scores[i]!, 0);
  });
  return sums.reduce((best, sum, owner) => (sum > (sums[best] ?? 0) ? owner : best), 0);
};

/** The contributor of the row with the largest score; the first of equals. */
export const bestRow: Vote = (scores, owners) => {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return owners[best]!;
};

export interface Accuracy {
  accuracy: number;
  /** Wilson's 95% interval. */
  interval: [number, number];
  queries: number;
  /** 1 / number of contributors. */
  chance: number;
  /** Share of the most frequent true contributor: what always naming him would score. */
  majority: number;
  predictions: number[];
}

/**
 * How often the named contributor is the true one.
 * @param owners contributor of each row
 * @param queries scores of all rows, and the true contributor, of each query
 */
export function topContributorAccuracy(
  owners: readonly number[],
  queries: readonly { scores: ArrayLike<number>; truth: number }[],
  vote: Vote = largestSum,
): Accuracy {
  if (queries.length === 0)
    throw new OpenLedgerError("TRAINER_ACCURACY", "accuracy: there are no queries; give at least one");
  const predictions = queries.map(({ scores }) => vote(scores, owners));
  const right = queries.filter(({ truth }, t) => predictions[t] === truth).length;
  const counts = new Map<number, number>();
  for (const { truth } of queries) counts.set(truth, (counts.get(truth) ?? 0) + 1);
  return {
    accuracy: right / queries.length,
    interval: wilson(right, queries.length),
    queries: queries.length,
    chance: 1 / new Set(owners).size,
    majority: Math.max(...counts.values()) / queries.length,
    predictions,
  };
}

/** The sketches with their rows in random order, which must bring accuracy down to chance: the control of the measurement. */
export function shuffleRows(rows: Int8Array, k: number, seed: number): Int8Array {
  const order = new Random(seed).shuffle(Array.from({ length: rows.length / k }, (_, i) => i));
  const out = new Int8Array(rows.length);
  order.forEach((from, to) => {
    out.set(rows.subarray(from * k, (from + 1) * k), to * k);
  });
  return out;
}

/** Wilson score interval at 95%. */
function wilson(right: number, total: number): [number, number] {
  const z = 1.959964;
  const share = right / total;
  const centre = (share + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
