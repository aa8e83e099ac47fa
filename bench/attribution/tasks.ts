/**
 * DataInf's three tasks: whether a test exercise is attributed to the training rows of its own kind, and whether rows with a wrong answer are
 * found among the others. On the tiny Llama, whose texts DataInf's 13 B model would find easy.
 */

import type { Span } from "../../trainer/attribution/blocks.ts";
import { Bm25 } from "../../trainer/attribution/bm25.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { type Adapter, loraLayout } from "../../trainer/lora.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { Random } from "../../trainer/random.ts";
import { dataInf } from "./datainf.ts";
import { distinct, type Exercise, KINDS, spoiled, TASKS, textOf } from "./exercises.ts";
import { norms } from "./lengths.ts";
import { firstColumns, int8, multiply, rowsWhere, shuffledRows, tableOf, unscaledSketch } from "./linear.ts";
import { type Preset, TinyLlama } from "./llama.ts";
import { net } from "./payout.ts";
import { cached, progress, writeBars, writeResult } from "./report.ts";
import { representations } from "./representations.ts";
import { auc, type Estimate, interval, mean } from "./statistics.ts";

const [TRAIN_EACH, TEST_EACH] = [45, 5];
/** Training rows of a kind that get a wrong answer: a fifth. */
const WRONG_EACH = 9;
/** Shares of the mean kept eigenvalue that whitening is damped by. */
const DAMPINGS = [10, 1, 0.1];
const answerAlone = ({ question, answer }: Exercise) =>
  JSON.stringify({ prompt: `${question} ->`, completion: ` ${answer}` });
/** How rows are learned among which some are wrong: as texts all of which is learned, or so that their answers alone are; often, too. */
export const WAYS = {
  text: { write: textOf, preset: PRESETS.demo },
  "answer alone": { write: answerAlone, preset: PRESETS.demo },
  "answer alone, 10 epochs": { write: answerAlone, preset: { ...PRESETS.demo, epochs: 10 } },
} satisfies Record<string, { write(exercise: Exercise): string; preset: Preset }>;

/** A task's training rows, the same with wrong answers among them, and its test exercises. */
export function taskExercises(n: number): Record<"train" | "mixed" | "test", Exercise[]> {
  const random = new Random(900 + n);
  const exercises = distinct(TRAIN_EACH + TEST_EACH, (kind) => Object.values(TASKS)[n]!(random, kind));
  const train = exercises.flatMap((own) => own.slice(0, TRAIN_EACH));
  const mixed = train.map((exercise, i) => (i % TRAIN_EACH < WRONG_EACH ? spoiled(exercise) : exercise));
  return { train, mixed, test: exercises.flatMap((own) => own.slice(TRAIN_EACH)) };
}

/** With intervals over the kinds. */
type Found = Record<"auc" | "recall", Estimate>;
type Wrong = Record<"inKind" | "ofAll", Estimate>;
/** Scores [tests, training rows]. */
type Scores = Map<string, Matrix>;
/** What is measured of a task: rows, gradients at the adapter that was fine-tuned on the training rows, and the adapter. */
interface Measured {
  name: string;
  adapter: Adapter;
  train: string[];
  test: string[];
  g: Matrix;
  q: Matrix;
  matrices: Span[];
  /** Of the training rows, scaled as shipped. */
  sketched: Awaited<ReturnType<typeof fitSketch>>;
}

