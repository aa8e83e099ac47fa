import type { Matrix } from "../engine.ts";

/** Rows at least this similar are one cluster. */
const SAME = 0.95;
/** Rows of a cluster that count. */
const COUNTED = 8;

export interface DuplicateWeights {
  /** w_i of each row: 1/min(n, 8) for the first 8 of a cluster of n, else 0. */
  weights: Float64Array;
  /** The row that leads each row's cluster; −1 for exact copies and rows without a sketch. */
  leaders: Int32Array;
}

/**
 * The duplicate rule (method version 1), so that copying rows does not raise pay. One pass in row order: a row joins the
 * first leader whose sketch has cosine ≥ 0.95 with its own, else it leads. Exact copies (same row hash) after the first,
 * and rows whose sketch is zero, weigh nothing and are not counted.
 * @param sketches [N, k], any norm
 */
export function duplicateWeights({ data, shape: [count, k] }: Matrix, rowHashes: readonly string[]): DuplicateWeights {
  const leaders = new Int32Array(count).fill(-1);
  const clusters = new Map<number, number[]>();
  const norms = Float64Array.from({ length: count }, (_, i) => Math.hypot(...data.subarray(i * k, (i + 1) * k)));
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    if (norms[i] === 0 || seen.has(rowHashes[i]!)) continue;
    seen.add(rowHashes[i]!);
    const own = data.subarray(i * k, (i + 1) * k);
    let leader = i;
    for (const candidate of clusters.keys()) {
      let dot = 0;
      for (let j = 0; j < k; j++) dot += own[j]! * data[candidate * k + j]!;
      if (dot >= SAME * norms[i]! * norms[candidate]!) {
        leader = candidate;
        break;
      }
    }
    leaders[i] = leader;
    clusters.set(leader, [...(clusters.get(leader) ?? []), i]);
  }
  const weights = new Float64Array(count);
  for (const rows of clusters.values()) {
    for (const row of rows.slice(0, COUNTED)) weights[row] = 1 / Math.min(rows.length, COUNTED);
  }
  return { weights, leaders };
}
