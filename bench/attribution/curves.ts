/**
 * What a sketch's settings do to its quality on the tiny Llama: columns, bits, damping, modules. By contributors left out by halves (LDS), by
 * exercises of a kind and by rows with a wrong answer (AUC); beside the LDS that contributors.ts and lds.ts left.
 */
import { heldGradients } from "../../trainer/attribution/gradient-rows.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { rowWeights } from "../../trainer/attribution/row-weights.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { LINEARS, type LinearName } from "../../trainer/config.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { type Adapter, type LoraConfig, loraLayout } from "../../trainer/lora.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { summed } from "./contributors.ts";
import { textOf } from "./exercises.ts";
import { beside, coarse, firstColumns, int8, multiply, rowsWhere } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { net } from "./payout.ts";
import { cached, type Panel, progress, readResult, writeLines, writeResult } from "./report.ts";
import { knownOf, noveltiesOf, shippedSizes } from "./sizes.ts";
import { type Estimate, lds, sum } from "./statistics.ts";
import { ownKind, taskExercises, WAYS, wrongFound } from "./tasks.ts";

const COLUMNS = [32, 64, 128, 256, 512];
const DAMPINGS = [undefined, 10, 1, 0.1, 0.01];
/** Columns where another setting is turned. */
const K = 256;
/** Of the contributors; for the adapter on all linears, which contributors.ts has not. */
const HALVES = 16;
const LEFT_OUT = "LDS, contributors left out by halves";
const ALL = { ...PRESETS.demo, targetModules: [...LINEARS] };
const MODULES: Record<string, LinearName[]> = {
  "q, v": ["q_proj", "v_proj"],
  attention: LINEARS.slice(0, 4),
  MLP: LINEARS.slice(4),
  all: [...LINEARS],
};

/** Gradients of rows and queries, and what scores [queries, rows] are worth. */
interface Truth {
  lora: LoraConfig;
  rows: Matrix;
  queries: Matrix;
  /** What rows weigh, by their sketches; 1 each unless told. */
  weights?(sketches: Matrix, eigenvalues: readonly number[]): Promise<ArrayLike<number>>;
  judge(scores: Matrix): Estimate;
}
type Point = { at: string; energyKept: number } & Estimate;
const CURVES = ["columns", "bits", "damping", "modules"] as const;

export async function settingCurves(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  const curves = Object.fromEntries(CURVES.map((curve) => [curve, {}])) as Curves;
  try {
    for (const [lora, targets] of Object.entries({ "q and v": PRESETS.demo, "all linears": ALL }))
      for (const [name, open] of Object.entries(truths(llama, lora, targets))) {
        const own = await curvesOf(llama, await open());
        for (const curve of CURVES)
          if (own[curve].length > 0) curves[curve][`${name}, adapter on ${lora}`] = own[curve];
        console.log(name, lora, JSON.stringify(own));
        if (json) writeResult("curves", { k: K, ...curves });
      }
    if (json) plot(curves);
  } finally {
    await llama.pool.close();
  }
}
type Curves = Record<(typeof CURVES)[number], Record<string, Point[]>>;

async function curvesOf({ pool }: TinyLlama, truth: Truth): Promise<Record<(typeof CURVES)[number], Point[]>> {
  const layout = loraLayout(pool.base.config, truth.lora);
  const sketched = async (wanted: readonly LinearName[]) => {
    const modules = layout.modules.filter(({ name }) => wanted.some((linear) => name.endsWith(linear)));
    const spans = modules.flatMap((module) => matrixSpans({ ...layout, modules: [module] }));
    const part = (of: Matrix) => beside(spans.map(([from, end]) => heldGradients(of).block(0, of.shape[0], from, end)));
    let at = 0;
    const moved = spans.map(([from, end]): [number, number] => [at, (at += end - from)]);
    const { basis, rows } = await fitSketch(pool, part(truth.rows), moved, [COLUMNS.at(-1)!]);
    const all = sum(basis.eigenvalues) / basis.energyKept;
    const queries = await project(pool, basis, part(truth.queries));
    return async (at: string, { k = K, bits = 8, damping }: { k?: number; bits?: number; damping?: number }) => {
      const [q, g] = [queries, rows].map((side) => firstColumns(side, basis.eigenvalues, k, damping)) as [
        Matrix,
        Matrix,
      ];
      const plain = firstColumns(rows, basis.eigenvalues, k);
      const weights = await truth.weights?.(plain, basis.eigenvalues.slice(0, k));
      const kept = bits === 8 ? int8(g, weights) : coarse(g, bits, weights);
      const energyKept = Number((sum(basis.eigenvalues.slice(0, k)) / all).toFixed(4));
      return { at, energyKept, ...truth.judge(await multiply(int8(q), kept, 0, 1)) };
    };
  };
  const turn = await sketched(LINEARS);
  const out: Record<(typeof CURVES)[number], Point[]> = { columns: [], bits: [], damping: [], modules: [] };
  for (const k of COLUMNS) out.columns.push(await turn(String(k), { k }));
  for (const bits of [8, 4, 1]) out.bits.push(await turn(String(bits), { bits }));
  for (const damping of DAMPINGS)
    out.damping.push(await turn(String(damping ?? "none"), { ...(damping && { damping }) }));
  if (truth.lora.targetModules.length === LINEARS.length)
    for (const [name, wanted] of Object.entries(MODULES)) out.modules.push(await (await sketched(wanted))(name, {}));
  return out;
}

