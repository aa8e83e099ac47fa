/**
 * Ways to tell copies: how many of eight noisy copies of somebody's rows count, and what they draw, where adapter, answers and
 * basis are made anew with them; and how many rows count where nobody copied, some of which only share a template.
 */
import { Copies, featuresOf } from "../../sdk/checks/copies.ts";
import { sharedInOrder } from "../../sdk/checks/in-order.ts";
import { rowHash } from "../../sdk/rows.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { fitSketch, project, type SketchBasis, whitened } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { attackersOf, COPIES, copiesName, keptAnew, REPLACED_ANEW, tried } from "./attempts.ts";
import { TASKS, textOf } from "./exercises.ts";
import { rowsWhere } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { progress, writeResult } from "./report.ts";
import { rounded } from "./statistics.ts";
import { openStudy, openStudyAnew, pay, SHIPPED } from "./study.ts";
import { taskExercises } from "./tasks.ts";

/** Rows, their gradients, and what the shipped rule makes of them. */
interface Rows {
  texts: readonly string[];
  rows: Matrix;
  sketches: Matrix;
  basis: SketchBasis;
}
/** As findLeaders says it. */
type Way = (llama: TinyLlama, of: Rows) => Promise<Int32Array>;

/** The basis that copies are told by is fitted on rows whose sketches, as they are, are apart by this cosine. */
const fittedApart =
  (apart: number): Way =>
  async (llama, { texts, rows, sketches }) => {
    const hashes = texts.map(rowHash);
    const loose = await findLeaders(llama.pool, sketches, hashes, apart);
    const fewer = rowsWhere(rows, (i) => loose[i] === i);
    const { basis } = await fitSketch(llama.pool, fewer, llama.matrices);
    return findLeaders(llama.pool, whitened(await project(llama.pool, basis, rows), basis.eigenvalues), hashes);
  };

/** A row follows the first that has this share of its tokens, in the same order. */
const textInCommon =
  (share: number): Way =>
  async (llama, { texts }) => {
    const tokens = texts.map((text) => llama.pool.base.tokenizer.encode(text));
    const leaderOf = new Int32Array(texts.length).fill(-1);
    const leaders: number[] = [];
    for (const [i, own] of tokens.entries()) {
      const longEnough = (other: ArrayLike<number>) =>
        2 * Math.min(own.length, other.length) >= share * (own.length + other.length);
      const same = leaders.find((m) => longEnough(tokens[m]!) && sharedInOrder(own, tokens[m]!) >= share);
      leaderOf[i] = same ?? i;
      if (same === undefined) leaders.push(i);
    }
    return leaderOf;
  };

/** A row follows one that the data checks call it a copy of. */
const asChecked: Way = async (_, { texts }) => {
  const copies = new Copies();
  return Int32Array.from(texts, (text, i) => {
    const features = featuresOf(text);
    const found = copies.find(features);
    copies.add(features);
    return found?.of ?? i;
  });
};

const WAYS: Record<string, Way> = {
  "as shipped": async ({ pool }, { texts, sketches, basis }) =>
    findLeaders(pool, whitened(sketches, basis.eigenvalues), texts.map(rowHash)),
  ...Object.fromEntries(
    [0.5, 0.6, 0.7, 0.8].map((apart) => [`basis of rows that are apart by ${apart}`, fittedApart(apart)]),
  ),
  ...Object.fromEntries(
    [0.75, 0.8, 0.85, 0.9].map((share) => [`${100 * share}% of the tokens in common`, textInCommon(share)]),
  ),
  "what the data checks flag": asChecked,
};

export async function tellingCopies(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const table: Record<string, Record<string, number>> = {};
  const note = (way: string, what: string, value: number) => {
    (table[way] ??= {})[what] = rounded(value);
  };
  /** The share of these rows that count. */
  const counted = (leaders: Int32Array, of: readonly number[]) => of.filter((i) => leaders[i] === i).length / of.length;
  try {
    const tick = progress("copies", 1 + Object.keys(TASKS).length + REPLACED_ANEW.length);
    const attacker = attackersOf(llama)[0]!;
    const study = await openStudy(llama);
    const before: Record<string, number> = {};
    for (const [way, leadersOf] of Object.entries(WAYS)) {
      const { texts, sketches } = study.honest;
      const leaders = await leadersOf(llama, { texts, rows: study.rows, sketches, basis: study.basis });
      note(way, "rows that count: the Datanet", counted(leaders, [...texts.keys()]));
      before[way] = pay(study.ask({ ...study.honest, leaders }, SHIPPED)).shares[attacker]!;
    }
    tick(1);
    for (const [n, task] of Object.keys(TASKS).entries()) {
      const texts = taskExercises(n).train.map(textOf);
      const adapter = await llama.tuned(`task-${n}`, texts, 500 + n);
      const examples = texts.map((text) => llama.example(text));
      const rows = await exampleGradients(llama.pool, adapter, examples, 1);
      const { basis, rows: sketches } = await fitSketch(llama.pool, rows, llama.matrices);
      for (const [way, leadersOf] of Object.entries(WAYS))
        note(
          way,
          `rows that count: ${task}`,
          counted(await leadersOf(llama, { texts, rows, sketches, basis }), [...texts.keys()]),
        );
      tick(2 + n);
    }
    for (const [n, replaced] of REPLACED_ANEW.entries()) {
      const name = copiesName(replaced);
      const { texts, owners } = tried(llama, name, attacker);
      const anew = await openStudyAnew(llama, keptAnew(name, attacker, 0), texts, owners, 100);
      const copies = [...texts.keys()].slice(-COPIES * llama.contributors[attacker]!.rows.length);
      for (const [way, leadersOf] of Object.entries(WAYS)) {
        const { sketches } = anew.honest;
        const leaders = await leadersOf(llama, { texts, rows: anew.rows, sketches, basis: anew.basis });
        note(way, `copies that count: ${100 * replaced}%`, counted(leaders, copies));
        const after = pay(anew.ask({ ...anew.honest, leaders }, SHIPPED)).shares[attacker]!;
        note(way, `pay over that without copies: ${100 * replaced}%`, after / before[way]!);
      }
      tick(2 + Object.keys(TASKS).length + n);
      if (json) writeResult("copies", { attacker: llama.contributors[attacker]!.name, kappa0: 0.5, table });
    }
    console.table(table);
  } finally {
    await llama.pool.close();
  }
}
