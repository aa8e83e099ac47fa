/**
 * DataInf's three tasks, regenerated: ten kinds of exercise each, and the question whether a test exercise is attributed
 * to the training rows of its own kind. On the tiny Llama, whose texts DataInf's 13 B model would find easy.
 */
import { Bm25 } from "../../trainer/attribution/bm25.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { loraLayout } from "../../trainer/lora.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { Random } from "../../trainer/random.ts";
import { firstColumns, int8, multiply, shuffledRows, unscaledSketch } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { cached, progress, writeBars, writeResult } from "./report.ts";
import { type Estimate, interval, mean } from "./statistics.ts";

const [KINDS, TRAIN_EACH, TEST_EACH] = [10, 45, 5];
/** Shares of the mean kept eigenvalue that whitening is damped by. */
const DAMPINGS = [10, 1, 0.1];
const PEOPLE = ["Anna", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam"];
const VERBS = ["paints", "carries", "finds", "repairs", "watches", "sells", "opens", "cleans", "follows", "loves"];
const LOOKS = ["old", "green", "heavy", "small", "broken", "quiet", "bright", "strange", "wooden", "cheap"];
const THINGS = ["lamp", "bridge", "garden", "letter", "engine", "window", "basket", "river", "camera", "table"];
const PLACES = ["in the park", "at home", "near the sea", "after lunch", "on Monday", "by train", "in winter", "again"];

const vowel = /[aeiou]/i;
const letters = (text: string, change: (letter: string, n: number) => string) => [...text].map(change).join("");
const words = (text: string, change: (word: string, n: number) => string) => text.split(" ").map(change).join(" ");
const TRANSFORMATIONS: Record<string, (sentence: string) => string> = {
  "Reverse the order of the words": (s) => s.split(" ").reverse().join(" "),
  "Capitalize every other letter": (s) => letters(s, (c, n) => (n % 2 === 0 ? c.toUpperCase() : c.toLowerCase())),
  "Put the number 1 between the words": (s) => s.replaceAll(" ", " 1 "),
  "Replace vowels with *": (s) => letters(s, (c) => (vowel.test(c) ? "*" : c)),
  "Double every consonant": (s) => letters(s, (c) => (/[a-z]/i.test(c) && !vowel.test(c) ? c + c : c)),
  "Capitalize every word": (s) => words(s, (w) => w[0]!.toUpperCase() + w.slice(1)),
  "Remove all vowels": (s) => letters(s, (c) => (vowel.test(c) ? "" : c)),
  "Add ly to the end of each word": (s) => words(s, (w) => `${w}ly`),
  "Remove all consonants": (s) => letters(s, (c) => (/[a-z]/i.test(c) && !vowel.test(c) ? "" : c)),
  "Repeat each word twice": (s) => words(s, (w) => `${w} ${w}`),
};
/** A question with two numbers, the answer, and the way there. */
const PROBLEMS: ((who: string, a: number, b: number) => [question: string, answer: number, reasoning: string])[] = [
  (who, a, b) => [
    `${who} orders ${a} pizzas of 8 slices and friends eat ${b} slices. How many slices are left?`,
    8 * a - b,
    `${a} pizzas have 8 * ${a} = ${8 * a} slices. ${8 * a} - ${b} = ${8 * a - b}.`,
  ],
  (who, a, b) => [
    `${who}'s school sends ${10 * a} pupils and ${b} teachers on a trip. How many people travel?`,
    10 * a + b,
    `Pupils and teachers together are ${10 * a} + ${b} = ${10 * a + b}.`,
  ],
  (who, a, b) => [
    `${who} has ${a} apples and buys ${b} bags of 6 apples. How many apples are there now?`,
    a + 6 * b,
    `${b} bags hold 6 * ${b} = ${6 * b} apples. ${a} + ${6 * b} = ${a + 6 * b}.`,
  ],
  (who, a, b) => [
    `${who} scores ${a} points in each of ${b} games. What is the total score?`,
    a * b,
    `Each game gives ${a} points: ${a} * ${b} = ${a * b}.`,
  ],
  (who, a, b) => [
    `${who} reads ${2 * a} pages on one day and ${2 * b} on the next. What is the average?`,
    a + b,
    `The sum is ${2 * a} + ${2 * b} = ${2 * (a + b)}. Half of it is ${a + b}.`,
  ],
  (who, a, b) => [
    `A recipe needs ${a} eggs and ${who} bakes it ${b} times. How many eggs are needed?`,
    a * b,
    `One cake takes ${a} eggs, ${b} cakes take ${a} * ${b} = ${a * b}.`,
  ],
  (who, a, b) => [
    `${who} saves ${a} dollars a week for ${b} weeks and spends 5. How much money remains?`,
    a * b - 5,
    `The savings are ${a} * ${b} = ${a * b}. ${a * b} - 5 = ${a * b - 5}.`,
  ],
  (who, a, b) => [
    `${who} drives ${10 * a} miles north and ${b} miles back. How far from the start?`,
    10 * a - b,
    `Going back shortens the way: ${10 * a} - ${b} = ${10 * a - b}.`,
  ],
  (who, a, b) => [
    `${a} shelves carry ${b} books each and ${who} adds 3 books. How many books stand there?`,
    a * b + 3,
    `The shelves carry ${a} * ${b} = ${a * b} books. ${a * b} + 3 = ${a * b + 3}.`,
  ],
  (who, a, b) => [
    `${who} cuts a rope of ${a * b} metres into ${b} equal parts. How long is each?`,
    a,
    `Each part is ${a * b} / ${b} = ${a} metres.`,
  ],
];
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)]!;
const sentence = (random: Random) =>
  `${pick(random, PEOPLE)} ${pick(random, VERBS)} the ${pick(random, LOOKS)} ${pick(random, THINGS)} ${pick(random, PLACES)}`;
