import { evaluate, inverses, power } from "../../circuits/field.ts";
import { mod } from "../../sdk/hash.ts";
import { decodeTotals } from "../../sdk/transcript.ts";
import { TABLE } from "./domain.ts";
import type { Challenges, PlonkProof, PlonkStatement } from "./transcript.ts";

/*
 * EXPERIMENTAL: the relations of docs/experimental-proof.md at a point ζ, where they are linear in the committed
 * polynomials that are not opened there. `contracts/experimental/PlonkVerifier.sol` is the same.
 */

/** What the relations take from the registry and the claimed totals. */
export interface Boundary {
  /** K' = K, and one more where padding is a contributor of its own: the flags there are */
  readonly flagCount: bigint;
  /** x·Σ A_c x^c, which is (1 − x^K')·A(1) */
  readonly totals: bigint;
  /** (1 − z^n)·T(1), but for the value y of the committed polynomials */
  readonly flags: bigint;
}

export function boundary(
  statement: PlonkStatement,
  counts: number[],
  size: number,
  { z, mu, x }: Pick<Challenges, "z" | "mu" | "x">,
): Boundary {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const padded = rows < size;
  return {
    flagCount: BigInt(counts.length + (padded ? 1 : 0)),
    totals: mod(x * evaluate(decodeTotals(statement.totals), x)),
    // C_b has neither the first row's flag nor the end flag.
    flags: mod(mu * (1n + (padded ? power(z, BigInt(rows)) : 0n))),
  };
}

/** D(X) = Σ coefficient·polynomial + constant, zero at ζ. */
export interface Linear {
  readonly flags: bigint;
  readonly multiplicity: bigint;
  readonly lookups: bigint;
  readonly shares: bigint;
  readonly totals: bigint;
  readonly link: bigint;
  readonly quotient: readonly [bigint, bigint];
  readonly constant: bigint;
}

/** Relations (1) to (7), weighted by powers of v, less the quotient times ζ^n − 1. */
export function linearise(
  { z, mu, x, alpha, v, zeta }: Omit<Challenges, "gamma" | "eta">,
  values: PlonkProof["values"],
  combined: bigint,
  size: number,
  edge: Boundary,
): Linear {
  const [low, high, positive, table, nextLookups, nextTotals, nextLink] = values;
  const absolute = mod(low + BigInt(TABLE) * high);
  const fraction = mod((alpha + low) * (alpha + high));
  const zetaN = power(zeta, BigInt(size));
  const first = mod((zetaN - 1n) * inverses([mod(BigInt(size) * (zeta - 1n))])[0]!); // L_0(ζ)
  const [v2, v3, v4] = [mod(v ** 2n), mod(v ** 3n), mod(v ** 4n)];
  const [atTotals, atLink] = [mod(v4 * v * first), mod(v4 * v2 * first)];
  const zN = power(z, BigInt(size));
  return {
    flags: mod(-v3 * (nextTotals + positive) * (x - 1n) - v4 * mu),
    multiplicity: mod(-v2),
    lookups: mod(-v * fraction),
    shares: mod(v * fraction + v2 * (alpha + table)),
    totals: mod(v3 + atTotals * (1n - power(x, edge.flagCount))),
    link: mod(v4 + atLink * (1n - zN)),
    quotient: [mod(1n - zetaN), mod((1n - zetaN) * zetaN)],
    constant: mod(
      positive * (absolute - positive) +
        v * (nextLookups * fraction - 2n * alpha - low - high) -
        v3 * (nextTotals + positive) -
        v4 * (z * nextLink + 2n * positive - absolute) -
        atTotals * edge.totals -
        atLink * (combined + edge.flags),
    ),
  };
}

/** How the three groups of openings, at ζ, ωζ and z, are joined at η: weight_j = Π_{i≠j} (η − p_i), and Π (η − p_i). */
export function joinWeights(points: readonly [bigint, bigint, bigint], eta: bigint) {
  const [a, b, c] = points.map((point) => mod(eta - point)) as [bigint, bigint, bigint];
  return { weights: [mod(b * c), mod(a * c), mod(a * b)] as const, vanishing: mod(mod(a * b) * c) };
}
