/**
 * Linear datamodeling score by dattri's MNIST-MLP protocol on Fashion-MNIST: `npm run bench:attribution -- --json`.
 * What the half-subsets' loss on each test image is, against what each method's summed scores say it should be.
 */

import { Random } from "../../trainer/random.ts";
import { coarse, gradientProducts, int8, multiply, solve, squaredNorms, trace, transpose } from "./linear.ts";
import { evaluate, PARAMETERS } from "./mlp.ts";
import { countSketch, cut, described, FIT, half, K, openProtocol, SUBSETS, sketchOf, TEST, TRAIN } from "./protocol.ts";
import { progress, writeBars, writeResult } from "./report.ts";
import { type Estimate, sum } from "./statistics.ts";

export async function linearDatamodeling(json: boolean): Promise<void> {
  const protocol = await openProtocol();
  if (protocol === undefined) return;
  const { data, test, trained, checkpoints } = protocol;
  const results: Record<string, Estimate> = {};
  const energies: Record<string, number> = {};
  /** @param scores [tests, rows] */
  const measure = (name: string, scores: { data: ArrayLike<number> }) => {
    const estimate = (results[name] = protocol.lds(scores.data));
    if (json) save(results, energies);
    console.log(described(name, estimate));
  };

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

  const sketches = await sketchOf(rows, queries);
  for (const k of [32, 64, 128, 256, 512]) {
    energies[k] = Number((sum(sketches.eigenvalues.slice(0, k)) / sketches.energy).toFixed(4));
    const [q, g] = cut(sketches, k);
    measure(`int8 sketch k=${k} (shipped)`, await multiply(int8(q), int8(g), 0, 1));
    measure(`float sketch k=${k}, rows keep their length`, await multiply(q, g, 0, 1));
  }
  for (const bits of [4, 1]) {
    const [q, g] = cut(sketches, 256);
    measure(`${bits}-bit rows k=256`, await multiply(int8(q), coarse(g, bits), 0, 1));
  }
  for (const damping of [10, 1, 0.1]) {
    const [q, g] = cut(sketches, 256, damping);
    measure(`int8 sketch k=256, whitened, damping ${damping}`, await multiply(int8(q), int8(g), 0, 1));
  }
  const unscaled = await sketchOf(rows, queries, false);
  for (const k of [256, 512])
    for (const damping of [undefined, 0.1]) {
      const [q, g] = cut(unscaled, k, damping);
      const name = damping === undefined ? "" : `, whitened, damping ${damping}`;
      measure(`int8 sketch k=${k}, not scaled${name}`, await multiply(int8(q), int8(g), 0, 1));
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
  const mean = (energyOf: number) => (sum(unscaled.eigenvalues.slice(0, energyOf)) / energyOf) * TRAIN;
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

function shuffledColumns(scores: Float32Array): Float32Array {
  const order = new Random(6).shuffle([...Array(TRAIN).keys()]);
  return scores.map((_, i) => scores[i - (i % TRAIN) + order[i % TRAIN]!]!);
}
