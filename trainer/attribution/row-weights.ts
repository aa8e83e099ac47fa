import { lettersAndDigits } from "../../sdk/checks/text.ts";

/**
 * w_i of each row: its size over the Datanet's N50, at most 1; 0 for rows that only repeat another. Cutting a text into many rows
 * then pays no more than the text, and neither blanks nor ornaments make a row larger.
 * @param leaders of findLeaders: a row counts if it leads
 */
export function rowWeights(rows: readonly string[], leaders: ArrayLike<number>): Float64Array {
  return sizeWeights(rows.map((text, i) => (leaders[i] === i ? lettersAndDigits(text) : 0)));
}

/** The weights of rows of which so much counts. */
export function sizeWeights(sizes: readonly number[]): Float64Array {
  const typical = n50(sizes);
  return Float64Array.from(sizes, (size) => Math.min(size / typical, 1));
}

/** The size for which rows at least as large hold half of everything; splitting rows does not add to either half. */
function n50(sizes: readonly number[]): number {
  const half = sizes.reduce((sum, size) => sum + size, 0) / 2;
  let held = 0;
  return sizes.toSorted((a, b) => b - a).find((size) => (held += size) >= half) || 1;
}
