/**
 * Linear datamodeling score by dattri's MNIST-MLP protocol on Fashion-MNIST: `npm run bench:attribution -- --json`.
 * What the half-subsets' loss on each test image is, against what each method's summed scores say it should be.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { loadBase } from "../../trainer/base.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import { fashion } from "./fashion.ts";
import { gradientProducts, multiply, solve, squaredNorms } from "./linear.ts";
import { type Backward, denseGradients, EPOCHS, eachEntry, evaluate, PARAMETERS, train, type Weights } from "./mlp.ts";
import { CACHE, progress, writeBars, writeResult } from "./report.ts";
import { type Estimate, lds } from "./statistics.ts";

const [TRAIN, TEST, SUBSETS, FIT] = [5000, 500, 50, 1000];
/** Sketch columns that are fitted once; smaller sketches are their first columns with the damping of that size. */
const K = 512;
const ROWS = 500;
const CHECKPOINTS = Array.from({ length: 10 }, (_, n) => (EPOCHS / 10) * (n + 1));

const half = (seed: number) =>
  new Random(seed)
    .shuffle([...Array(TRAIN).keys()])
    .slice(0, TRAIN / 2)
    .sort((a, b) => a - b);

/** Float32 arrays kept on disk under a name. */
async function cached(name: string, make: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
  const file = path.join(CACHE, `lds-${name}`);
  if (existsSync(`${file}.json`)) {
    const lengths = JSON.parse(readFileSync(`${file}.json`, "utf8")) as number[];
    const data = new Float32Array(new Uint8Array(readFileSync(`${file}.f32`)).buffer);
    let at = 0;
    return lengths.map((length) => data.subarray(at, (at += length)));
  }
  const arrays = await make();
  writeFileSync(`${file}.f32`, Buffer.concat(arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))));
  writeFileSync(`${file}.json`, JSON.stringify(arrays.map(({ length }) => length)));
  return arrays;
}

