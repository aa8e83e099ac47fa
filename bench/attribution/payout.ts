import { floorUnits, KAPPA0_BPS, quantise } from "../../sdk/epoch.ts";
import { scoreRows } from "../../sdk/scores.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { sum } from "./statistics.ts";

/** What an epoch is paid by: int8 rows and queries as the protocol has them. */
export interface Epoch {
  rows: Int8Array;
  /** 0 … contributors − 1 */
  owners: readonly number[];
  contributors: number;
  m0: number;
  queries: readonly Int8Array[];
  /** In units of 10⁻¹⁸. */
  fees: readonly bigint[];
}

/** A_c of each contributor under the epoch's Q, and Q's divisor d. */
export function totals({ rows, owners, contributors, m0, queries, fees }: Epoch): { totals: number[]; d: bigint } {
  const k = queries[0]!.length;
  const v = Array<bigint>(k).fill(0n);
  for (const [t, query] of queries.entries()) {
    const weight = queryWeight(fees[t]!, movement({ rows, k }, query), m0);
    for (let j = 0; j < k; j++) v[j]! += weight * BigInt(query[j]!);
  }
  const { q, d } = quantise(v);
  const scored = Array<number>(contributors).fill(0);
  scoreRows(rows, q).forEach((score, i) => {
    scored[owners[i]!]! += Math.max(score, 0);
  });
  return { totals: scored, d };
}

/** Each contributor's part of the pot, for a floor of κ0 times the fees, and κ = ΣA / F. */
export function payShares(epoch: Epoch, base: readonly number[], kappa0: number): { shares: number[]; kappa: number } {
  const { totals: scored, d } = totals(epoch);
  const fees = epoch.fees.reduce((a, b) => a + b, 0n);
  const allFees = Number(floorUnits(fees, d)) / (Number(KAPPA0_BPS) / 10_000);
  return { shares: sharesOf(scored, allFees, base, kappa0), kappa: sum(scored) / allFees };
}

/** The same from each one's score; fees in units of score. */
export function sharesOf(scored: readonly number[], fees: number, base: readonly number[], kappa0: number): number[] {
  const [total, baseTotal] = [sum(scored), sum(base)];
  const divisor = Math.max(total, kappa0 * fees);
  return scored.map((own, c) => own / divisor + ((1 - total / divisor) * base[c]!) / baseTotal);
}

/**
 * Score of each row, netted over the queries, for equal fees of 1.
 * @param scores [queries, rows]
 * @param queries which of them, all unless told
 * @param m0 least movement; without it each query moves the scores by one unit in all
 */
export function net(scores: Matrix, queries: Iterable<number> = Array(scores.shape[0]).keys(), m0 = 0): Float64Array {
  const [, count] = scores.shape;
  const out = new Float64Array(count);
  const moves = movements(scores);
  for (const t of queries) {
    const weight = 1 / (Math.max(moves[t]!, m0) || 1);
    for (let i = 0; i < count; i++) out[i]! += scores.data[t * count + i]! * weight;
  }
  return out;
}

/** A_c and κ in real arithmetic: net scores, clipped row by row. */
export function netted(
  { owners, contributors }: { owners: readonly number[]; contributors: { length: number } },
  scores: Matrix,
  queries: readonly number[],
  m0 = 0,
): { totals: number[]; kappa: number } {
  const totals = Array<number>(contributors.length).fill(0);
  net(scores, queries, m0).forEach((score, i) => {
    totals[owners[i]!]! += Math.max(score, 0);
  });
  return { totals, kappa: sum(totals) / queries.length };
}

/** How much each query moves all rows together, for scores [queries, rows]. */
export const movements = ({ data, shape: [queries, count] }: Matrix): Float64Array =>
  Float64Array.from({ length: queries }, (_, t) => sum(data.subarray(t * count, (t + 1) * count).map(Math.abs)));

/** How a query is weighed: f / max(L, m0) as shipped, f / L, or f / m0 whatever it moves. */
export type Weighing = "f/max(L, m0)" | "f/L" | "f";

