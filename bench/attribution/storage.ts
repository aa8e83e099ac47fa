/**
 * What 512 bytes a row can hold, by the protocol of lds.ts: our sketch with other lengths, curvature, layers and models
 * behind it, and other methods' sketches of the same size. Every row is committed as int8, queries have unit length.
 */
import type { Matrix } from "../../trainer/engine.ts";
import { LENGTHS, type LengthRule, lengthShares } from "./lengths.ts";
import { beside, eigen, gradientProducts, int8, multiply, shuffledRows, solve, trace, transpose } from "./linear.ts";
import { type Backward, evaluate } from "./mlp.ts";
import { countSketch, cut, described, FIT, half, K, openProtocol, sketchOf } from "./protocol.ts";
import { cached, writeBars, writeResult } from "./report.ts";
import { type Estimate, sum } from "./statistics.ts";

const UNIT: LengthRule = "unit length";
const LONG: LengthRule = "length, at most 4 medians";

/** Sketches of queries and rows. */
type Pair = [Matrix, Matrix];

export async function equalStorage(json: boolean): Promise<void> {
  const protocol = await openProtocol();
  if (protocol === undefined) return;
  const { data, test, trained, checkpoints } = protocol;
  const results: Record<string, Estimate> = {};
  const measure = async (name: string, [queries, rows]: Pair, rule: LengthRule) => {
    const scores = await multiply(int8(queries), int8(rows, lengthShares(rule, rows)), 0, 1);
    results[`${name}, ${rule}`] = protocol.lds(scores.data);
    console.log(described(`${name}, ${rule}`, results[`${name}, ${rule}`]!));
    if (!json) return;
    writeResult("storage", { lds: results, whitening: chosen });
    const bars = Object.entries(results).map(([label, { value, interval }]) => ({ label, value, interval }));
    writeBars("storage", "LDS at equal storage, int8 rows", bars);
  };
  const both = async (name: string, pair: Pair) => {
    for (const rule of [UNIT, LONG]) await measure(name, pair, rule);
  };
  const [rows, queries] = [await evaluate(checkpoints.at(-1)!, data), await evaluate(checkpoints.at(-1)!, test)];

  const shipped = await sketchOf(rows, queries);
  const chosen = await tryWhitening(protocol.lds, (damping) => cut(shipped, K, damping));
  for (const k of [256, 512])
    for (const rule of Object.keys(LENGTHS) as LengthRule[]) await measure(`k=${k}`, cut(shipped, k), rule);
  const [q, g] = cut(shipped, K);
  await measure("control: rows shuffled", [q, shuffledRows(g)], LONG);

  const [trakQueries, trakRows] = [countSketch(queries, 0), countSketch(rows, 0)];
  const solved = async (kernel: Matrix, of: Matrix) =>
    transpose(await solve(kernel, 1e-6 * trace(kernel), transpose(of), 300));
  // TRAK scales a row's score by 1 − p, which is a length; here it is part of the committed row.
  const surely = scaled(trakRows, (i) => 1 - rows.sure[i]!);
  await both("TRAK-1", [await solved(await multiply(trakRows, trakRows, 1, 0), trakQueries), surely]);
  const [plainQueries, plainRows] = [countSketch(queries, 0, false), countSketch(rows, 0, false)];
  await both("random projection", [plainQueries, plainRows]);
  const kernel = await multiply(plainRows, plainRows, 1, 0);
  const damped = {
    ...kernel,
    data: kernel.data.map((v, i) => (i % (K + 1) === 0 ? v + (0.1 * trace(kernel)) / K : v)),
  };
  await both("random projection, damped inverse Fisher", [await solved(damped, plainQueries), plainRows]);

  await both("not scaled", await pca("unscaled", rows, queries));
  for (const layers of [[0], [1, 2]])
    await both(
      `layers ${layers.map((l) => l + 1)}`,
      await pca(`layers-${layers}`, pick(rows, layers), pick(queries, layers)),
    );
  for (const damping of [0.01, 1]) {
    const whiten = await kroneckerWhitening(rows, damping);
    const [r, s] = [await whiten(rows), await whiten(queries)];
    await both(`K-FAC before the PCA, damping ${damping}`, await pca(`kfac-${damping}`, r, s, 0));
  }

  const parts: Pair[] = [];
  for (const epoch of [9, 7, 5, 3]) {
    const [a, b] = [await evaluate(checkpoints[epoch]!, data), await evaluate(checkpoints[epoch]!, test)];
    parts.push(await pca(`checkpoint-${epoch}`, a, b));
  }
  for (const count of [2, 4])
    await both(`${count} checkpoints of one run, ${K / count} columns each`, side(parts, count));
  const models: Pair[] = [];
  for (let model = 0; model < 4; model++) {
    const [weights] = await trained(`trak-${model}`, half(3000 + model), 4000 + model);
    models.push(await pca(`model-${model}`, await evaluate(weights!, data), await evaluate(weights!, test)));
  }
  for (const count of [1, 2, 4])
    await both(`${count} models of half the rows, ${K / count} columns each`, side(models, count));
  await both("4 models of half the rows, 512 columns each (four times the bytes)", side(models, 4, K));
}

