import type { Matrix } from "../../trainer/engine.ts";
import type { LoraLayout } from "../../trainer/lora.ts";
import { eigen } from "./linear.ts";
import { sum } from "./statistics.ts";

/** One matrix of the flat layout. */
interface Block {
  offset: number;
  rows: number;
  columns: number;
}

/** Rotations of a block from both sides, and what each rotated entry is multiplied by. */
interface Whitening extends Block {
  left: Float32Array;
  right: Float32Array;
  factors: Float64Array;
}

/**
 * EK-FAC for the matrices of an adapter, from its per-row gradients: each is turned into the eigenvectors of E[G·Gᵀ] and
 * E[Gᵀ·G], and each entry divided by the root of its mean square there. What is left for the PCA is nearly white.
 * @param damping added to the mean squares, as a share of the matrix's own mean
 */
export function fitWhitening({ lora: { rank }, modules }: LoraLayout, gradients: Matrix, damping: number): Whitening[] {
  const blocks = modules.flatMap(({ in: input, out, offset }): Block[] => [
    { offset, rows: rank, columns: input },
    { offset: offset + rank * input, rows: out, columns: rank },
  ]);
  const [count, width] = gradients.shape;
  return blocks.map((block) => {
    const { rows, columns, offset } = block;
    const [left, right] = [new Float32Array(rows * rows), new Float32Array(columns * columns)];
    const each = (use: (g: Float32Array) => void) => {
      for (let i = 0; i < count; i++)
        use(gradients.data.subarray(i * width + offset, i * width + offset + rows * columns));
    };
    each((g) => {
      for (let r = 0; r < rows; r++)
        for (let s = 0; s < rows; s++)
          for (let c = 0; c < columns; c++) left[r * rows + s]! += g[r * columns + c]! * g[s * columns + c]!;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          for (let d = 0; d < columns; d++) right[c * columns + d]! += g[r * columns + c]! * g[r * columns + d]!;
    });
    const turned = {
      ...block,
      left: eigen({ data: left, shape: [rows, rows] }).vectors,
      right: eigen({ data: right, shape: [columns, columns] }).vectors,
    };
    const squares = new Float64Array(rows * columns);
    each((g) => {
      for (const [p, value] of turn(turned, g).entries()) squares[p]! += (value * value) / count;
    });
    const shift = (damping * sum(squares)) / squares.length;
    return { ...turned, factors: squares.map((square) => 1 / Math.sqrt(square + shift)) };
  });
}

export function whiten(blocks: readonly Whitening[], { data, shape: [count, width] }: Matrix): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < count; i++)
    for (const block of blocks) {
      const at = i * width + block.offset;
      const turned = turn(block, data.subarray(at, at + block.rows * block.columns));
      for (let p = 0; p < turned.length; p++) out[at + p] = turned[p]! * block.factors[p]!;
    }
  return { data: out, shape: [count, width] };
}

/** Leftᵀ·G·Right */
function turn({ rows, columns, left, right }: Omit<Whitening, "factors">, g: Float32Array): Float64Array {
  const half = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let s = 0; s < rows; s++) {
      const weight = left[r * rows + s]!;
      for (let c = 0; c < columns; c++) half[s * columns + c]! += weight * g[r * columns + c]!;
    }
  const out = new Float64Array(rows * columns);
  for (let s = 0; s < rows; s++)
    for (let c = 0; c < columns; c++) {
      const value = half[s * columns + c]!;
      for (let d = 0; d < columns; d++) out[s * columns + d]! += value * right[c * columns + d]!;
    }
  return out;
}
