/**
 * Where between base and adapter gradients are best taken, and whether a query should keep its length: what contributors
 * would be paid, against what the tiny Llama loses without each of them. Once as the demo trains it, once until it
 * knows its rows by heart.
 */
import { Bm25 } from "../../trainer/attribution/bm25.ts";
import { rowWeights } from "../../trainer/attribution/row-weights.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { queryExample } from "../../trainer/examples.ts";
import { leftOutEffects, leftOutLosses, meanOf } from "./left-out.ts";
import { norms } from "./lengths.ts";
import { int8, multiply, tableOf } from "./linear.ts";
import { type Setting, TinyLlama } from "./llama.ts";
import { movements, netted, sharesOf } from "./payout.ts";
import { mapped, readResult, writeBars, writeResult } from "./report.ts";
import { knownOf, noveltiesOf, shippedSizes } from "./sizes.ts";
import { type Estimate, interval, mean, median, rounded, spearman } from "./statistics.ts";
import { perContributor } from "./study.ts";

/** Fine-tunings without each contributor. */
const SEEDS = { plain: 1, memorising: 1 } satisfies Partial<Record<Setting, number>>;
type Regime = keyof typeof SEEDS;
/** Points on the way from base to adapter over which gradients are averaged. */
const PATH = [0, 0.25, 0.5, 0.75, 1];
/** Share of the answers that count as matching their references: those that have most tokens in common with what follows there. */
const MATCHING = 0.25;
const SHIPPED = "final adapter";
const BASELINES = ["row counts", "BM25"];
const RESAMPLES = 500;

const KINDS = ["references", "served"] as const;
type QueryKind = (typeof KINDS)[number];
type PerKind<T> = Record<QueryKind, T>;

interface Method {
  /** [queries, rows] */
  scores: PerKind<Matrix>;
  /** Least movement that a query is charged for. */
  m0: number;
  /** What that part of a pot follows which the answers do not decide; without it they decide everything. */
  base?: readonly number[];
}

/** What the model should do well on, and the queries that contributors are paid by meanwhile. */
interface Truth {
  /** Numbers of references, served answers counted after them. */
  targets: number[];
  by: QueryKind;
  queries: number[];
}

export async function gradientPoints(json: boolean): Promise<void> {
  const result: Partial<Record<Regime, Awaited<ReturnType<typeof judge>>>> = {};
  for (const regime of Object.keys(SEEDS) as Regime[]) {
    const llama = await TinyLlama.start(regime);
    try {
      result[regime] = await judge(llama, SEEDS[regime], regime === "plain" ? measuredTwice() : {});
    } finally {
      await llama.pool.close();
    }
    const { methods, ...others } = result[regime];
    console.log(regime, JSON.stringify(others, null, 1));
    const values = (of: Record<string, Estimate>) =>
      Object.fromEntries(Object.entries(of).map(([name, { value }]) => [name, value]));
    console.table(
      Object.fromEntries(
        Object.entries(methods).map(([name, { spearman, junk, ...rest }]) => [
          name,
          { ...values(spearman), ...junk, ...rest },
        ]),
      ),
    );
    if (json) writeResult("points", result);
  }
  const bars = Object.entries(result).flatMap(([regime, { methods }]) =>
    Object.entries(methods).map(([name, { spearman }]) => ({
      label: `${regime}: ${name}`,
      ...spearman["held-out references"]!,
    })),
  );
  if (json)
    writeBars("points", "Pay, and what held-out references lose without the contributor: rank correlation", bars);
}

/** Effects of the plain fine-tunings over two seeds, the first of which is the one made here: from the bench of contributors. */
function measuredTwice(): Record<string, number[]> {
  const result = readResult("contributors");
  const effects = (target: string): number[] => Object.values(result[target].truth.leftOut.effects);
  const references = effects("held-out references");
  return {
    "held-out references": references,
    "held-out references, paid by served answers": references,
    "all served answers": effects("served answers"),
  };
}