function problem(random: Random, kind: number, reasoning: boolean): string {
  const number = () => 2 + Math.floor(18 * random.uniform());
  const [question, answer, way] = PROBLEMS[kind]!(pick(random, PEOPLE), number(), number());
  return `${question} -> ${reasoning ? `${way} ` : ""}Answer: ${answer}`;
}
const TASKS: Record<string, (random: Random, kind: number) => string> = {
  "sentence transformations": (random, kind) => {
    const [name, change] = Object.entries(TRANSFORMATIONS)[kind]!;
    const text = sentence(random);
    return `${name}: ${text} -> ${change(text)}`;
  },
  "math without reasoning": (random, kind) => problem(random, kind, false),
  "math with reasoning": (random, kind) => problem(random, kind, true),
};

/** With intervals over the kinds. */
interface Found {
  auc: Estimate;
  recall: Estimate;
}

export async function dataInfTasks(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const result: Record<string, Record<string, Found>> = {};
  try {
    const layout = loraLayout(llama.pool.base.config, PRESETS.demo);
    const tick = progress("tasks", Object.keys(TASKS).length);
    for (const [n, [task, make]] of Object.entries(TASKS).entries()) {
      const random = new Random(900 + n);
      const rows = distinct(KINDS, TRAIN_EACH + TEST_EACH, (kind) => make(random, kind));
      const train = rows.flatMap((own) => own.slice(0, TRAIN_EACH));
      const test = rows.flatMap((own) => own.slice(TRAIN_EACH));
      const adapter = await llama.tuned(`task-${n}`, train, 500 + n);
      const examples = [...train, ...test].map((text) => llama.example(text));
      const measured = async () => [(await exampleGradients(llama.pool, adapter, examples, 1)).data];
      const [data] = await cached(`llama-gradients-task-${n}`, measured);
      const width = data!.length / examples.length;
      const g: Matrix = { data: data!.subarray(0, train.length * width), shape: [train.length, width] };
      const q: Matrix = { data: data!.subarray(train.length * width), shape: [test.length, width] };
      const found: Record<string, Found> = {};
      const measure = (name: string, scores: Matrix) => {
        found[name] = judge(scores);
      };
      const { basis, rows: sketches } = await fitSketch(llama.pool, g, matrixSpans(layout), [512]);
      const asked = await project(llama.pool, basis, q);
      const unscaled = await unscaledSketch(llama.pool, g, 450);
      const unscaledAsked = await project(llama.pool, unscaled.basis, q);
      const narrowed = (of: typeof unscaled, queries: Matrix, k: number, damping?: number) =>
        [queries, of.rows].map((side) => firstColumns(side, of.basis.eigenvalues, k, damping)) as [Matrix, Matrix];
      for (const k of [64, 128, 256]) {
        const [a, b] = narrowed({ basis, rows: sketches }, asked, k);
        measure(`int8 sketch k=${k}`, await multiply(int8(a), int8(b), 0, 1));
        if (k === 256) measure("control: rows shuffled", await multiply(int8(a), shuffledRows(int8(b)), 0, 1));
      }
      for (const damping of DAMPINGS) {
        const [a, b] = narrowed({ basis, rows: sketches }, asked, 256, damping);
        measure(`int8 sketch k=256, whitened, damping ${damping}`, await multiply(int8(a), int8(b), 0, 1));
      }
      for (const damping of [undefined, 0.1]) {
        const [a, b] = narrowed(unscaled, unscaledAsked, 256, damping);
        const name = damping === undefined ? "" : `, whitened, damping ${damping}`;
        measure(`int8 sketch k=256, not scaled${name}`, await multiply(int8(a), int8(b), 0, 1));
      }
      measure(
        "damped influence, uncompressed, damping 0.1",
        await multiply(...narrowed(unscaled, unscaledAsked, 450, 0.1), 0, 1),
      );
      measure("gradient dot product", await multiply(q, g, 0, 1));
      measure("gradient cosine", await multiply(int8(q), int8(g), 0, 1));
      const bm25 = new Bm25(train);
      const scores = Float32Array.from(test.flatMap((text) => [...bm25.scores(text)]));
      measure("BM25", { data: scores, shape: [test.length, train.length] });
      result[task] = found;
      console.log(task);
      console.table(
        Object.fromEntries(
          Object.entries(found).map(([method, { auc, recall }]) => [method, [auc.value, recall.value]]),
        ),
      );
      if (json) writeResult("tasks", { kinds: KINDS, trainEach: TRAIN_EACH, testEach: TEST_EACH, tasks: result });
      tick(n + 1);
    }
    const bars = Object.entries(result).flatMap(([task, found]) =>
      Object.entries(found).map(([method, { auc }]) => ({ label: `${task}: ${method}`, ...auc })),
    );
    if (json) writeBars("tasks", "AUC of training rows of the test exercise's own kind", bars);
  } finally {
    await llama.pool.close();
  }
}

