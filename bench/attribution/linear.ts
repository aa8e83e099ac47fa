import { Matrix as DenseMatrix, EigenvalueDecomposition } from "ml-matrix";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { heldGradients } from "../../trainer/attribution/gradient-rows.ts";
import { gramComponents } from "../../trainer/attribution/pca.ts";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { NOISE, type SketchBasis } from "../../trainer/attribution/sketch.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { Graph } from "../../trainer/onnx/graph.ts";
import type { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import type { Backward } from "./mlp.ts";
import { sum } from "./statistics.ts";

const sessions = new Map<string, Promise<InferenceSession>>();

/** a·b, either side transposed, on both cores. */
export async function multiply(a: Matrix, b: Matrix, transA = 0, transB = 0): Promise<Matrix> {
  const key = `${transA}${transB}`;
  if (!sessions.has(key)) {
    const graph = new Graph();
    const options = { domain: "com.microsoft", attributes: { transA, transB } };
    graph.output("y", graph.add("FusedMatMul", [graph.input("a"), graph.input("b")], options));
    sessions.set(key, InferenceSession.create(graph.encode(), { intraOpNumThreads: 2, interOpNumThreads: 1 }));
  }
  const session = await sessions.get(key)!;
  const feeds = { a: new Tensor("float32", a.data, a.shape), b: new Tensor("float32", b.data, b.shape) };
  const { y } = await session.run(feeds);
  return { data: y!.data as Float32Array, shape: [a.shape[transA]!, b.shape[1 - transB]!] };
}

/**
 * Inner products [a, b] of the full gradients, from their factors: Σ over layers (x·x' + bias)(δ·δ').
 * @param bias 0 where inputs hold the bias' one already
 */
export async function gradientProducts(a: Backward, b: Backward, bias = 1): Promise<Matrix> {
  const out = new Float32Array(a.count * b.count);
  for (let l = 0; l < a.inputs.length; l++) {
    const matrix = (values: Float32Array, count: number): Matrix => ({
      data: values,
      shape: [count, values.length / count],
    });
    const x = await multiply(matrix(a.inputs[l]!, a.count), matrix(b.inputs[l]!, b.count), 0, 1);
    const d = await multiply(matrix(a.deltas[l]!, a.count), matrix(b.deltas[l]!, b.count), 0, 1);
    for (let i = 0; i < out.length; i++) out[i]! += (x.data[i]! + bias) * d.data[i]!;
  }
  return { data: out, shape: [a.count, b.count] };
}

/** Squared norm of each example's gradient. */
export function squaredNorms({ inputs, deltas, count }: Backward): Float64Array {
  const squares = (values: Float32Array, i: number) => {
    const width = values.length / count;
    return values.subarray(i * width, (i + 1) * width).reduce((sum, v) => sum + v * v, 0);
  };
  return Float64Array.from({ length: count }, (_, i) =>
    inputs.reduce((sum, x, l) => sum + (squares(x, i) + 1) * squares(deltas[l]!, i), 0),
  );
}

/** X with (K + shift)·X = B for symmetric positive K, columns by conjugate gradients. */
export async function solve(k: Matrix, shift: number, b: Matrix, iterations: number): Promise<Matrix> {
  const columns = b.shape[1];
  const x = new Float32Array(b.data.length);
  const residual = Float32Array.from(b.data);
  const direction = Float32Array.from(b.data);
  const dots = (u: Float32Array, v: Float32Array) => {
    const out = new Float64Array(columns);
    for (let i = 0; i < u.length; i++) out[i % columns]! += u[i]! * v[i]!;
    return out;
  };
  let before = dots(residual, residual);
  for (let n = 0; n < iterations; n++) {
    const { data: moved } = await multiply(k, { data: direction, shape: b.shape });
    for (let i = 0; i < moved.length; i++) moved[i]! += shift * direction[i]!;
    const curvature = dots(direction, moved);
    const step = before.map((value, c) => (value < 1e-20 ? 0 : value / curvature[c]!));
    for (let i = 0; i < x.length; i++) {
      x[i]! += step[i % columns]! * direction[i]!;
      residual[i]! -= step[i % columns]! * moved[i]!;
    }
    const after = dots(residual, residual);
    const turn = after.map((value, c) => (before[c]! < 1e-20 ? 0 : value / before[c]!));
    for (let i = 0; i < direction.length; i++) direction[i] = residual[i]! + turn[i % columns]! * direction[i]!;
    before = after;
  }
  return { data: x, shape: b.shape };
}

/** The rows that are wanted. */
export function rowsWhere({ data, shape: [count, width] }: Matrix, wanted: (row: number) => boolean): Matrix {
  const rows = Array.from({ length: count }, (_, i) => i).filter(wanted);
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, n) => {
    out.set(data.subarray(row * width, (row + 1) * width), n * width);
  });
  return { data: out, shape: [rows.length, width] };
}

