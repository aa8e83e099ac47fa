/**
 * Ways to tell copies: what eight noisy copies of somebody's rows weigh and draw, where adapter, answers and basis are made anew with
 * them; and how many rows still weigh something where nobody copied, some of which only share a template.
 */
import { Copies, featuresOf } from "../../sdk/checks/copies.ts";
import { sharedInOrder } from "../../sdk/checks/in-order.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { rowWeights } from "../../trainer/attribution/row-weights.ts";
import { fitSketch } from "../../trainer/attribution/sketch.ts";
import { attackersOf, COPIES, COPIES_ANEW, keptAnew, tried } from "./attempts.ts";
import { TASKS, textOf } from "./exercises.ts";
import { TinyLlama } from "./llama.ts";
import { progress, writeResult } from "./report.ts";
import { type Known, knownOf, noveltiesOf, OTHER_SIZES, shippedSizes } from "./sizes.ts";
import { mean, rounded } from "./statistics.ts";
import { openStudy, openStudyAnew, pay } from "./study.ts";
import { taskExercises } from "./tasks.ts";

/** How much of each row counts, in letters and digits. */
type Way = (of: Known, llama: TinyLlama) => number[];

/** A row's letters, or nothing if it is a copy of one before. */
const allOrNothing =
  (copiesOf: (of: Known, llama: TinyLlama) => boolean[]): Way =>
  (of, llama) => {
    const copies = copiesOf(of, llama);
    return of.novelties.map(({ letters }, i) => (copies[i] ? 0 : letters));
  };

/** A row follows the first that has this share of its tokens, in the same order. */
const tokensInCommon = (share: number): Way =>
  allOrNothing(({ texts }, llama) => {
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
const asChecked = allOrNothing(({ texts }) => {
  const copies = new Copies();
  return texts.map((text) => {
    const features = featuresOf(text);
    const found = copies.find(features);
    copies.add(features);
    return found !== undefined;
  });
});

const WAYS: Record<string, Way> = {
  "as shipped": shippedSizes,
  ...OTHER_SIZES,
  "nothing of rows with 80% of the tokens in common": tokensInCommon(0.8),
  "nothing of what the data checks flag": asChecked,
};
/** Of the typical row's weight: rows that weigh less hardly count. */
const LITTLE = 0.1;

export async function tellingCopies(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const table: Record<string, Record<string, number>> = {};
  const note = (way: string, what: string, value: number) => {
    (table[way] ??= {})[what] = rounded(value);
  };
  const weightsBy = (way: string, of: Known) => rowWeights(WAYS[way]!(of, llama));
  const ways = Object.keys(WAYS);
  const counted = (weights: Float64Array) => weights.filter((weight) => weight >= LITTLE).length / weights.length;
  try {
    const tick = progress("copies", 1 + Object.keys(TASKS).length + COPIES_ANEW.length);
    const attacker = attackersOf(llama)[0]!;
    const study = await openStudy(llama);
    const before: Record<string, number> = {};
    for (const way of ways) {
      const weights = weightsBy(way, study.honest.known);
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
      const said = await noveltiesOf(llama, adapter, texts);
      const of = await knownOf(llama, texts, said, sketches, basis.eigenvalues);
      for (const way of ways) note(way, `rows that count: ${task}`, counted(weightsBy(way, of)));
      tick(2 + n);
    }
    for (const [n, name] of COPIES_ANEW.entries()) {
      const { texts, owners } = await tried(llama, name, attacker);
      const anew = await openStudyAnew(llama, keptAnew(name, attacker, 0), texts, owners, 100);
      for (const way of ways) {
        const weights = weightsBy(way, anew.honest.known);
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
