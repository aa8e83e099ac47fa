import type { LoraLayout } from "../lora.ts";
import type { Span } from "./blocks.ts";
import type { StoredGradients } from "./gradient-rows.ts";

/** Added to a parameter's mean square, as a share of the mean over its matrix: a parameter that hardly moves is not noise made large. */
const DAMPING = 0.1;

/** Where each matrix of the flat vector stands: A and B of every module. */
export function matrixSpans({ lora: { rank }, modules }: LoraLayout): Span[] {
  return modules.flatMap(({ in: input, out, offset }): Span[] => [
    [offset, offset + rank * input],
    [offset + rank * input, offset + rank * (input + out)],
  ]);
}

/**
 * What each parameter's gradient is multiplied by before rows are compared: 1/√(mean square + a tenth of its matrix's mean), the
 * square root of the inverse diagonal Fisher. Without it the few parameters with the largest gradients decide alone.
 * @param matrices spans of parameters that are damped together; they cover all of them
 * @returns [P]; 0 where no row has a gradient in the whole matrix
 */
export function fitScales(gradients: StoredGradients, matrices: readonly Span[]): Float32Array {
  const [count, width] = gradients.shape;
  const squares = new Float64Array(width);
  gradients.each((gradient) => {
    for (let p = 0; p < width; p++) squares[p]! += gradient[p]! ** 2;
  });
  const scales = new Float32Array(width);
  for (const [from, end] of matrices) {
    const mean = squares.subarray(from, end).reduce((sum, square) => sum + square, 0) / (end - from);
    if (mean === 0) continue;
    for (let p = from; p < end; p++) scales[p] = Math.sqrt(count / (squares[p]! + DAMPING * mean));
  }
  return scales;
}

/** The gradients times their scales, wherever they are kept. */
export function scaledRows(gradients: StoredGradients, scales: Float32Array): StoredGradients {
  const [, width] = gradients.shape;
  return {
    shape: gradients.shape,
    block(from, to, first = 0, last = width, into) {
      const block = gradients.block(from, to, first, last, into);
      const { data } = block;
      for (let i = 0; i < data.length; i += last - first)
        for (let p = first; p < last; p++) data[i + p - first]! *= scales[p]!;
      return block;
    },
    each(use) {
      const scaled = new Float32Array(width);
      gradients.each((gradient) => {
        for (let p = 0; p < width; p++) scaled[p] = gradient[p]! * scales[p]!;
        use(scaled);
      });
    },
  };
}
