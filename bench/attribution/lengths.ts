import type { Matrix } from "../../trainer/engine.ts";
import { median } from "./statistics.ts";

/**
 * How long a row's sketch may be, as a share of the longest allowed: rules that could stand in the place of unit length.
 * The share is a weight for `quantise`, so Σ g² ≤ 136² holds for all of them.
 */
export const LENGTHS = {
  "unit length": () => 1,
  "length, at most the median": capped(1),
  "length, at most 4 medians": capped(4),
} satisfies Record<string, (length: number, median: number) => number>;
export type LengthRule = keyof typeof LENGTHS;

function capped(cap: number) {
  return (length: number, median: number) => Math.min(length / median, cap) / cap;
}

export function norms({ data, shape: [count, k] }: Matrix): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let squares = 0;
    for (let j = 0; j < k; j++) squares += data[i * k + j]! ** 2;
    return Math.sqrt(squares);
  });
}

/** The rule's share for each sketch; the median is that of the sketches that are not zero. */
export function lengthShares(rule: LengthRule, sketches: Matrix): Float64Array {
  const all = norms(sketches);
  const typical = median(all.filter((norm) => norm > 0));
  return all.map((norm) => LENGTHS[rule](norm, typical));
}