export async function linearDatamodeling(json: boolean): Promise<void> {
  const [data, test] = [fashion("train", TRAIN), fashion("t10k", TEST)];
  if (data === undefined || test === undefined) {
    console.log("lds: skipped, Fashion-MNIST is not here; apt-get install dataset-fashion-mnist");
    return;
  }
  const trained = async (name: string, subset: number[], seed: number, keep?: number[]): Promise<Weights[]> => {
    const flat = await cached(name, async () => (await train(data, subset, seed, keep)).flat());
    return Array.from({ length: flat.length / 6 }, (_, n) => flat.slice(6 * n, 6 * n + 6));
  };
  const subsets = Array.from({ length: SUBSETS }, (_, s) => half(1000 + s));
  const truth: number[][] = Array.from({ length: TEST }, () => []);
  const tick = progress("retraining half-subsets", SUBSETS);
  for (const [s, subset] of subsets.entries()) {
    const [weights] = await trained(`half-${s}`, subset, 2000 + s);
    for (const [t, loss] of (await evaluate(weights!, test)).losses.entries()) truth[t]!.push(-loss);
    tick(s + 1);
  }
  const results: Record<string, Estimate> = {};
  const energies: Record<string, number> = {};
  /** @param scores [tests, rows] */
  const measure = (name: string, { data: scores }: { data: ArrayLike<number> }) => {
    const predicted = Array.from({ length: TEST }, (_, t) =>
      subsets.map((subset) => subset.reduce((sum, row) => sum + scores[t * TRAIN + row]!, 0)),
    );
    const { value, interval } = (results[name] = lds(predicted, truth));
    if (json) save(results, energies);
    console.log(`${name.padEnd(44)} ${value.toFixed(3)}  [${interval[0].toFixed(3)}, ${interval[1].toFixed(3)}]`);
  };

  const checkpoints = await trained("full", [...Array(TRAIN).keys()], 1, CHECKPOINTS);
  const tracin = new Float32Array(TEST * TRAIN);
  for (const weights of checkpoints) {
    const products = await gradientProducts(await evaluate(weights, test), await evaluate(weights, data));
    for (let i = 0; i < tracin.length; i++) tracin[i]! += products.data[i]!;
  }
  measure("TracIn, 10 checkpoints", { data: tracin });
  const [rows, queries] = [await evaluate(checkpoints.at(-1)!, data), await evaluate(checkpoints.at(-1)!, test)];
  const products = await gradientProducts(queries, rows);
  measure("gradient dot product", products);
  const norms = squaredNorms(rows).map((value) => Math.sqrt(value) + 1e-20);
  measure("gradient cosine", { data: products.data.map((value, i) => value / norms[i % TRAIN]!) });
  measure("control: shuffled rows", { data: shuffledColumns(products.data) });

  const sketches = await sketch(rows, queries);
  const cut = (k: number, share: number) => {
    const kept = sketches.eigenvalues.slice(0, k);
    const damping = (share * sum(kept)) / kept.filter((value) => value > 0).length;
    const factors = kept.map((value) => Math.sqrt((value + sketches.damping) / (value + damping)));
    return [sketches.queries, sketches.rows].map(({ data: from, shape: [count] }): Matrix => {
      const out = new Float32Array(count * k);
      for (let i = 0; i < out.length; i++) out[i] = from[Math.floor(i / k) * K + (i % k)]! * factors[i % k]!;
      return { data: out, shape: [count, k] };
    }) as [Matrix, Matrix];
  };
  const int8 = (m: Matrix): Matrix => ({ data: Float32Array.from(quantise(m)), shape: m.shape });
  for (const k of [32, 64, 128, 256, 512]) {
    energies[k] = Number((sum(sketches.eigenvalues.slice(0, k)) / sketches.energy).toFixed(4));
    const [q, g] = cut(k, 0.1);
    measure(`int8 sketch k=${k} (shipped, unit rows)`, await multiply(int8(q), int8(g), 0, 1));
    measure(`float sketch k=${k}, rows keep their length`, await multiply(q, g, 0, 1));
  }
  for (const bits of [4, 1]) {
    const [q, g] = cut(256, 0.1);
    measure(`${bits}-bit rows k=256`, await multiply(int8(q), coarse(g, bits), 0, 1));
  }
  for (const share of [0.001, 0.01, 1, 10, 100]) {
    const [q, g] = cut(256, share);
    measure(`int8 sketch k=256, damping ${share}`, await multiply(int8(q), int8(g), 0, 1));
  }

  const trak = new Float64Array(TEST * TRAIN);
  const sure = new Float64Array(TRAIN);
  const trakTick = progress("TRAK models", 10);
  for (let model = 0; model < 10; model++) {
    const [weights] = await trained(`trak-${model}`, half(3000 + model), 4000 + model);
    const [a, b] = [await evaluate(weights!, test), await evaluate(weights!, data)];
    const [q, g] = [countSketch(a, model), countSketch(b, model)];
    const kernel = await multiply(g, g, 1, 0);
    const part = await multiply(transpose(await solve(kernel, 1e-6 * trace(kernel), transpose(q), 300)), g, 0, 1);
    part.data.forEach((value, i) => {
      trak[i]! += value;
    });
    b.sure.forEach((p, i) => {
      sure[i]! += 1 - p;
    });
    if (model === 0 || model === 9)
      measure(`TRAK-${model + 1}, k=512`, { data: trak.map((v, i) => v * sure[i % TRAIN]!) });
    trakTick(model + 1);
  }

  const gram = await gradientProducts(rows, rows);
  const mean = (energyOf: number) => (sum(sketches.eigenvalues.slice(0, energyOf)) / energyOf) * TRAIN;
  const right = transpose(products);
  for (const share of [0.1, 1, 10]) {
    const solution = await solve(gram, share * mean(K), right, 20);
    measure(`damped influence, uncompressed, damping ${share}`, transpose(solution));
  }
}

