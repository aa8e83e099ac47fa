import { power } from "../circuits/field.ts";
import type { Srs } from "../circuits/setup/srs.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type G1, mod } from "../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../sdk/merkle.ts";
import { foldRows, type RegistrationChallenges, rowLengths, runningSums, sumLeaves } from "../sdk/transcript.ts";
import { contributorStarts } from "./counts.ts";
import { checkOpening, open } from "./kzg.ts";

/**
 * W, which shows at registration that C_b marks exactly the contributors' first rows: it opens the flag polynomial
 * at ζ to acc = Σ_{c=1}^{K-1} ζ^start_c, a number that the contract computes from the frozen counts itself.
 */
export async function proveOwnership(counts: number[], flags: G1, zeta: bigint, srs: Srs): Promise<G1> {
  const first = contributorStarts(counts).slice(1);
  const coefficients = Array<bigint>((first.at(-1) ?? 0) + 1).fill(0n);
  for (const row of first) coefficients[row] = 1n;
  const { w } = await open(coefficients, zeta, srs);
  if (!(await checkOwnership(counts, flags, zeta, w, srs))) {
    throw new OpenLedgerError(
      "OWNERSHIP_FLAGS",
      "flags is not the commitment of these counts. Commit the flags from the counts of the frozen versions.",
    );
  }
  return w;
}

/**
 * What shows at registration that the columns commit the rows under gRoot, and that base weights are their lengths, once
 * nobody finds a wrong sum.
 */
export type Sums = { root: string; total: bigint; proof: string[]; opening: G1 };

/**
 * The sums P_0 … P_N and lengths N_0 … N_N over the rows, and the opening of Σ_j γ^j·C_j at ζ to P_N.
 * @param sketches N×k, row-major
 */
export async function proveSums(
  sketches: Int8Array,
  k: number,
  { zeta, gamma }: RegistrationChallenges,
  srs: Srs,
): Promise<Sums> {
  const folded = foldRows(sketches, k, gamma);
  const leaves = sumLeaves(runningSums(folded, rowLengths(sketches, k), zeta));
  const { y, w } = await open(folded, zeta, srs);
  return { root: merkleRoot(leaves), total: y, proof: merkleProof(leaves, folded.length), opening: w };
}

/** Whether e(C_b - acc·G1 + ζ·W, G2) · e(-W, τG2) = 1. */
export function checkOwnership(counts: number[], flags: G1, zeta: bigint, w: G1, srs: Srs): Promise<boolean> {
  const first = contributorStarts(counts).slice(1);
  const y = mod(first.reduce((sum, row) => sum + power(zeta, BigInt(row)), 0n));
  return checkOpening(flags, zeta, { y, w }, srs);
}