/** The sketch as it is and whitened: which is best on every other test image, and what it gives on the others. */
async function tryWhitening(
  lds: (scores: ArrayLike<number>, of: (test: number) => boolean) => Estimate,
  sketch: (damping: number | undefined) => Pair,
) {
  const tried: { damping: number | "not whitened"; chosenBy: Estimate; heldOut: Estimate }[] = [];
  for (const damping of [undefined, 10, 1, 0.1, 0.01]) {
    const [q, g] = sketch(damping);
    const { data } = await multiply(int8(q), int8(g), 0, 1);
    const [chosenBy, heldOut] = [0, 1].map((odd) => lds(data, (t) => t % 2 === odd)) as [Estimate, Estimate];
    tried.push({ damping: damping ?? "not whitened", chosenBy, heldOut });
  }
  return { tried, best: tried.toSorted((a, b) => b.chosenBy.value - a.chosenBy.value)[0]!.damping };
}

/**
 * The main directions of gradients that are not scaled, k = 512, from the gradients' factors in place of dense gradients (a tenth of
 * the time).
 */
async function pca(name: string, rows: Backward, queries: Backward, bias = 1): Promise<Pair> {
  const [q, g] = await cached(`storage-${name}`, async () => {
    const fit = first(rows, FIT);
    const { values, vectors } = eigen(await gradientProducts(fit, fit, bias));
    const columns = new Float32Array(FIT * K);
    for (let i = 0; i < FIT; i++)
      for (let j = 0; j < K; j++) {
        if (values[j]! <= 1e-6 * values[0]!) continue;
        columns[i * K + j] = vectors[i * FIT + j]! / Math.sqrt(values[j]!);
      }
    const basis: Matrix = { data: columns, shape: [FIT, K] };
    const sketch = async (of: Backward) => (await multiply(await gradientProducts(of, fit, bias), basis)).data;
    return [await sketch(queries), await sketch(rows)];
  });
  return [
    { data: q!, shape: [queries.count, K] },
    { data: g!, shape: [rows.count, K] },
  ];
}

/** Inputs and output gradients of every layer times the inverse fourth root of (A + damping)(S + damping), K-FAC's two factors: half of the whitening. */
async function kroneckerWhitening(rows: Backward, damping: number): Promise<(of: Backward) => Promise<Backward>> {
  const root = async (values: Matrix): Promise<Matrix> => {
    const moments = await multiply(values, values, 1, 0);
    const n = moments.shape[0];
    const { values: spectrum, vectors } = eigen({ ...moments, data: moments.data.map((v) => v / values.shape[0]) });
    const shift = Math.sqrt(damping) * (sum(spectrum) / n);
    const columns = vectors.map((v, i) => v / Math.sqrt(spectrum[i % n]! + shift));
    return { data: columns, shape: [n, n] };
  };
  const roots: [Matrix, Matrix][] = [];
  for (let l = 0; l < rows.inputs.length; l++)
    roots.push([await root(withOne(rows.inputs[l]!, rows.count)), await root(matrix(rows.deltas[l]!, rows.count))]);
  return async (of) => {
    const inputs: Float32Array[] = [];
    const deltas: Float32Array[] = [];
    for (const [l, [a, s]] of roots.entries()) {
      inputs.push((await multiply(withOne(of.inputs[l]!, of.count), a)).data);
      deltas.push((await multiply(matrix(of.deltas[l]!, of.count), s)).data);
    }
    return { ...of, inputs, deltas };
  };
}

const matrix = (data: Float32Array, count: number): Matrix => ({ data, shape: [count, data.length / count] });
const withOne = (data: Float32Array, count: number): Matrix =>
  beside([matrix(data, count), matrix(new Float32Array(count).fill(1), count)]);

const pick = (of: Backward, layers: number[]): Backward => ({
  ...of,
  inputs: layers.map((l) => of.inputs[l]!),
  deltas: layers.map((l) => of.deltas[l]!),
});

function first(of: Backward, count: number): Backward {
  const cut = (values: Float32Array) => values.slice(0, (values.length / of.count) * count);
  return { ...of, count, inputs: of.inputs.map(cut), deltas: of.deltas.map(cut) };
}

/** The first columns of each part beside each other, so that their scores add up. */
function side(parts: readonly Pair[], count: number, columns = K / count): Pair {
  const narrow = ({ data, shape: [rows, width] }: Matrix): Matrix => {
    const out = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) out.set(data.subarray(i * width, i * width + columns), i * columns);
    return { data: out, shape: [rows, columns] };
  };
  return [0, 1].map((of) => beside(parts.slice(0, count).map((pair) => narrow(pair[of]!)))) as Pair;
}

function scaled({ data, shape }: Matrix, by: (row: number) => number): Matrix {
  return { data: data.map((value, i) => value * by(Math.floor(i / shape[1]))), shape };
}
