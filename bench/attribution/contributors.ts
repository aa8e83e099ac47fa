/**
 * Whose data mattered, on the tiny Llama: adapters fine-tuned on random halves of the contributors say what each one's
 * rows do to held-out references and to served answers; every method says what they should do.
 */
import { Matrix as DenseMatrix, solve } from "ml-matrix";
import { Bm25 } from "../../trainer/attribution/bm25.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { rowWeights } from "../../trainer/attribution/row-weights.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { queryExample } from "../../trainer/examples.ts";
import { loraLayout } from "../../trainer/lora.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { Random } from "../../trainer/random.ts";
import { fitWhitening, whiten } from "./curvature.ts";
import type { Kind } from "./datanet.ts";
import { leftOutEffects, leftOutLosses, meanOf } from "./left-out.ts";
import { lengthShares, norms } from "./lengths.ts";
import {
  beside,
  firstColumns,
  int8,
  multiply,
  rowsWhere,
  shuffledRows,
  tableOf,
  unitRows,
  unscaledSketch,
} from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { net, netted } from "./payout.ts";
import { cached, progress, writeBars, writeResult } from "./report.ts";
import { representations } from "./representations.ts";
import { knownOf, noveltiesOf, OTHER_SIZES, shippedSizes } from "./sizes.ts";
import { auc, type Estimate, interval, lds, mean, pearson, rounded, spearman, sum } from "./statistics.ts";

const HALVES = 40;
/** Fine-tunings without each contributor. */
const LEFT_OUT = 2;
const COLUMNS = [32, 64, 128, 512];
/** Shares of the mean kept eigenvalue that whitening is damped by. */
const DAMPINGS = [10, 1, 0.1];
const ADAPTERS = 2;
const KINDS = ["references", "served"] as const;

/** Scores [queries, rows] of each method, for one kind of query. */
type Scores = Map<string, Matrix>;
const TARGETS = ["held-out references", "served answers"] as const;

export async function contributorEffects(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  try {
    const halves = llama.halves(HALVES);
    const served = await llama.served();
    const { context } = llama.pool.base.config;
    const references = llama.references.map((text) => llama.example(text));
    const answers = served.map(({ promptIds, ids }) => queryExample(context, promptIds, ids, "completion"));
    /** [halves][targets]: references, then served answers. */
    const losses: Float32Array[] = [];
    const tick = progress("fine-tuning on halves of the contributors", HALVES);
    for (const [n, present] of halves.entries()) {
      const adapter = await llama.tunedOn(`half-${n}`, present, 400 + n);
      const measured = async () => [await llama.losses(adapter, [...references, ...answers])];
      losses.push((await cached(`llama-losses-${n}`, measured))[0]!);
      tick(n + 1);
    }
    const targets: Record<(typeof TARGETS)[number], number[]> = {
      "held-out references": references.map((_, t) => t),
      "served answers": answers.map((_, t) => references.length + t),
    };
    const alone = await leftOutLosses(llama, [...references, ...answers], LEFT_OUT);
    const methods = await allScores(llama);
    const result: Record<string, unknown> = {
      set: {
        contributors: llama.contributors.map(({ name, rows }) => ({ name, rows: rows.length })),
        rows: llama.rows.length,
        halves: HALVES,
        fineTuningsLeavingOut: LEFT_OUT,
        targets: Object.fromEntries(TARGETS.map((name) => [name, targets[name].length])),
      },
    };
    for (const target of TARGETS) {
      const utility = halves.map((_, n) => targets[target].map((t) => -losses[n]![t]!));
      const effects = effectsOf(halves, utility.map(mean));
      const of = target === "held-out references" ? methods.references : methods.served;
      const at = targets[target].map((t) => t % references.length);
      const leftOut = alone.map((lines) => leftOutEffects(lines, targets[target]));
      const table: Record<string, Line> = {};
      for (const [name, scores] of of)
        table[name] = judge(
          llama,
          halves,
          utility,
          leftOut,
          summed(llama, scores, at),
          netted(llama, scores, at).totals,
        );
      console.log(target);
      console.table(
        Object.fromEntries(
          Object.entries(table).map(([name, line]) => [
            name,
            Object.fromEntries(Object.entries(line).map(([key, { value }]) => [key, value])),
          ]),
        ),
      );
      result[target] = {
        truth: {
          ...reliability(llama, halves, utility, effects),
          leftOut: {
            spearmanOfTwoRuns: rounded(spearman(leftOut[0]!, leftOut[1]!)),
            spearmanWithHalves: rounded(spearman(meanOf(leftOut), effects)),
            effects: Object.fromEntries(llama.contributors.map(({ name }, c) => [name, rounded(meanOf(leftOut)[c]!)])),
          },
        },
        methods: table,
      };
      if (target === TARGETS[0]) console.table((result.junkDetection = await junkDetection(llama, of)));
      if (json) writeResult("contributors", result);
      if (json && target === TARGETS[0])
        writeBars(
          "contributors",
          "LDS over halves of 24 contributors, held-out references",
          Object.entries(table).map(([label, line]) => ({ label, ...line.lds })),
        );
    }
  } finally {
    await llama.pool.close();
  }
}

