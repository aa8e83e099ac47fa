import { Bn254 } from "../../circuits/bn254.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { BASE_FIELD, FIELD, type G1, mod } from "../../sdk/hash.ts";
import { linearCombination } from "../kzg.ts";
import { type Domain, powersOf } from "./domain.ts";
import { boundary, joinWeights, linearise } from "./relations.ts";
import {
  type Challenges,
  drawChallenges,
  type PlonkProof,
  type PlonkStatement,
  TRANSCRIPT,
  type Transcript,
} from "./transcript.ts";

/** EXPERIMENTAL: what the chain knows about a settlement, besides the proof. */
export interface PlonkClaim {
  readonly statement: PlonkStatement;
  /** n_c, in contributor order */
  readonly counts: number[];
  /** C_b */
  readonly flags: G1;
  readonly domain: Domain;
}

/**
 * Checks a proof as the contract does.
 * @throws OpenLedgerError `PLONK_SHAPE` for sizes and values that are not canonical, `PLONK_POINT` for a point off the
 *   curve, `PLONK_PROOF` if the pairing fails.
 */
export async function checkTotals(
  claim: PlonkClaim,
  proof: PlonkProof,
  transcript: Transcript = TRANSCRIPT,
): Promise<void> {
  const { statement, counts, domain } = claim;
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const scalars = [proof.combined, ...proof.values];
  if (
    rows > domain.size ||
    statement.totals.length !== 8 * counts.length ||
    scalars.some((value) => value < 0n || value >= FIELD)
  )
    throw new OpenLedgerError(
      "PLONK_SHAPE",
      `The proof must be for at most ${domain.size} rows, with ${counts.length} totals and values below r. ` +
        "Build it again from the committed sketches.",
    );
  await requirePoints([...proof.columns, ...proof.sums, ...proof.quotient, ...proof.openings]);
  const challenges = drawChallenges(statement, proof, transcript);
  const bn254 = await Bn254.load();
  const { curve } = bn254;
  const [, last] = proof.openings;
  const left = await linearCombination([await joinOpenings(claim, proof, challenges), last], [1n, challenges.eta]);
  const holds = await curve.pairingEq(
    bn254.rawG1(left),
    curve.G2.gAffine,
    curve.G1.neg(bn254.rawG1(last)),
    bn254.rawG2(domain.srs.tauG2),
  );
  if (!holds)
    throw new OpenLedgerError(
      "PLONK_PROOF",
      "The proof does not hold: totals, rows or openings are not those of the commitment. " +
        "Prove again from the committed sketches.",
    );
}

/** L, the commitment of a polynomial that vanishes at η: all openings at ζ, ωζ and z, less W times Π (η − p). */
export function joinOpenings(
  { statement, counts, flags, domain }: PlonkClaim,
  proof: PlonkProof,
  challenges: Challenges,
): Promise<G1> {
  const { z, mu, zeta, gamma, eta } = challenges;
  const { values, combined } = proof;
  const edge = boundary(statement, counts, domain.size, challenges);
  const linear = linearise(challenges, values, combined, domain.size, edge);
  const { weights, vanishing } = joinWeights([zeta, mod(zeta * domain.omega), z], eta);
  const [atZeta, atNext, atZ] = weights;
  const gammas = powersOf(gamma, 5);
  const opened = gammas.slice(1).reduce((sum, factor, i) => sum + factor * values[i]!, -linear.constant);
  const openedNext = values.slice(4).reduce((sum, value, i) => sum + gammas[i]! * value, 0n);
  const [low, high, positive, flagRows, multiplicity] = proof.columns;
  const [lookups, shares, totals, link] = proof.sums;
  const terms: [G1, bigint][] = [
    [low, atZeta * gammas[1]!],
    [high, atZeta * gammas[2]!],
    [positive, atZeta * gammas[3]!],
    [domain.table, atZeta * gammas[4]!],
    [flagRows, atZeta * linear.flags],
    [multiplicity, atZeta * linear.multiplicity],
    [shares, atZeta * linear.shares],
    [proof.quotient[0], atZeta * linear.quotient[0]],
    [proof.quotient[1], atZeta * linear.quotient[1]],
    [lookups, atZeta * linear.lookups + atNext],
    [totals, atZeta * linear.totals + atNext * gamma],
    [link, atZeta * linear.link + atNext * gammas[2]!],
    [statement.scoreCommitment, atZ],
    [flags, atZ * mu],
    [[1n, 2n], -(atZeta * opened + atNext * openedNext + atZ * combined)],
    [proof.openings[0], -vanishing],
  ];
  return linearCombination(
    terms.map(([point]) => point),
    terms.map(([, scalar]) => scalar),
  );
}

/** Coordinates below p that are on the curve, or infinity: what the precompiles take. */
async function requirePoints(points: readonly G1[]): Promise<void> {
  const { curve } = await Bn254.load();
  const bad = points.findIndex(
    ([x, y]) =>
      x < 0n ||
      y < 0n ||
      x >= BASE_FIELD ||
      y >= BASE_FIELD ||
      ((x !== 0n || y !== 0n) && !curve.G1.isValid(curve.G1.fromObject([x, y]))),
  );
  if (bad >= 0)
    throw new OpenLedgerError("PLONK_POINT", `Point ${bad} of the proof is not on the curve. Take it from the prover.`);
}