/** @param known effects that are known better than from these seeds */
async function judge(llama: TinyLlama, seeds: number, known: Record<string, number[]>) {
  const { rows, owners, kinds, contributors } = llama;
  const { context } = llama.pool.base.config;
  const served = await llama.served();
  const references = llama.references.map((text) => llama.example(text));
  const answers = served.map(({ promptIds, ids }) => queryExample(context, promptIds, ids, "completion"));
  const losses = await leftOutLosses(llama, [...references, ...answers], seeds);
  const all = [...references.keys()];
  const overlaps = all.map((t) => overlap(llama, t, served[t]!.ids));
  const matching = all.toSorted((a, b) => overlaps[b]! - overlaps[a]!).slice(0, MATCHING * all.length);
  const behind = (queries: number[]) => queries.map((t) => references.length + t);
  const truths: Record<string, Truth> = {
    "held-out references": { targets: all, by: "references", queries: all },
    "held-out references, paid by served answers": { targets: all, by: "served", queries: all },
    "served answers that match": { targets: behind(matching), by: "served", queries: matching },
    "all served answers": { targets: behind(all), by: "served", queries: all },
  };
  const runs = mapped(truths, ({ targets }) => losses.map((lines) => leftOutEffects(lines, targets)));
  const effects = mapped(runs, (own, name) => known[name] ?? meanOf(own));
  const eachKind = (of: (kind: string) => number) =>
    Object.fromEntries([...new Set(kinds)].map((kind) => [kind, Number(of(kind).toPrecision(3))]));
  const overHonest = (of: readonly number[]) => {
    const { honest: _, ...junk } = eachKind((kind) => llama.perRow(of, kind) / llama.perRow(of, "honest"));
    return junk;
  };

  const methods = await allMethods(llama);
  const paid = ({ scores, m0, base }: Method, { by, queries }: Truth) => {
    const { totals, kappa } = netted(llama, scores[by], queries, m0);
    return { pay: base ? sharesOf(totals, queries.length, base, 0.5) : totals, kappa };
  };
  const agreement = (pay: readonly number[], name: string, of: readonly number[]) =>
    spearman(
      of.map((c) => pay[c]!),
      of.map((c) => effects[name]![c]!),
    );
  const everybody = [...contributors.keys()];
  const honest = everybody.filter((c) => kinds[c] === "honest");
  /** Both drawn together: what a lucky draw does to both cancels. */
  const ahead = (other: string) =>
    mapped(truths, (truth, name) => {
      const [a, b] = [SHIPPED, other].map((method) => paid(methods[method]!, truth).pay);
      return interval(everybody, (drawn) => agreement(a!, name, drawn) - agreement(b!, name, drawn), RESAMPLES);
    });
  const adapter = await llama.full();
  const learned = await llama.losses(
    adapter,
    rows.map((text) => llama.example(text)),
  );
  const { epochs, learningRate } = llama.preset;
  return {
    set: {
      epochs,
      learningRate,
      servedAnswers: answers.length,
      matching: matching.length,
      overlap: { all: rounded(mean(overlaps)), matching: rounded(mean(matching.map((t) => overlaps[t]!))) },
      lossOnRows: mapped(
        eachKind((kind) => mean(learned.filter((_, i) => kinds[owners[i]!] === kind))),
        rounded,
      ),
      lossOnReferences: rounded(mean(await llama.losses(adapter, references))),
    },
    truths: mapped(effects, (effect, name) => ({
      fineTunings: known[name] ? 2 : seeds,
      effectPerRow: eachKind((kind) => llama.perRow(effect, kind)),
    })),
    methods: mapped(methods, (method, label) => {
      const { pay, kappa } = paid(method, truths["all served answers"]!);
      const first = "held-out references";
      return {
        spearman: mapped(truths, (truth, name) => {
          const own = paid(method, truth).pay;
          return interval(everybody, (drawn) => agreement(own, name, drawn), RESAMPLES);
        }),
        spearmanOfTheHonest: rounded(agreement(paid(method, truths[first]!).pay, first, honest)),
        junk: overHonest(pay),
        ...(!BASELINES.includes(label) && { kappa: rounded(kappa) }),
      };
    }),
    ahead: Object.fromEntries(BASELINES.map((other) => [`${SHIPPED} over ${other}`, ahead(other)])),
  };
}