interface Line {
  /** Over halves, for each query. */
  lds: Estimate;
  /** Of pay (net over the queries, clip each row, equal fees) and effect, over all contributors; the honest alone. */
  spearman: Estimate;
  pearson: Estimate;
  spearmanHonest: Estimate;
  /** Of pay and of what the model loses without the contributor. */
  leftOut: Estimate;
}

/** Effect of each contributor's presence on mean utility, by ridge regression; they add up to nothing, since all halves are equally large. */
function effectsOf(halves: readonly boolean[][], utility: readonly number[]): number[] {
  const design = new DenseMatrix(halves.map((present) => present.map((here) => (here ? 0.5 : -0.5))));
  const centre = mean(utility);
  const right = DenseMatrix.columnVector(utility.map((value) => value - centre));
  const gram = design.transpose().mmul(design);
  for (let c = 0; c < gram.rows; c++) gram.set(c, c, gram.get(c, c) + 1);
  return solve(gram, design.transpose().mmul(right)).to1DArray();
}

/** How far two halves of the runs agree about the effects, what they are, and their noise. */
function reliability(llama: TinyLlama, halves: boolean[][], utility: number[][], effects: readonly number[]) {
  const means = utility.map(mean);
  // Pairs of a half and its other half stay together.
  const part = (odd: number) => halves.map((_, n) => n).filter((n) => (n >> 1) % 2 === odd);
  const [a, b] = [0, 1].map((odd) => {
    const runs = part(odd);
    return effectsOf(
      runs.map((n) => halves[n]!),
      runs.map((n) => means[n]!),
    );
  });
  return {
    splitHalfSpearman: rounded(spearman(a!, b!)),
    meanLoss: rounded(-mean(means)),
    effectPerRow: Object.fromEntries(
      [...new Set(llama.kinds)].map((kind) => [kind, Number(llama.perRow(effects, kind).toPrecision(3))]),
    ),
    effects: Object.fromEntries(llama.contributors.map(({ name }, c) => [name, rounded(effects[c]!)])),
  };
}

/** AUC of finding junk rows by their net score over the references, low first; and by what rows are without any query. */
async function junkDetection(llama: TinyLlama, of: Scores): Promise<Record<string, Record<string, number>>> {
  const losses = await llama.losses(
    await llama.full(),
    llama.rows.map((text) => llama.example(text)),
  );
  const { data, shape } = await llama.rowGradients();
  const candidates: Record<string, ArrayLike<number>> = {
    "loss at the adapter, high first": losses,
    "gradient length, high first": norms({ data, shape }),
  };
  for (const [name, scores] of of) candidates[`${name}, low first`] = net(scores).map((score) => -score);
  const found = (values: ArrayLike<number>, kind: Kind) => {
    const those = (wanted: Kind) => Array.from(values).filter((_, i) => llama.kinds[llama.owners[i]!] === wanted);
    return rounded(auc(those(kind), those("honest")));
  };
  return Object.fromEntries(
    Object.entries(candidates).map(([name, values]) => [
      name,
      { "shuffled words": found(values, "shuffled words"), "random characters": found(values, "random characters") },
    ]),
  );
}

function judge(
  llama: TinyLlama,
  halves: boolean[][],
  utility: number[][],
  leftOut: number[][],
  votes: number[][],
  pay: number[],
): Line {
  const predicted = votes.map((own) => halves.map((present) => sum(own.filter((_, c) => present[c]))));
  const truth = votes.map((_, t) => utility.map((run) => run[t]!));
  const means = utility.map(mean);
  const honest = pay.map((_, c) => llama.kinds[c] === "honest");
  const pairs = Array.from({ length: halves.length / 2 }, (_, n) => n);
  const over = (correlate: typeof spearman, of: (c: number) => boolean) =>
    interval(pairs, (drawn) => {
      const runs = drawn.flatMap((n) => [2 * n, 2 * n + 1]);
      const effects = effectsOf(
        runs.map((n) => halves[n]!),
        runs.map((n) => means[n]!),
      );
      return correlate(
        pay.filter((_, c) => of(c)),
        effects.filter((_, c) => of(c)),
      );
    });
  return {
    lds: lds(predicted, truth),
    spearman: over(spearman, () => true),
    pearson: over(pearson, () => true),
    spearmanHonest: over(spearman, (c) => honest[c]!),
    leftOut: interval([...pay.keys()], (drawn) => {
      const effects = meanOf(leftOut);
      return spearman(
        drawn.map((c) => pay[c]!),
        drawn.map((c) => effects[c]!),
      );
    }),
  };
}

