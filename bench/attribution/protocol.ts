import path from "node:path";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { loadBase } from "../../trainer/base.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import { fashion } from "./fashion.ts";
import { firstColumns, unscaledSketch } from "./linear.ts";
import {
  type Backward,
  denseGradients,
  EPOCHS,
  eachEntry,
  evaluate,
  MATRICES,
  PARAMETERS,
  train,
  type Weights,
} from "./mlp.ts";
import { cached, progress } from "./report.ts";
import { type Estimate, lds, sum } from "./statistics.ts";

export const [TRAIN, TEST, SUBSETS] = [5000, 500, 50];
/** Rows that a basis is fitted on. */
export const FIT = 1000;
/** Columns that are fitted once; smaller sketches are their first columns with the damping of that size. */
export const K = 512;
const ROWS = 500;
const CHECKPOINTS = Array.from({ length: 10 }, (_, n) => (EPOCHS / 10) * (n + 1));

export const half = (seed: number) =>
  new Random(seed)
    .shuffle([...Array(TRAIN).keys()])
    .slice(0, TRAIN / 2)
    .sort((a, b) => a - b);

/** dattri's MNIST-MLP protocol on Fashion-MNIST, all of it trained; undefined, said aloud, where the images are not installed. */
export async function openProtocol() {
  const [data, test] = [fashion("train", TRAIN), fashion("t10k", TEST)];
  if (data === undefined || test === undefined) {
    console.log("skipped, Fashion-MNIST is not here; apt-get install dataset-fashion-mnist");
    return undefined;
  }
  const trained = async (name: string, subset: number[], seed: number, keep?: number[]): Promise<Weights[]> => {
    const flat = await cached(`lds-${name}`, async () => (await train(data, subset, seed, keep)).flat());
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
  return {
    data,
    test,
    trained,
    checkpoints: await trained("full", [...Array(TRAIN).keys()], 1, CHECKPOINTS),
    /** @param scores [tests, rows]; @param of which tests count */
    lds(scores: ArrayLike<number>, of: (test: number) => boolean = () => true): Estimate {
      const tests = [...truth.keys()].filter(of);
      const predicted = tests.map((t) =>
        subsets.map((subset) => subset.reduce((total, row) => total + scores[t * TRAIN + row]!, 0)),
      );
      return lds(
        predicted,
        tests.map((t) => truth[t]!),
      );
    },
  };
}

export const described = (name: string, { value, interval: [from, to] }: Estimate): string =>
  `${name.padEnd(60)} ${value.toFixed(3)}  [${from.toFixed(3)}, ${to.toFixed(3)}]`;

export interface Sketch {
  rows: Float32Array;
  queries: Float32Array;
  eigenvalues: number[];
  /** Of all columns that there are. */
  energy: number;
}

/**
 * The sketch of rows and queries at k = 512, its basis fitted on the first rows.
 * @param scaled as shipped; otherwise the main directions of gradients as they are
 */
export async function sketchOf(rows: Backward, queries: Backward, scaled = true): Promise<Sketch> {
  const [rowValues, queryValues, eigenvalues, [energy]] = (await cached(
    scaled ? "lds-sketch" : "lds-unscaled",
    async () => {
      const pool = await Pool.start(loadBase(path.join(import.meta.dirname, "../../models/tiny-llama")), {
        threads: 2,
      });
      try {
        const fit = denseGradients(rows, 0, FIT);
        const { basis } = scaled ? await fitSketch(pool, fit, MATRICES, [K]) : await unscaledSketch(pool, fit, K);
        const all = async (of: Backward) => {
          const out = new Float32Array(of.count * K);
          for (let at = 0; at < of.count; at += ROWS)
            out.set((await project(pool, basis, denseGradients(of, at, at + ROWS))).data, at * K);
          return out;
        };
        const total = Float32Array.of(sum(basis.eigenvalues) / basis.energyKept);
        return [await all(rows), await all(queries), Float32Array.from(basis.eigenvalues), total];
      } finally {
        await pool.close();
      }
    },
  )) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return { rows: rowValues, queries: queryValues, eigenvalues: [...eigenvalues], energy: energy! };
}

/** Its first k columns for queries and rows, whitened with a damping or as they are. */
export const cut = (of: Sketch, k: number, damping?: number): [Matrix, Matrix] => {
  const columns = (data: Float32Array) =>
    firstColumns({ data, shape: [data.length / K, K] }, of.eigenvalues, k, damping);
  return [columns(of.queries), columns(of.rows)];
};

/**
 * Gradients through a sparse random sign matrix with one entry a parameter, [examples, 512] (GraSS' SJLT).
 * @param margin of TRAK's margin in place of the loss: divided by 1 − p
 */
export function countSketch(of: Backward, seed: number, margin = true): Matrix {
  const random = new Random(5000 + seed);
  const columns = Uint16Array.from({ length: PARAMETERS }, () => Math.floor(random.uniform() * K));
  const signs = Int8Array.from({ length: PARAMETERS }, () => (random.uniform() < 0.5 ? -1 : 1));
  const out = new Float32Array(of.count * K);
  for (let i = 0; i < of.count; i++) {
    const scale = margin ? 1 / Math.max(1 - of.sure[i]!, 1e-6) : 1;
    eachEntry(of, i, (index, value) => {
      out[i * K + columns[index]!]! += signs[index]! * value * scale;
    });
  }
  return { data: out, shape: [of.count, K] };
}