/** An epoch as somebody sees it who is about to buy a query: in real arithmetic, honest fees adding up to 1. */
export interface Market {
  rows: Matrix;
  /** Which rows are the buyer's. */
  own: readonly boolean[];
  /** Σ ω_t·G·q_t of the honest queries. */
  scores: Float64Array;
  m0: number;
  /** The buyer's part of what is paid by base weight. */
  base: number;
  /** 0: no floor, everything is shared by score. */
  kappa0: number;
  weighing: Weighing;
}

/** Data pot, as a part of the fees. */
export const POT = 0.5;

/** G·q */
export function moved({ data, shape: [count, k] }: Matrix, q: ArrayLike<number>): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let dot = 0;
    for (let j = 0; j < k; j++) dot += data[i * k + j]! * q[j]!;
    out[i] = dot;
  }
  return out;
}

/** ω for a query that moves the rows so. */
export function weightOf(fee: number, moved: Float64Array, m0: number, weighing: Weighing): number {
  const length = sum(moved.map(Math.abs));
  return fee / (weighing === "f" ? m0 : weighing === "f/L" ? Math.max(length, 1e-300) : Math.max(length, m0));
}

/** What the buyer draws from the pot, and its slope in the scores. */
function draw({ own, base, kappa0 }: Market, scores: Float64Array, fees: number): { pay: number; slope: Float64Array } {
  let [mine, total] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! <= 0) continue;
    total += scores[i]!;
    if (own[i]) mine += scores[i]!;
  }
  const floored = total < kappa0 * fees;
  const divisor = floored ? kappa0 * fees : Math.max(total, 1e-300);
  const others = floored ? base : mine / divisor;
  const slope = scores.map((score, i) => (score <= 0 ? 0 : (POT * fees * ((own[i] ? 1 : 0) - others)) / divisor));
  return { pay: POT * fees * (mine / divisor + (1 - total / divisor) * base), slope };
}

/** Extra pay per unit of fee for a bought query of unit length, and its slope in the query. */
export function extraPay(market: Market, fee: number, q: Float64Array): { value: number; slope: Float64Array } {
  const { rows, scores, m0, weighing } = market;
  const [count, k] = rows.shape;
  const move = moved(rows, q);
  const length = sum(move.map(Math.abs));
  const weight = weightOf(fee, move, m0, weighing);
  const after = draw(
    market,
    scores.map((score, i) => score + weight * move[i]!),
    1 + fee,
  );
  const fixed = weighing === "f" || (weighing === "f/max(L, m0)" && length < m0);
  let along = 0;
  if (!fixed) for (let i = 0; i < count; i++) along += (after.slope[i]! * move[i]! * weight) / length;
  const slope = new Float64Array(k);
  for (let i = 0; i < count; i++) {
    const through = (weight * after.slope[i]! - along * Math.sign(move[i]!)) / fee;
    if (through !== 0) for (let j = 0; j < k; j++) slope[j]! += through * rows.data[i * k + j]!;
  }
  return { value: (after.pay - draw(market, scores, 1).pay) / fee, slope };
}

/** The most that ascent from these starts finds: at most what the worst query returns. */
export function worstPurchase(market: Market, fee: number, starts: readonly Float64Array[], steps = 60): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const start of starts) {
    let q = unit(start);
    let [now, step] = [extraPay(market, fee, q), 0.5];
    for (let n = 0; n < steps && step > 1e-4; n++) {
      const inward = q.reduce((total, value, j) => total + value * now.slope[j]!, 0);
      const direction = unit(now.slope.map((value, j) => value - inward * q[j]!));
      const tried = unit(q.map((value, j) => value + step * direction[j]!));
      const next = extraPay(market, fee, tried);
      if (next.value > now.value) [q, now, step] = [tried, next, 1.3 * step];
      else step /= 2;
    }
    best = Math.max(best, now.value);
  }
  return best;
}

export function unit(values: Float64Array): Float64Array {
  const norm = Math.hypot(...values) || 1;
  return values.map((value) => value / norm);
}
