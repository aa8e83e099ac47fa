import { floorUnits, KAPPA0_BPS, quantise } from "../../sdk/epoch.ts";
import { scoreRows } from "../../sdk/scores.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
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
  const [total, baseTotal] = [sum(scored), sum(base)];
  const divisor = Math.max(total, kappa0 * allFees);
  return {
    shares: scored.map((own, c) => own / divisor + ((1 - total / divisor) * base[c]!) / baseTotal),
    kappa: total / allFees,
  };
}
