import type { Novelty } from "../../sdk/row-fates.ts";

/** A row counts at most for so many times what it says, each thing once, and for so many times what is new in that. */
const [TIMES_OWN, TIMES_NEW] = [1.5, 20];

/**
 * How much of each row counts, in letters and digits: nothing of those that only repeat another, or are noise. So
 * neither blanks and ornaments nor saying things again and again make a row larger.
 * @param leaders of findLeaders: a row counts if it leads
 * @param vocabulary number of the base's tokens
 */
export function rowSizes(novelties: readonly Novelty[], leaders: ArrayLike<number>, vocabulary: number): number[] {
  return novelties.map((row, i) => (leaders[i] === i && !isNoise(row.surprisal, vocabulary) ? sizeOf(row) : 0));
}

/** The same of a row that leads and is no noise. */
export const sizeOf = ({ letters, own, fresh }: Novelty): number =>
  Math.min(letters, TIMES_OWN * own, TIMES_NEW * fresh);

/**
 * Whether a row is noise: at least half of what is new in it is less likely than a blind guess, although the adapter was trained on
 * it. Nothing is learned from that, and whoever changes rows that are there can make as many of them as he likes.
 */
export const isNoise = (surprisal: number, vocabulary: number): boolean => surprisal > Math.log(vocabulary);

/** w_i of each row: its size over the Datanet's N50, at most 1. Cutting a text into many rows then pays no more than the text. */
export function rowWeights(sizes: readonly number[]): Float64Array {
  const typical = n50(sizes);
  return Float64Array.from(sizes, (size) => Math.min(size / typical, 1));
}

/** The size for which rows at least as large hold half of everything; splitting rows does not add to either half. */
function n50(sizes: readonly number[]): number {
  const half = sizes.reduce((sum, size) => sum + size, 0) / 2;
  let held = 0;
  return sizes.toSorted((a, b) => b - a).find((size) => (held += size) >= half) || 1;
}
