/** How much of a row counts, in letters and digits: as shipped, and as it could be instead. */
import type { Novelty } from "../../sdk/row-fates.ts";
import { rowHash } from "../../sdk/rows.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { novelties } from "../../trainer/attribution/novelty.ts";
import { rowSizes, sizeOf } from "../../trainer/attribution/row-weights.ts";
import { whitened } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import type { Adapter } from "../../trainer/lora.ts";
import type { TinyLlama } from "./llama.ts";

/** What the payout rule knows of rows. */
export interface Known {
  texts: readonly string[];
  novelties: Novelty[];
  leaders: Int32Array;
  vocabulary: number;
}

/** @param adapter has learned the rows */
export const noveltiesOf = (llama: TinyLlama, adapter: Adapter, texts: readonly string[]): Promise<Novelty[]> =>
  novelties(
    llama.pool,
    adapter,
    texts.map((text) => llama.example(text)),
  );

export async function knownOf(
  { pool }: TinyLlama,
  texts: readonly string[],
  novelties: Novelty[],
  sketches: Matrix,
  eigenvalues: readonly number[],
): Promise<Known> {
  return {
    texts,
    novelties,
    leaders: await findLeaders(pool, whitened(sketches, eigenvalues), texts.map(rowHash)),
    vocabulary: pool.base.config.vocabSize,
  };
}

const lettersIn = ({ novelties }: Known) => novelties.map(({ letters }) => letters);
/** Of rows that lead. */
const leading = ({ leaders }: Known, sizes: readonly number[]) => sizes.map((size, i) => (leaders[i] === i ? size : 0));

export const shippedSizes = ({ novelties, leaders, vocabulary }: Known): number[] =>
  rowSizes(novelties, leaders, vocabulary);

export const VERSION_2 = "all that a row says, as in version 2";
export const OTHER_SIZES: Record<string, (of: Known) => number[]> = {
  "noise too": (of) => leading(of, of.novelties.map(sizeOf)),
  [VERSION_2]: (of) => leading(of, lettersIn(of)),
  "all of every row": lettersIn,
  "what is new": ({ novelties }) => novelties.map(({ fresh }) => fresh),
  "3 × what is new, at most the row": ({ novelties }) =>
    novelties.map(({ letters, fresh }) => Math.min(3 * fresh, letters)),
};
