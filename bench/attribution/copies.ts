/**
 * Ways to tell copies: what eight noisy copies of somebody's rows weigh and draw, where adapter, answers and basis are made anew with
 * them; and how many rows still weigh something where nobody copied, some of which only share a template.
 */
import { Copies, featuresOf } from "../../sdk/checks/copies.ts";
import { sharedInOrder } from "../../sdk/checks/in-order.ts";
import { type NewText, newText } from "../../sdk/new-text.ts";
import { rowHash } from "../../sdk/rows.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { sizeWeights } from "../../trainer/attribution/row-weights.ts";
import { fitSketch, type SketchBasis, whitened } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { attackersOf, COPIES, copiesName, keptAnew, LIKELY_NOISE, REPLACED_ANEW, tried } from "./attempts.ts";
import { TASKS, textOf } from "./exercises.ts";
import { likelyNew, madeByNoise, timesFresh } from "./likely.ts";
import { TinyLlama } from "./llama.ts";
import { progress, writeResult } from "./report.ts";
import { mean, rounded } from "./statistics.ts";
import { openStudy, openStudyAnew, pay } from "./study.ts";
import { taskExercises } from "./tasks.ts";

/** Rows, and what is known of them. */
interface Rows {
  texts: readonly string[];
  sketches: Matrix;
  basis: SketchBasis;
  said: NewText[];
  likely: NewText[];
}
/** @param adapter has learned the rows */
const knownOf = async (
  llama: TinyLlama,
  of: Pick<Rows, "texts" | "sketches" | "basis">,
  adapter: Adapter,
): Promise<Rows> => ({ ...of, said: newText(of.texts), likely: await likelyNew(llama, adapter, of.texts) });

/** How much of each row counts, in letters and digits. */
type Way = (llama: TinyLlama, of: Rows) => number[] | Promise<number[]>;

/** All of a row, or nothing if it is a copy of one before. */
const allOrNothing =
  (copiesOf: (llama: TinyLlama, of: Rows) => boolean[] | Promise<boolean[]>): Way =>
  async (llama, of) => {
    const copies = await copiesOf(llama, of);
    return of.said.map(({ letters }, i) => (copies[i] ? 0 : letters));
  };

async function shippedCopies({ pool }: TinyLlama, { texts, sketches, basis }: Rows): Promise<boolean[]> {
  const leaders = await findLeaders(pool, whitened(sketches, basis.eigenvalues), texts.map(rowHash));
  return Array.from(leaders, (leader, i) => leader !== i);
}

/** The same, and rows that noise made of others. */
const orMadeByNoise = allOrNothing(async (llama, of) => {
  const [copies, noise] = [await shippedCopies(llama, of), madeByNoise(of.said, of.likely)];
  return copies.map((copy, i) => copy || noise[i]!);
});

/** A row follows the first that has this share of its tokens, in the same order. */
const tokensInCommon = (share: number): Way =>
  allOrNothing((llama, { texts }) => {
    const tokens = texts.map((text) => llama.pool.base.tokenizer.encode(text));
    const leaders: ArrayLike<number>[] = [];
    return tokens.map((own) => {
      const longEnough = (other: ArrayLike<number>) =>
        2 * Math.min(own.length, other.length) >= share * (own.length + other.length);
      const copy = leaders.some((other) => longEnough(other) && sharedInOrder(own, other) >= share);
      if (!copy) leaders.push(own);
      return copy;
    });
  });

/** A row that the data checks call a copy of another. */
const asChecked = allOrNothing((_, { texts }) => {
  const copies = new Copies();
  return texts.map((text) => {
    const features = featuresOf(text);
    const found = copies.find(features);
    copies.add(features);
    return found !== undefined;
  });
});

const WAYS: Record<string, Way> = {
  "as shipped": allOrNothing(shippedCopies),
  "as shipped, and nothing of rows made by noise": orMadeByNoise,
  "all of every row": (_, { said }) => said.map(({ letters }) => letters),
  "what is new": (_, { said }) => timesFresh(said, 1),
  "3 × what is new, at most the row": (_, { said }) => timesFresh(said, 3),
  "what is new and likely": (_, { likely }) => timesFresh(likely, 1),
  "3 × what is new and likely, at most the row": (_, { likely }) => timesFresh(likely, 3),
  "nothing of rows with 80% of the tokens in common": tokensInCommon(0.8),
  "nothing of what the data checks flag": asChecked,
};
const NOISES = [...REPLACED_ANEW.map(copiesName), LIKELY_NOISE];
/** Of the typical row's weight: rows that weigh less hardly count. */
const LITTLE = 0.1;

export async function tellingCopies(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const table: Record<string, Record<string, number>> = {};
  const note = (way: string, what: string, value: number) => {
    (table[way] ??= {})[what] = rounded(value);
  };
  const weightsBy = async (way: string, of: Rows) => sizeWeights(await WAYS[way]!(llama, of));
  const ways = Object.keys(WAYS);
  const counted = (weights: Float64Array) => weights.filter((weight) => weight >= LITTLE).length / weights.length;
  try {
    const tick = progress("copies", 1 + Object.keys(TASKS).length + NOISES.length);
    const attacker = attackersOf(llama)[0]!;
    const study = await openStudy(llama);
    const { sketches } = study.honest;
    const honest = await knownOf(llama, { texts: llama.rows, sketches, basis: study.basis }, await llama.full());
    const before: Record<string, number> = {};
    for (const way of ways) {
      const weights = await weightsBy(way, honest);
      note(way, "rows that count: the Datanet", counted(weights));
      before[way] = pay(study.askWith(study.honest, weights)).shares[attacker]!;
    }
    tick(1);
    for (const [n, task] of Object.keys(TASKS).entries()) {
      const texts = taskExercises(n).train.map(textOf);
      const adapter = await llama.tuned(`task-${n}`, texts, 500 + n);
      const rows = await exampleGradients(
        llama.pool,
        adapter,
        texts.map((text) => llama.example(text)),
        1,
      );
      const { basis, rows: sketches } = await fitSketch(llama.pool, rows, llama.matrices);
      const of = await knownOf(llama, { texts, sketches, basis }, adapter);
      for (const way of ways) note(way, `rows that count: ${task}`, counted(await weightsBy(way, of)));
      tick(2 + n);
    }
    for (const [n, name] of NOISES.entries()) {
      const { texts, owners } = tried(llama, name, attacker);
      const adapter = await llama.tuned(keptAnew(name, attacker, 0), texts, 100);
      const anew = await openStudyAnew(llama, keptAnew(name, attacker, 0), texts, owners, 100);
      const of = await knownOf(llama, { texts, sketches: anew.honest.sketches, basis: anew.basis }, adapter);
      for (const way of ways) {
        const weights = await weightsBy(way, of);
        note(
          way,
          `weight of a copy: ${name}`,
          mean([...weights.slice(-COPIES * llama.contributors[attacker]!.rows.length)]),
        );
        const after = pay(anew.askWith(anew.honest, weights)).shares[attacker]!;
        note(way, `pay over that without copies: ${name}`, after / before[way]!);
      }
      tick(2 + Object.keys(TASKS).length + n);
      if (json) writeResult("copies", { attacker: llama.contributors[attacker]!.name, kappa0: 0.5, table });
    }
    console.table(table);
  } finally {
    await llama.pool.close();
  }
}