/** By name, made when they are asked for. */
function truths(llama: TinyLlama, name: string, preset: typeof ALL | typeof PRESETS.demo) {
  const { rank, alpha, targetModules } = preset;
  const lora = { rank, alpha, targetModules };
  const kept = preset === PRESETS.demo ? "" : `${name}-`;
  const tuned = (what: string, rows: readonly string[], seed: number) =>
    llama.tuned(`${kept}${what}`, rows, seed, preset);
  const gradients = async (what: string, adapter: Adapter, texts: readonly string[], split: number) => {
    const examples = texts.map((text) => llama.example(text));
    const measured = async () => [(await exampleGradients(llama.pool, adapter, examples, 1)).data];
    const [data] = await cached(`llama-curve-gradients-${name}-${what}`, measured);
    const all: Matrix = { data: data!, shape: [texts.length, data!.length / texts.length] };
    return { lora, rows: rowsWhere(all, (i) => i < split), queries: rowsWhere(all, (i) => i >= split) };
  };
  const leftOut = {
    [LEFT_OUT]: async (): Promise<Truth> => {
      const halves = llama.halves(HALVES);
      const references = llama.references.map((text) => llama.example(text));
      const losses: Float32Array[] = [];
      const tick = progress(`fine-tuning ${name} on halves of the contributors`, HALVES);
      for (const [n, present] of halves.entries()) {
        const rows = llama.rows.filter((_, i) => present[llama.owners[i]!]);
        const measured = async () => [await llama.losses(await tuned(`half-${n}`, rows, 400 + n), references)];
        losses.push((await cached(`llama-curve-losses-${name}-${n}`, measured))[0]!);
        tick(n + 1);
      }
      const full = await tuned("full", llama.rows, 100);
      const said = await noveltiesOf(llama, full, llama.rows);
      const wanted = references.map((_, t) => t);
      const truth = wanted.map((t) => losses.map((run) => -run[t]!));
      return {
        ...(await gradients("full", full, [...llama.rows, ...llama.references], llama.rows.length)),
        async weights(sketches, eigenvalues) {
          return rowWeights(shippedSizes(await knownOf(llama, llama.rows, said, sketches, eigenvalues)));
        },
        judge(scores) {
          const votes = summed(llama, scores, wanted);
          return lds(
            votes.map((own) => halves.map((present) => sum(own.filter((_, c) => present[c])))),
            truth,
          );
        },
      };
    },
  };
  return {
    "AUC, rows of a test's kind": async (): Promise<Truth> => {
      const { train, test } = taskExercises(0);
      const texts = [...train, ...test].map(textOf);
      const adapter = await tuned("task-0", texts.slice(0, train.length), 500);
      return { ...(await gradients("task-0", adapter, texts, train.length)), judge: (scores) => ownKind(scores).auc };
    },
    "AUC, rows with a wrong answer": async (): Promise<Truth> => {
      const { mixed, test } = taskExercises(0);
      const texts = [...mixed, ...test].map(WAYS["answer alone"].write);
      const adapter = await tuned("task-0-wrong-answer alone", texts.slice(0, mixed.length), 500);
      return {
        ...(await gradients("task-0-wrong", adapter, texts, mixed.length)),
        judge: (scores) => wrongFound(net(scores).map((score) => -score)).inKind,
      };
    },
    ...(preset === ALL && leftOut),
  };
}

const TITLES: Record<string, string> = {
  columns: "columns, int8",
  bits: `bits of an entry, ${K} columns`,
  damping: `whitened by this damping, ${K} columns`,
  modules: `modules of an adapter on all linears, ${K} columns`,
};

/** Beside what is known of the adapter on q and v, and of Fashion-MNIST; the energy is that of the first curve. */
function plot(curves: Curves): void {
  const fashion: Record<string, Estimate> = readResult("lds").lds;
  const contributors: Record<string, { lds: Estimate }> = readResult("contributors")["held-out references"].methods;
  const known = (curve: string, at: string): [ofContributors: string, ofFashion: string] => {
    const columns = curve === "columns" ? at : String(K);
    if (["8", "none", columns].includes(at))
      return [`int8 k=${columns}${columns === String(K) ? ", as shipped" : ""}`, `int8 sketch k=${columns} (shipped)`];
    if (curve === "bits") return ["", `${at}-bit rows k=${K}`];
    return [`int8 k=${K}, whitened, damping ${at}`, `int8 sketch k=${K}, whitened, damping ${at}`];
  };
  const panels = Object.entries(curves).map(([curve, own]): Panel => {
    const ticks = Object.values(own)[0]!.map(({ at }) => at);
    const lines: Panel["lines"] = {
      ...own,
      [`${LEFT_OUT}, adapter on q and v`]: ticks.map((at) => contributors[known(curve, at)[0]]?.lds),
      "LDS, Fashion-MNIST": ticks.map((at) => fashion[known(curve, at)[1]]),
      ...(curve === "columns" && { "energy kept": Object.values(own)[0]!.map(({ energyKept: value }) => ({ value })) }),
    };
    const measured = Object.entries(lines).filter(([, points]) => points.some((point) => point !== undefined));
    return { title: TITLES[curve]!, ticks, lines: Object.fromEntries(measured) };
  });
  writeLines("curves", "What a sketch's settings do to its quality", panels);
}