/** For each kind so many texts, none twice. */
function distinct(kinds: number, count: number, make: (kind: number) => string): string[][] {
  return Array.from({ length: kinds }, (_, kind) => {
    const texts = new Set<string>();
    while (texts.size < count) texts.add(make(kind));
    return [...texts];
  });
}

/** Mean over tests: AUC of the rows of its kind against the others, and the share of its kind among as many best rows. */
function judge({ data, shape: [tests, count] }: Matrix): Found {
  const figures = Array.from({ length: tests }, (_, t) => {
    const own = (i: number) => Math.floor(t / TEST_EACH) === Math.floor(i / TRAIN_EACH);
    const order = [...Array(count).keys()].sort((a, b) => data[t * count + a]! - data[t * count + b]!);
    const places = order.flatMap((i, place) => (own(i) ? [place + 1] : []));
    const below = places.reduce((total, place) => total + place, 0) - (TRAIN_EACH * (TRAIN_EACH + 1)) / 2;
    return {
      auc: below / (TRAIN_EACH * (count - TRAIN_EACH)),
      recall: places.filter((place) => place > count - TRAIN_EACH).length / TRAIN_EACH,
    };
  });
  const kinds = Array.from({ length: KINDS }, (_, kind) => figures.slice(kind * TEST_EACH, (kind + 1) * TEST_EACH));
  const over = (figure: keyof Found) =>
    interval(kinds, (drawn) => mean(drawn.flatMap((tests) => tests.map((test) => test[figure]))));
  return { auc: over("auc"), recall: over("recall") };
}
