import type { Span } from "../../trainer/attribution/blocks.ts";
import { heldGradients } from "../../trainer/attribution/gradient-rows.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { multiply } from "./linear.ts";
import { sum } from "./statistics.ts";

/** λ of a matrix, as a share of the mean square of its rows' gradient entries. */
const DAMPING = 0.1;

/**
 * DataInf (Kwon, Wu, Wu, Zou, ICLR 2024): how far each row lowers each query's loss, [queries, rows]. For each matrix of the adapter by itself the
 * inverse of the damped mean of g·gᵀ is taken to be the mean of the inverses, which is closed:
 * (1/n)·Σᵢ (v − (gᵢ·v) / (λ + |gᵢ|²)·gᵢ) / λ.
 */
export async function dataInf(queries: Matrix, rows: Matrix, matrices: readonly Span[]): Promise<Matrix> {
  const [count] = rows.shape;
  const out: Matrix = { data: new Float32Array(queries.shape[0] * count), shape: [queries.shape[0], count] };
  for (const [from, end] of matrices) {
    const [v, g] = [queries, rows].map((of) => heldGradients(of).block(0, of.shape[0], from, end)) as [Matrix, Matrix];
    const gram = (await multiply(g, g, 0, 1)).data;
    const squares = Float64Array.from({ length: count }, (_, i) => gram[i * count + i]!);
    const damping = (DAMPING * sum(squares)) / (count * (end - from));
    if (damping === 0) continue;
    const products = await multiply(v, g, 0, 1);
    const shares = products.data.map((product, i) => product / (count * (damping + squares[i % count]!)));
    const taken = await multiply({ ...products, data: shares }, { data: gram, shape: [count, count] });
    for (let i = 0; i < out.data.length; i++) out.data[i]! += (products.data[i]! - taken.data[i]!) / damping;
  }
  return out;
}