/** Share of an answer's tokens that what follows in the reference holds too, each as often as there. */
function overlap(llama: TinyLlama, reference: number, ids: readonly number[]): number {
  const text = llama.references[reference]!;
  const left = llama.pool.base.tokenizer.encode(text.slice(Math.ceil(text.length / 2))).slice(0, ids.length);
  const found = ids.filter((id) => {
    const place = left.indexOf(id);
    if (place >= 0) left.splice(place, 1);
    return place >= 0;
  });
  return found.length / ids.length;
}

async function allMethods(llama: TinyLlama): Promise<Record<string, Method>> {
  const each = async <T, U>(of: PerKind<T>, change: (value: T) => U | Promise<U>): Promise<PerKind<U>> => ({
    references: await change(of.references),
    served: await change(of.served),
  });
  const gradientsAt = async (alpha: number) => ({
    rows: await llama.rowGradients(alpha),
    queries: { references: await llama.referenceGradients(alpha), served: await llama.servedGradients(alpha) },
  });
  type Gradients = Awaited<ReturnType<typeof gradientsAt>>;
  const said = await noveltiesOf(llama, await llama.full(), llama.rows);
  const sketched = async ({ rows, queries }: Gradients) => {
    const { basis, rows: sketches } = await fitSketch(llama.pool, rows, llama.matrices);
    const known = await knownOf(llama, llama.rows, said, sketches, basis.eigenvalues);
    return {
      committed: int8(sketches, rowWeights(shippedSizes(known))),
      sketches,
      queries: await each(queries, (of) => project(llama.pool, basis, of)),
    };
  };
  /** @param asked what is left of a query: rounded at unit length, or as it is */
  const method = async (
    { committed, sketches, queries }: Awaited<ReturnType<typeof sketched>>,
    asked: (of: Matrix) => Matrix,
  ): Promise<Method> => {
    const used = norms(committed).map(Math.sign);
    const own = movements(await multiply(asked(sketches), committed, 0, 1)).filter((_, i) => used[i]);
    return { scores: await each(queries, (of) => multiply(asked(of), committed, 0, 1)), m0: median(own) };
  };

  const points: Gradients[] = [];
  for (const alpha of PATH) points.push(await gradientsAt(alpha));
  const average = (of: (point: Gradients) => Matrix): Matrix => {
    const parts = points.map(of);
    return { data: parts[0]!.data.map((_, i) => mean(parts.map(({ data }) => data[i]!))), shape: parts[0]!.shape };
  };
  const path: Gradients = {
    rows: average(({ rows }) => rows),
    queries: {
      references: average(({ queries }) => queries.references),
      served: average(({ queries }) => queries.served),
    },
  };
  const final = await sketched(points[PATH.indexOf(1)]!);
  const shipped = await method(final, int8);
  const bm25 = new Bm25(llama.rows);
  const { tokenizer } = llama.pool.base;
  const asked = {
    references: llama.references,
    served: (await llama.served()).map(({ promptIds, ids }) => tokenizer.decode([...promptIds, ...ids])),
  };
  const byText = (score: (text: string) => ArrayLike<number>) =>
    each(asked, (texts: readonly string[]) => tableOf(texts.map(score)));
  const rowLengths = norms(final.committed);
  const lengths = perContributor({ owners: llama.owners, contributors: llama.contributors.length }, (i) =>
    Math.floor(rowLengths[i]!),
  );
  return {
    [SHIPPED]: shipped,
    "final adapter, with base weights, κ0 = ½": { ...shipped, base: lengths },
    "final adapter, queries keep their length": await method(final, (of) => of),
    "halfway, α = ½": await method(await sketched(points[PATH.indexOf(0.5)]!), int8),
    "mean of five points of the way": await method(await sketched(path), int8),
    "row counts": { scores: await byText(() => llama.rows.map(() => 1)), m0: 0 },
    BM25: { scores: await byText((text) => bm25.scores(text)), m0: 0 },
  };
}