export async function dataInfTasks(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const tasks: Record<string, Record<string, Found>> = {};
  const wrongRows: Record<string, Record<string, Record<string, Wrong>>> = {};
  try {
    const tick = progress("tasks", Object.keys(TASKS).length);
    for (const [n, task] of Object.keys(TASKS).entries()) {
      const { train, mixed, test } = taskExercises(n);
      const measured = async (name: string, { write, preset }: (typeof WAYS)["text"], rows: Exercise[]) => {
        const [texts, tests] = [rows.map(write), test.map(write)];
        return measure(llama, name, await llama.tuned(name, texts, 500 + n, preset), texts, tests);
      };
      const scores = await allScores(llama, await measured(`task-${n}`, WAYS.text, train));
      show(task, (tasks[task] = judged(scores, ownKind)));
      wrongRows[task] = {};
      for (const [name, way] of Object.entries(WAYS)) {
        const own = await measured(`task-${n}-wrong-${name}`, way, mixed);
        const found = judged(await suspicions(llama, own, await allScores(llama, own)), wrongFound);
        show(`${task}, wrong rows, learned: ${name}`, (wrongRows[task][name] = found));
      }
      if (json)
        writeResult("tasks", {
          ...{ kinds: KINDS, trainEach: TRAIN_EACH, testEach: TEST_EACH, wrongEach: WRONG_EACH },
          ...{ tasks, wrongRows },
        });
      tick(n + 1);
    }
    if (!json) return;
    const bars = Object.entries(tasks).flatMap(([task, found]) =>
      Object.entries(found).map(([method, { auc }]) => ({ label: `${task}: ${method}`, ...auc })),
    );
    writeBars("tasks", "AUC of training rows of the test exercise's own kind", bars);
    const wrong = Object.entries(wrongRows).flatMap(([task, { "answer alone, 10 epochs": found }]) =>
      Object.entries(found!).map(([method, { inKind }]) => ({ label: `${task}: ${method}`, ...inKind })),
    );
    writeBars(
      "wrong-rows",
      "AUC of training rows with a wrong answer against right ones of their kind, answers alone learned, 10 epochs",
      wrong,
    );
  } finally {
    await llama.pool.close();
  }
}

const judged = <T, F>(of: Map<string, T>, judge: (values: T) => F): Record<string, F> =>
  Object.fromEntries([...of].map(([name, values]) => [name, judge(values)]));

function show(title: string, found: Record<string, Found | Wrong>): void {
  console.log(title);
  const line = (figures: Record<string, Estimate>) => Object.values(figures).map(({ value }) => value);
  console.table(Object.fromEntries(Object.entries(found).map(([method, figures]) => [method, line(figures)])));
}

async function measure(
  llama: TinyLlama,
  name: string,
  adapter: Adapter,
  train: string[],
  test: string[],
): Promise<Measured> {
  const examples = [...train, ...test].map((text) => llama.example(text));
  const measured = async () => [(await exampleGradients(llama.pool, adapter, examples, 1)).data];
  const [data] = await cached(`llama-gradients-${name}`, measured);
  const all: Matrix = { data: data!, shape: [examples.length, data!.length / examples.length] };
  const g = rowsWhere(all, (i) => i < train.length);
  const matrices = matrixSpans(loraLayout(llama.pool.base.config, adapter.lora));
  const sketched = await fitSketch(llama.pool, g, matrices, [512]);
  return { name, adapter, train, test, g, q: rowsWhere(all, (i) => i >= train.length), matrices, sketched };
}