/** Lines of equal length, one below the other. */
export const tableOf = (lines: readonly ArrayLike<number>[]): Matrix => ({
  data: Float32Array.from(lines.flatMap((line) => Array.from(line))),
  shape: [lines.length, lines[0]!.length],
});

/** One matrix below the other. */
export function stack(a: Matrix, b: Matrix): Matrix {
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { data, shape: [a.shape[0] + b.shape[0], a.shape[1]] };
}

export function transpose({ data, shape: [rows, columns] }: Matrix): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) out[(i % columns) * rows + Math.floor(i / columns)] = data[i]!;
  return { data: out, shape: [columns, rows] };
}

export function trace({ data, shape: [n] }: Matrix): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += data[i * n + i]!;
  return total;
}

/** Matrices side by side. */
export function beside(parts: readonly Matrix[]): Matrix {
  const width = parts.reduce((total, { shape }) => total + shape[1], 0);
  const count = parts[0]!.shape[0];
  const out = new Float32Array(count * width);
  let at = 0;
  for (const { data, shape } of parts) {
    for (let i = 0; i < count; i++) out.set(data.subarray(i * shape[1], (i + 1) * shape[1]), i * width + at);
    at += shape[1];
  }
  return { data: out, shape: [count, width] };
}

/** Eigenvalues of a symmetric matrix in falling order, and their vectors as columns. */
export function eigen({ data, shape: [n] }: Matrix): { values: number[]; vectors: Float32Array } {
  const matrix = DenseMatrix.from1DArray(n, n, Float64Array.from(data));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const vectors = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) vectors[i * n + j] = eigenvectorMatrix.get(i, order[j]!);
  return { values: order.map((i) => Math.max(realEigenvalues[i]!, 0)), vectors };
}

/** As committed: unit length times a weight, rounded. */
export const int8 = (of: Matrix, weights?: ArrayLike<number>): Matrix => ({
  data: Float32Array.from(quantise(of, weights)),
  shape: of.shape,
});

/** Unit rows, times a weight, rounded to `bits`: the sign for 1, else evenly up to the largest entry. */
export function coarse({ data, shape: [count, k] }: Matrix, bits: number, weights?: ArrayLike<number>): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * k, (i + 1) * k);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    const levels = 2 ** (bits - 1) - 1;
    const values = row.map((value) => (bits === 1 ? Math.sign(value) : Math.round((value / largest) * levels)));
    const norm = Math.hypot(...values) || 1;
    out.set(
      values.map((value) => ((weights?.[i] ?? 1) * value) / norm),
      i * k,
    );
  }
  return { data: out, shape: [count, k] };
}

export function unitRows({ data, shape: [count, width] }: Matrix): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const norm = Math.sqrt(sum(row.map((value) => value * value))) || 1;
    out.set(
      row.map((value) => value / norm),
      i * width,
    );
  }
  return { data: out, shape: [count, width] };
}

/** The control: which row is whose, mixed up. */
export function shuffledRows({ data, shape: [count, width] }: Matrix): Matrix {
  const order = new Random(6).shuffle([...Array(count).keys()]);
  return {
    data: data.map((_, i) => data[order[Math.floor(i / width)]! * width + (i % width)]!),
    shape: [count, width],
  };
}

/**
 * The first k columns of sketches.
 * @param damping divides each by the root of its mean square, damped by this share of their mean; as they are unless told
 */
export function firstColumns(
  { data, shape: [count, width] }: Matrix,
  eigenvalues: readonly number[],
  k: number,
  damping?: number,
): Matrix {
  const kept = eigenvalues.slice(0, k);
  const shift = ((damping ?? 0) * sum(kept)) / kept.filter((value) => value > 0).length;
  const factors = kept.map((value) => (damping === undefined ? 1 : 1 / Math.sqrt(value + shift)));
  const out = new Float32Array(count * k);
  for (let i = 0; i < out.length; i++) out[i] = data[Math.floor(i / k) * width + (i % k)]! * factors[i % k]!;
  return { data: out, shape: [count, k] };
}

/** The main directions of gradients as they are, without the scales of fitSketch. */
export async function unscaledSketch(
  pool: Pool,
  gradients: Matrix,
  columns: number,
): Promise<{ basis: SketchBasis; rows: Matrix }> {
  const [count] = gradients.shape;
  const { values, total, along } = await gramComponents(pool, heldGradients(gradients));
  const kept = values.slice(0, columns).filter((value) => value > NOISE * values[0]!);
  const { directions, coordinates } = await along(kept.length, columns);
  const eigenvalues = Array.from({ length: columns }, (_, j) => (kept[j] ?? 0) / count);
  return {
    basis: { basis: directions, k: columns, eigenvalues, energyKept: sum(kept) / total },
    rows: coordinates,
  };
}