/** Σ of each contributor's row scores, for each wanted query. */
export function summed(llama: TinyLlama, { data, shape: [, count] }: Matrix, queries: readonly number[]): number[][] {
  return queries.map((t) => {
    const sums = Array<number>(llama.contributors.length).fill(0);
    for (let i = 0; i < count; i++) sums[llama.owners[i]!]! += data[t * count + i]!;
    return sums;
  });
}

/** Scores of the references and of the served answers by every method. */
async function allScores(llama: TinyLlama): Promise<{ references: Scores; served: Scores }> {
  const out = { references: new Map() as Scores, served: new Map() as Scores };
  const layout = loraLayout(llama.pool.base.config, PRESETS.demo);
  const said = await noveltiesOf(llama, await llama.full(), llama.rows);
  const known = (of: Matrix, eigenvalues: readonly number[]) => knownOf(llama, llama.rows, said, of, eigenvalues);
  const queriesAt = async (alpha: number) => ({
    references: await llama.referenceGradients(alpha),
    served: await llama.servedGradients(alpha),
  });
  type Queries = Awaited<ReturnType<typeof queriesAt>>;
  const add = async (name: string, queries: Queries, rows: Matrix) => {
    for (const kind of KINDS) out[kind].set(name, await multiply(queries[kind], rows, 0, 1));
  };
  const each = async (queries: Queries, change: (of: Matrix) => Matrix | Promise<Matrix>): Promise<Queries> => ({
    references: await change(queries.references),
    served: await change(queries.served),
  });
  type Fitted = Awaited<ReturnType<typeof fitSketch>>;
  const projected = async ({ basis, rows: sketches }: Fitted, queries: Queries) => ({
    basis,
    sketches,
    queries: await each(queries, (of) => project(llama.pool, basis, of)),
  });
  const sketched = async (rows: Matrix, queries: Queries, allowed?: number[]) =>
    projected(await fitSketch(llama.pool, rows, matrixSpans(layout), allowed), queries);
  type Sketched = Awaited<ReturnType<typeof projected>>;
  /** The first k columns, committed as the shipped rule commits them but for what `change` says of the weights. */
  const addInt8 = async (
    name: string,
    { basis: { eigenvalues }, sketches, queries }: Sketched,
    k: number,
    damping?: number,
    change: (weights: Float64Array, of: Matrix) => ArrayLike<number> = (weights) => weights,
  ) => {
    const first = (of: Matrix) => firstColumns(of, eigenvalues, k, damping);
    const plain = firstColumns(sketches, eigenvalues, k);
    const weights = rowWeights(shippedSizes(await known(plain, eigenvalues.slice(0, k))));
    const length = change(weights, first(sketches));
    await add(name, await each(queries, (of) => int8(first(of))), int8(first(sketches), length));
  };

  const [rows, queries] = [await llama.rowGradients(), await queriesAt(1)];
  const { k } = (await sketched(rows, queries)).basis;
  const all = await sketched(rows, queries, [512]);
  const unscaled = await projected(await unscaledSketch(llama.pool, rows, llama.rows.length), queries);
  await addInt8(`int8 k=${k}, as shipped`, all, k);
  await addInt8(`int8 k=${k}, every row of the same weight`, all, k, undefined, (weights) => weights.map(() => 1));
  const { eigenvalues } = all.basis;
  const committed = await known(firstColumns(all.sketches, eigenvalues, k), eigenvalues.slice(0, k));
  for (const [name, sizes] of Object.entries(OTHER_SIZES))
    await addInt8(`int8 k=${k}, ${name}`, all, k, undefined, () => rowWeights(sizes(committed)));
  await addInt8(`int8 k=${k}, length at most the median`, all, k, undefined, (weights, of) => {
    const shares = lengthShares("length, at most the median", of);
    return weights.map((weight, i) => weight * shares[i]!);
  });
  for (const columns of COLUMNS) await addInt8(`int8 k=${columns}`, all, columns);
  for (const damping of DAMPINGS) await addInt8(`int8 k=${k}, whitened, damping ${damping}`, all, k, damping);
  await addInt8(`int8 k=${k}, not scaled`, unscaled, k);
  await addInt8(`int8 k=${k}, not scaled, whitened, damping 0.1`, unscaled, k, 0.1);
  const influence = (of: Matrix) => firstColumns(of, unscaled.basis.eigenvalues, llama.rows.length, 0.1);
  await add(
    "damped influence, uncompressed, damping 0.1",
    await each(unscaled.queries, influence),
    influence(unscaled.sketches),
  );
  const diagonal = (of: Matrix) => firstColumns(of, all.basis.eigenvalues, 512);
  await add("scaled gradients, not compressed", await each(all.queries, diagonal), diagonal(all.sketches));
  const whitening = fitWhitening(layout, rows, 1);
  const change = (of: Matrix) => whiten(whitening, of);
  const curved = await unscaledSketch(llama.pool, change(rows), k);
  await addInt8(
    `int8 k=${k}, EK-FAC in the place of scales, damping 1`,
    await projected(curved, await each(queries, change)),
    k,
  );
  const middle = await sketched(await llama.rowGradients(0.5), await queriesAt(0.5));
  await addInt8(`int8 k=${middle.basis.k}, α = ½`, middle, middle.basis.k);
  const shipped = {
    sketches: firstColumns(all.sketches, all.basis.eigenvalues, k),
    queries: await each(all.queries, (of) => firstColumns(of, all.basis.eigenvalues, k)),
  };
  await add("control: rows shuffled", await each(shipped.queries, int8), shuffledRows(int8(shipped.sketches)));
  await add("gradient dot product", queries, rows);
  await add("gradient cosine", await each(queries, unitRows), unitRows(rows));
  await add("random projection, int8 k=512", await each(queries, randomProjection), int8(randomProjection(rows)));

  const texts = [...llama.rows, ...llama.references].map((text) => llama.example(text));
  const answered = (await llama.served()).map((answer) => llama.paid(answer));
  const parts: Awaited<ReturnType<typeof sketched>>[] = [];
  const wide: typeof parts = [];
  for (let n = 0; n < ADAPTERS; n++) {
    const adapter = await llama.tunedOn(`half-${n}`, llama.halves(HALVES)[n]!, 400 + n);
    const examples = [...texts, ...answered];
    const measure = async () => [(await exampleGradients(llama.pool, adapter, examples, 1)).data];
    const [data] = await cached(`llama-gradients-half-${n}`, measure);
    const width = data!.length / examples.length;
    const part = (from: number, count: number): Matrix => ({
      data: data!.subarray(from * width, (from + count) * width),
      shape: [count, width],
    });
    const [first, second] = [llama.rows.length, texts.length];
    const own = { references: part(first, second - first), served: part(second, answered.length) };
    parts.push(await sketched(part(0, first), own, [256 / ADAPTERS]));
    wide.push(await sketched(part(0, first), own, [256]));
  }
  for (const [name, of] of Object.entries({
    [`int8 of ${ADAPTERS} adapters, ${256 / ADAPTERS} columns each`]: parts,
    [`int8 of ${ADAPTERS} adapters, 256 columns each (four times the bytes)`]: wide,
    "int8 of one adapter of half the contributors, k=256": wide.slice(0, 1),
  })) {
    const joined = {
      references: int8(beside(of.map((part) => part.queries.references))),
      served: int8(beside(of.map((part) => part.queries.served))),
    };
    await add(name, joined, int8(beside(of.map((part) => part.sketches))));
  }

  const bm25 = new Bm25(llama.rows);
  const { tokenizer } = llama.pool.base;
  const asked = (await llama.served()).map(({ promptIds, ids }) => tokenizer.decode([...promptIds, ...ids]));
  out.references.set("BM25", tableOf(llama.references.map((text) => bm25.scores(text))));
  out.served.set("BM25", tableOf(asked.map((text) => bm25.scores(text))));
  const counted = tableOf(llama.references.map(() => llama.rows.map(() => 1)));
  for (const kind of KINDS) out[kind].set("row counts", counted);
  const seen = await representations(
    "llama-representations",
    llama.pool,
    await llama.full(),
    [...texts, ...answered],
    llama.rows.length,
  );
  const between = (from: number, to: number) => rowsWhere(seen, (i) => i >= from && i < to);
  const represented = {
    references: between(llama.rows.length, texts.length),
    served: between(texts.length, seen.shape[0]),
  };
  await add("representation similarity (mean logits)", represented, between(0, llama.rows.length));
  return out;
}

/** Through a sparse random sign matrix, one entry a parameter, to 512 columns. */
function randomProjection({ data, shape: [count, width] }: Matrix): Matrix {
  const random = new Random(71);
  const columns = Uint16Array.from({ length: width }, () => Math.floor(512 * random.uniform()));
  const signs = Int8Array.from({ length: width }, () => (random.uniform() < 0.5 ? -1 : 1));
  const out = new Float32Array(count * 512);
  for (let i = 0; i < count; i++)
    for (let p = 0; p < width; p++) out[i * 512 + columns[p]!]! += signs[p]! * data[i * width + p]!;
  return { data: out, shape: [count, 512] };
}