async function allScores(
  llama: TinyLlama,
  { name, adapter, train, test, g, q, matrices, sketched }: Measured,
): Promise<Scores> {
  const scores: Scores = new Map();
  const asked = await project(llama.pool, sketched.basis, q);
  const unscaled = await unscaledSketch(llama.pool, g, train.length);
  const unscaledAsked = await project(llama.pool, unscaled.basis, q);
  const narrowed = (of: typeof sketched, queries: Matrix, k: number, damping?: number) =>
    [queries, of.rows].map((side) => firstColumns(side, of.basis.eigenvalues, k, damping)) as [Matrix, Matrix];
  const add = async (name: string, queries: Matrix, rows: Matrix) => {
    scores.set(name, await multiply(queries, rows, 0, 1));
  };
  for (const k of [64, 128, 256]) {
    const [a, b] = narrowed(sketched, asked, k);
    await add(`int8 sketch k=${k}`, int8(a), int8(b));
    if (k === 256) await add("control: rows shuffled", int8(a), shuffledRows(int8(b)));
  }
  for (const damping of DAMPINGS) {
    const [a, b] = narrowed(sketched, asked, 256, damping);
    await add(`int8 sketch k=256, whitened, damping ${damping}`, int8(a), int8(b));
  }
  for (const damping of [undefined, 0.1]) {
    const [a, b] = narrowed(unscaled, unscaledAsked, 256, damping);
    const name = damping === undefined ? "" : `, whitened, damping ${damping}`;
    await add(`int8 sketch k=256, not scaled${name}`, int8(a), int8(b));
  }
  await add("damped influence, uncompressed, damping 0.1", ...narrowed(unscaled, unscaledAsked, train.length, 0.1));
  scores.set("DataInf", await dataInf(q, g, matrices));
  await add("gradient dot product", q, g);
  await add("gradient cosine", int8(q), int8(g));
  const bm25 = new Bm25(train);
  scores.set("BM25", tableOf(test.map((text) => bm25.scores(text))));
  const examples = [...train, ...test].map((text) => llama.example(text));
  const seen = await representations(`llama-representations-${name}`, llama.pool, adapter, examples, train.length);
  const isRow = (i: number) => i < train.length;
  await add(
    "representation similarity",
    rowsWhere(seen, (i) => !isRow(i)),
    rowsWhere(seen, isRow),
  );
  return scores;
}

/** For each training row how much it looks like a wrong one: by its net score over the tests, low first; and by what it is without any test. */
async function suspicions(
  llama: TinyLlama,
  { adapter, train, g, matrices, sketched }: Measured,
  scores: Scores,
): Promise<Map<string, ArrayLike<number>>> {
  const examples = train.map((text) => llama.example(text));
  const own = await dataInf(g, g, matrices);
  return new Map<string, ArrayLike<number>>([
    ...[...scores].map(([name, of]) => [`${name}, low first`, net(of).map((score) => -score)] as const),
    ["loss, high first", await llama.losses(adapter, examples)],
    ["gradient length, high first", norms(g)],
    ["length of the scaled gradient, high first", norms(sketched.rows)],
    ["DataInf of a row on itself, high first", train.map((_, i) => own.data[i * (train.length + 1)]!)],
  ]);
}

/** Mean over tests: AUC of the rows of its kind against the others, and the share of its kind among as many best rows. */
export function ownKind({ data, shape: [tests, count] }: Matrix): Found {
  const figures = Array.from({ length: tests }, (_, t) => {
    const scores = data.subarray(t * count, (t + 1) * count);
    const own = (i: number) => Math.floor(t / TEST_EACH) === Math.floor(i / TRAIN_EACH);
    const best = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, TRAIN_EACH);
    return {
      auc: auc(
        scores.filter((_, i) => own(i)),
        scores.filter((_, i) => !own(i)),
      ),
      recall: best.filter(own).length / TRAIN_EACH,
    };
  });
  const kinds = Array.from({ length: KINDS }, (_, kind) => figures.slice(kind * TEST_EACH, (kind + 1) * TEST_EACH));
  const over = (figure: keyof Found) =>
    interval(kinds, (drawn) => mean(drawn.flatMap((tests) => tests.map((test) => test[figure]))));
  return { auc: over("auc"), recall: over("recall") };
}

/** AUC of the wrong rows against the right ones of their own kind, and against those of all kinds. */
export function wrongFound(values: ArrayLike<number>): Wrong {
  const kinds = Array.from({ length: KINDS }, (_, kind) => {
    const own = Array.from(values).slice(kind * TRAIN_EACH, (kind + 1) * TRAIN_EACH);
    return { wrong: own.slice(0, WRONG_EACH), right: own.slice(WRONG_EACH) };
  });
  return {
    inKind: interval(kinds, (drawn) => mean(drawn.map(({ wrong, right }) => auc(wrong, right)))),
    ofAll: interval(kinds, (drawn) =>
      auc(
        drawn.flatMap(({ wrong }) => wrong),
        drawn.flatMap(({ right }) => right),
      ),
    ),
  };
}