/** Written after every method, so that an interrupted run leaves what it measured. */
function save(results: Record<string, Estimate>, energyKept: Record<string, number>): void {
  writeResult("lds", {
    protocol: {
      data: "Fashion-MNIST",
      train: TRAIN,
      test: TEST,
      subsets: SUBSETS,
      seedsPerSubset: 1,
      parameters: PARAMETERS,
      basisFittedOn: FIT,
    },
    energyKept,
    lds: results,
  });
  const bars = Object.entries(results).map(([label, { value, interval }]) => ({ label, value, interval }));
  writeBars("lds", "LDS, Fashion-MNIST, 784-128-64-10", bars);
}

/** The shipped sketch of rows and queries at k = 512, its basis fitted on the first rows. */
async function sketch(rows: Backward, queries: Backward) {
  const [rowValues, queryValues, eigenvalues, [damping, energy]] = (await cached("sketch", async () => {
    const pool = await Pool.start(loadBase(path.join(import.meta.dirname, "../../models/tiny-llama")), { threads: 2 });
    try {
      const { basis } = await fitSketch(pool, denseGradients(rows, 0, FIT), [K]);
      const all = async (of: Backward) => {
        const out = new Float32Array(of.count * K);
        for (let at = 0; at < of.count; at += ROWS)
          out.set((await project(pool, basis, denseGradients(of, at, at + ROWS))).data, at * K);
        return out;
      };
      const total = sum(basis.eigenvalues) / basis.energyKept;
      const numbers = [Float32Array.from(basis.eigenvalues), Float32Array.of(basis.damping, total)];
      return [await all(rows), await all(queries), ...numbers];
    } finally {
      await pool.close();
    }
  })) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const matrix = (values: Float32Array): Matrix => ({ data: values, shape: [values.length / K, K] });
  return {
    rows: matrix(rowValues),
    queries: matrix(queryValues),
    eigenvalues: [...eigenvalues],
    damping: damping!,
    energy: energy!,
  };
}

/** Gradients through a sparse random sign matrix with one entry a parameter, [examples, 512] (GraSS' SJLT). As loss over 1 − p: TRAK's margin. */
function countSketch(of: Backward, seed: number): Matrix {
  const random = new Random(5000 + seed);
  const columns = Uint16Array.from({ length: PARAMETERS }, () => Math.floor(random.uniform() * K));
  const signs = Int8Array.from({ length: PARAMETERS }, () => (random.uniform() < 0.5 ? -1 : 1));
  const out = new Float32Array(of.count * K);
  for (let i = 0; i < of.count; i++) {
    const scale = 1 / Math.max(1 - of.sure[i]!, 1e-6);
    eachEntry(of, i, (index, value) => {
      out[i * K + columns[index]!]! += signs[index]! * value * scale;
    });
  }
  return { data: out, shape: [of.count, K] };
}

/** Unit rows rounded to `bits`: the sign for 1, else evenly up to the largest entry. */
function coarse({ data, shape: [count, k] }: Matrix, bits: number): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * k, (i + 1) * k);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    const levels = 2 ** (bits - 1) - 1;
    const values = row.map((value) => (bits === 1 ? Math.sign(value) : Math.round((value / largest) * levels)));
    const norm = Math.hypot(...values) || 1;
    out.set(
      values.map((value) => value / norm),
      i * k,
    );
  }
  return { data: out, shape: [count, k] };
}

function transpose({ data, shape: [rows, columns] }: Matrix): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) out[(i % columns) * rows + Math.floor(i / columns)] = data[i]!;
  return { data: out, shape: [columns, rows] };
}

function shuffledColumns(scores: Float32Array): Float32Array {
  const order = new Random(6).shuffle([...Array(TRAIN).keys()]);
  return scores.map((_, i) => scores[i - (i % TRAIN) + order[i % TRAIN]!]!);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const trace = ({ data, shape: [n] }: Matrix) => {
  let total = 0;
  for (let i = 0; i < n; i++) total += data[i * n + i]!;
  return total;
};
