import { power } from "../../circuits/field.ts";
import { joinOpenings, type PlonkClaim } from "../../prover/experimental/check.ts";
import type { Domain } from "../../prover/experimental/domain.ts";
import { assembleProof } from "../../prover/experimental/prove.ts";
import { boundary, joinWeights, linearise } from "../../prover/experimental/relations.ts";
import {
  drawChallenges,
  type PlonkProof,
  type PlonkStatement,
  TRANSCRIPT,
  type Transcript,
} from "../../prover/experimental/transcript.ts";
import { buildColumns, type Witness } from "../../prover/experimental/witness.ts";
import { combineColumns, linearCombination } from "../../prover/kzg.ts";
import type { Committed } from "../../prover/settlement.ts";
import { BASE_FIELD, FIELD, type G1, mod } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { encodeTotals, starts } from "../../sdk/transcript.ts";

/** A commitment with a query on it; sketches may have more rows than the counts add up to. */
export interface Subject {
  readonly committed: Committed;
  readonly query: Int8Array;
  readonly context: Omit<PlonkStatement, "q" | "scoreCommitment" | "totals">;
  readonly domain: Domain;
}

export interface Forged {
  readonly name: string;
  readonly statement: PlonkStatement;
  readonly proof: PlonkProof;
  /** a transcript under which the forgery passes */
  readonly weak?: Transcript;
}

export const claimOf = ({ committed, domain }: Subject, statement: PlonkStatement): PlonkClaim => ({
  statement,
  counts: committed.counts,
  flags: committed.flags,
  domain,
});

/** What is true of the counted rows, as far as there is a witness for it. */
export function truth({ committed, query, domain }: Subject) {
  const { counts, sketches } = committed;
  const scores = scoreRows(sketches, query);
  const counted = scores.slice(
    0,
    counts.reduce((sum, count) => sum + count, 0),
  );
  const clipped = counted.map((score) => Math.max(-65_535, Math.min(score, 65_535)));
  return { scores, totals: totalsOf(counted, counts), witness: buildColumns(clipped, counts, domain.size) };
}

/**
 * A proof by somebody who does not check himself: of whatever columns and totals he puts in, all that follows derived
 * as it should be.
 */
export async function forge(
  subject: Subject,
  cheat: { totals?: bigint[]; witness?: Witness } = {},
  transcript: Transcript = TRANSCRIPT,
) {
  const { committed, query, context, domain } = subject;
  const { scores, totals, witness } = { ...truth(subject), ...cheat };
  const statement: PlonkStatement = {
    ...context,
    q: query,
    scoreCommitment: await combineColumns(committed.columns, query),
    totals: encodeTotals(totals),
  };
  const { proof, error } = await assembleProof(
    { statement, counts: committed.counts, scores, witness },
    domain,
    transcript,
  );
  return { statement, proof, error };
}

/** The witness with some entries of some columns changed, multiplicities counted again for limbs that the table has. */
export function changed(witness: Witness, change: Partial<Record<keyof Witness, Record<number, bigint>>>): Witness {
  const columns = Object.fromEntries(
    Object.entries(witness).map(([name, column]) => {
      const entries = change[name as keyof Witness] ?? {};
      return [name, column.map((value: bigint, i: number) => mod(entries[i] ?? value))];
    }),
  ) as Record<keyof Witness, bigint[]>;
  if (change.multiplicity) return columns;
  const multiplicity = columns.multiplicity.map(() => 0n);
  for (const limb of [...columns.low, ...columns.high]) if (limb < 256n) multiplicity[Number(limb)]! += 1n;
  return { ...columns, multiplicity };
}

/** First row above `from` with a score of the sign. */
const rowOf = (scores: Int32Array, sign: 1 | -1, from = 0): number =>
  scores.findIndex((score, i) => i >= from && score * sign > 0);

/** Forgeries of totals and columns, everything after them derived honestly. */
export async function* columnForgeries(subject: Subject): AsyncGenerator<Forged> {
  const { scores, totals, witness } = truth(subject);
  const { counts } = subject.committed;
  const shifted = totals.with(0, totals[0]! + 1n).with(1, totals[1]! - 1n);
  yield { name: "totals shifted", ...(await forge(subject, { totals: shifted })) };
  yield { name: "a total raised", ...(await forge(subject, { totals: totals.with(0, totals[0]! + 1n) })) };
  yield {
    name: "totals swapped",
    ...(await forge(subject, { totals: totals.with(0, totals[1]!).with(1, totals[0]!) })),
  };

  const start = starts(counts)[1]!;
  for (const [name, row] of [
    ["a flag moved one row down", start - 1],
    ["a flag moved one row up", start + 1],
  ] as const) {
    const owners = counts.with(0, counts[0]! + row - start).with(1, counts[1]! + start - row);
    const moved = changed(witness, { flags: { [start]: 0n, [row]: 1n } });
    yield { name, ...(await forge(subject, { witness: moved, totals: totalsOf(scores, owners) })) };
  }
  const twice = changed(witness, { flags: { [start]: 2n } });
  yield { name: "a flag of two", ...(await forge(subject, { witness: twice })) };

  const gain = rowOf(scores, 1);
  const loss = rowOf(scores, -1);
  const raised = changed(witness, {
    positive: { [gain]: BigInt(scores[gain]! + 9) },
    low: { [gain]: 9n + witness.low[gain]! },
  });
  yield {
    name: "a row's total raised",
    ...(await forge(subject, { witness: raised, totals: totals.with(0, totals[0]! + 9n) })),
  };
  const paid = changed(witness, { positive: { [loss]: BigInt(-scores[loss]!) } });
  yield { name: "a negative score paid", ...(await forge(subject, { witness: paid })) };
  const negative = changed(witness, {
    positive: { [gain]: 0n },
    low: { [gain]: -BigInt(scores[gain]!) },
    high: { [gain]: 0n },
  });
  yield { name: "a positive score taken for negative", ...(await forge(subject, { witness: negative })) };
}

/** Ways to deal with committed rows beyond those that the counts add up to; for none of them is there a witness. */
export async function* paddingForgeries(subject: Subject): AsyncGenerator<Forged> {
  const { scores, totals, witness } = truth(subject);
  const rows = subject.committed.counts.reduce((sum, count) => sum + count, 0);
  const { size } = subject.domain;
  const planted = Object.fromEntries(
    Array.from(scores.slice(rows, size), (score, i) => [rows + i, BigInt(Math.max(score, 0))]),
  );
  const limbs = (limb: (score: number) => number) =>
    Object.fromEntries(Array.from(scores.slice(rows, size), (score, i) => [rows + i, BigInt(limb(Math.abs(score)))]));
  const columns = { positive: planted, low: limbs((s) => s % 256), high: limbs((s) => s >> 8) };
  const mass = Object.values(planted).reduce((sum, value) => sum + value, 0n);
  const own = totals.with(-1, totals.at(-1)! + mass);
  yield {
    name: "mass in padding, behind the end flag",
    ...(await forge(subject, { witness: changed(witness, columns) })),
  };
  const unmarked = changed(witness, { ...columns, flags: { [rows]: 0n } });
  yield { name: "mass in padding, paid to the last", ...(await forge(subject, { witness: unmarked, totals: own })) };
  yield { name: "mass in padding, left out", ...(await forge(subject)) };
}

/** Limbs for a row whose committed score is ±2^16, one above the range. */
export async function* rangeForgeries(subject: Subject, row: number): AsyncGenerator<Forged> {
  const { witness, totals } = truth(subject);
  for (const [low, high] of [
    [0n, 256n],
    [256n, 255n],
    [2n ** 16n, 0n],
    [-(2n ** 16n), 0n],
  ] as const) {
    const columns = { low: { [row]: low }, high: { [row]: high }, positive: { [row]: 2n ** 16n } };
    const name = `a score out of range as ${low} + 256·${high}`;
    yield { name, ...(await forge(subject, { witness: changed(witness, columns), totals })) };
  }
}

type PointField = "columns" | "sums" | "quotient" | "openings";
const POINTS: PointField[] = ["columns", "sums", "quotient", "openings"];

/** Every proof with one point replaced. */
export function withPoints(proof: PlonkProof, point: (old: G1) => G1): { name: string; proof: PlonkProof }[] {
  return POINTS.flatMap((field) =>
    proof[field].map((old, i) => ({
      name: `${field} ${i}`,
      proof: { ...proof, [field]: (proof[field] as readonly G1[]).with(i, point(old)) },
    })),
  );
}

/** Points that a verifier must refuse for what they are, and points that must not fit. */
export const BAD_POINTS: Record<string, (old: G1) => G1> = {
  "off the curve": ([x, y]) => [x, (y + 1n) % BASE_FIELD],
  "above p": ([x, y]) => [x + BASE_FIELD, y],
};
export const WRONG_POINTS: Record<string, (old: G1) => G1> = {
  zero: () => [0n, 0n],
  negated: ([x, y]) => [x, BASE_FIELD - y],
  "the generator": () => [1n, 2n],
};

/** Every proof with one scalar replaced. */
export function withScalars(proof: PlonkProof, scalar: (old: bigint) => bigint): { name: string; proof: PlonkProof }[] {
  return [
    { name: "combined", proof: { ...proof, combined: scalar(proof.combined) } },
    ...proof.values.map((old, i) => ({
      name: `value ${i}`,
      proof: { ...proof, values: proof.values.with(i, scalar(old)) as unknown as PlonkProof["values"] },
    })),
  ];
}

export const notCanonical = (value: bigint): bigint => value + FIELD;

/** The transcript without one of its items, everything else as it is. */
export function weakened(statement: PlonkStatement, proof: PlonkProof): Record<string, Transcript> {
  const other: Record<keyof PlonkStatement, unknown> = {
    splitter: statement.prover,
    chainId: 1n,
    verifier: statement.prover,
    vkId: statement.commitmentId,
    commitmentId: statement.vkId,
    epochId: 99n,
    prover: statement.splitter,
    floorUnits: 99n,
    q: new Int8Array(statement.q.length),
    scoreCommitment: [1n, 2n],
    totals: new Uint8Array(statement.totals.length),
  };
  const weak: Record<string, Transcript> = {};
  for (const [field, value] of Object.entries(other))
    weak[field] = { ...TRANSCRIPT, first: (s, columns) => TRANSCRIPT.first({ ...s, [field]: value }, columns) };
  for (let i = 0; i < proof.columns.length; i++)
    weak[`column ${i}`] = {
      ...TRANSCRIPT,
      first: (s, columns) => TRANSCRIPT.first(s, columns.with(i, [0n, 0n]) as unknown as PlonkProof["columns"]),
    };
  for (let i = 0; i < proof.sums.length; i++)
    weak[`sum ${i}`] = {
      ...TRANSCRIPT,
      second: (digest, sums, combined) =>
        TRANSCRIPT.second(digest, sums.with(i, [0n, 0n]) as unknown as PlonkProof["sums"], combined),
    };
  weak.combined = { ...TRANSCRIPT, second: (digest, sums) => TRANSCRIPT.second(digest, sums, 0n) };
  for (let i = 0; i < proof.quotient.length; i++)
    weak[`quotient ${i}`] = {
      ...TRANSCRIPT,
      third: (digest, quotient) =>
        TRANSCRIPT.third(digest, quotient.with(i, [0n, 0n]) as unknown as PlonkProof["quotient"]),
    };
  for (let i = 0; i < proof.values.length; i++)
    weak[`value ${i}`] = {
      ...TRANSCRIPT,
      fourth: (digest, values) => TRANSCRIPT.fourth(digest, values.with(i, 0n) as unknown as PlonkProof["values"]),
    };
  weak.W = { ...TRANSCRIPT, fifth: (digest) => TRANSCRIPT.fifth(digest, [0n, 0n]) };
  for (const round of ["second", "third", "fourth", "fifth"] as const)
    weak[`what came before the ${round} round`] = {
      ...TRANSCRIPT,
      [round]: (_: string, ...rest: never[]) =>
        (TRANSCRIPT[round] as (digest: string, ...rest: never[]) => unknown)(statement.vkId, ...rest),
    };
  return weak;
}

/** Forgeries that pass under a transcript with one item left out, each by what that item's absence allows. */
export async function* weakForgeries(subject: Subject): AsyncGenerator<Required<Forged>> {
  const { scores, totals, witness } = truth(subject);
  const { committed, domain } = subject;
  const honest = await forge(subject);
  const weak = weakened(honest.statement, honest.proof);

  // Multiplicities known after α: one of them makes up for any limb that the table has not.
  {
    const transcript = weak["column 4"]!;
    const gain = rowOf(scores, 1);
    const owner = starts(committed.counts).findLastIndex((start) => start <= gain);
    const robbed = changed(witness, {
      positive: { [gain]: 0n },
      low: { [gain]: -BigInt(scores[gain]!) },
      high: { [gain]: 0n },
    });
    const lower = totals.with(owner, totals[owner]! - BigInt(scores[gain]!));
    const { statement, proof } = await forge(subject, { witness: robbed, totals: lower }, transcript);
    const { alpha } = drawChallenges(statement, proof, transcript);
    const missing = mod(alpha * power(alpha + robbed.low[gain]!, FIELD - 2n));
    const made = { ...robbed, multiplicity: robbed.multiplicity.with(0, mod(robbed.multiplicity[0]! + missing)) };
    yield {
      name: "multiplicities",
      ...(await forge(subject, { witness: made, totals: lower }, transcript)),
      weak: transcript,
    };
  }

  // Flags known after z and x: two rows of padding make up for one that moved.
  {
    const transcript = weak["column 3"]!;
    const start = starts(committed.counts)[1]!;
    const rows = committed.counts.reduce((sum, count) => sum + count, 0);
    const early = changed(witness, { flags: { [start]: 0n, [start - 1]: 1n } });
    const owners = committed.counts.with(0, committed.counts[0]! - 1).with(1, committed.counts[1]! + 1);
    const moved = totalsOf(scores, owners);
    const { statement, proof } = await forge(subject, { witness: early, totals: moved }, transcript);
    const { z, x } = drawChallenges(statement, proof, transcript);
    // b_p z^p + b_q z^q = z^start − z^(start−1) and (1 + (x−1) b_p)(1 + (x−1) b_q) = 1.
    for (let p = rows + 1; p < domain.size - 1; p++) {
      const solved = padding(
        power(z, BigInt(p)),
        power(z, BigInt(p + 1)),
        mod(power(z, BigInt(start)) - power(z, BigInt(start - 1))),
        x,
      );
      if (!solved) continue;
      const made = changed(early, { flags: { [p]: solved[0], [p + 1]: solved[1] } });
      yield {
        name: "flags",
        ...(await forge(subject, { witness: made, totals: moved }, transcript)),
        weak: transcript,
      };
      break;
    }
  }

  const untrue = [10n ** 18n, ...totals.slice(1)];
  // The quotient known after ζ: it takes up any error there.
  {
    const transcript: Transcript = {
      ...TRANSCRIPT,
      third: (digest) => ({
        ...TRANSCRIPT.third(digest, [
          [0n, 0n],
          [0n, 0n],
        ]),
      }),
    };
    const { statement, proof, error } = await forge(subject, { totals: untrue }, transcript);
    const { zeta } = drawChallenges(statement, proof, transcript);
    const factor = mod(error * power(power(zeta, BigInt(domain.size)) - 1n, FIELD - 2n));
    const half = await linearCombination([proof.quotient[0], [1n, 2n]], [1n, factor]);
    yield {
      name: "the quotient",
      statement,
      proof: { ...proof, quotient: [half, proof.quotient[1]] },
      weak: transcript,
    };
  }

  // Values at ωζ known after γ: two of them move the relations and keep their weighted sum.
  {
    const transcript: Transcript = {
      ...TRANSCRIPT,
      fourth: (digest) => TRANSCRIPT.fourth(digest, [0n, 0n, 0n, 0n, 0n, 0n, 0n]),
    };
    const { statement, proof, error } = await forge(subject, { totals: untrue }, transcript);
    const challenges = drawChallenges(statement, proof, transcript);
    const { values } = proof;
    const edge = boundary(statement, committed.counts, domain.size, challenges);
    // D's constant is linear in both: take its slope along (γ², 0, −1), which the weights 1, γ, γ² do not see.
    const along = (by: bigint) =>
      values
        .with(4, mod(values[4] + by * challenges.gamma ** 2n))
        .with(6, mod(values[6] - by)) as unknown as PlonkProof["values"];
    const constant = (by: bigint) => linearise(challenges, along(by), proof.combined, domain.size, edge).constant;
    const slope = mod(constant(1n) - constant(0n));
    const chosen = along(mod(-error * power(slope, FIELD - 2n)));
    yield { name: "the values", statement, proof: { ...proof, values: chosen }, weak: transcript };
  }

  // W known after η: it is what is left over.
  {
    const transcript = weak.W!;
    const { statement, proof } = await forge(subject, { totals: untrue }, transcript);
    const nothing: PlonkProof = {
      ...proof,
      openings: [
        [0n, 0n],
        [0n, 0n],
      ],
    };
    const challenges = drawChallenges(statement, nothing, transcript);
    const { zeta, z, eta } = challenges;
    const { vanishing } = joinWeights([zeta, mod(zeta * domain.omega), z], eta);
    const left = await joinOpenings(claimOf(subject, statement), nothing, challenges);
    const w = await linearCombination([left], [power(vanishing, FIELD - 2n)]);
    yield { name: "W", statement, proof: { ...nothing, openings: [w, [0n, 0n]] }, weak: transcript };
  }
}

/** b_p and b_q with b_p·zp + b_q·zq = sum and (1 + (x−1)·b_p)(1 + (x−1)·b_q) = 1, if there are any. */
function padding(zp: bigint, zq: bigint, sum: bigint, x: bigint): [bigint, bigint] | undefined {
  // With w = x − 1: b_p + b_q + w·b_p·b_q = 0 and b_q = (sum − b_p·zp)/zq, a quadratic equation in b_p.
  const w = mod(x - 1n);
  const a = mod(-w * zp);
  const b = mod(zq - zp + w * sum);
  const root = squareRoot(mod(b * b - 4n * a * sum));
  if (root === undefined) return undefined;
  const first = mod((root - b) * power(mod(2n * a), FIELD - 2n));
  return [first, mod((sum - first * zp) * power(zq, FIELD - 2n))];
}

/** Tonelli–Shanks; 5 is no square in the field, and r − 1 = 2^28 · odd. */
function squareRoot(value: bigint): bigint | undefined {
  if (power(value, (FIELD - 1n) / 2n) !== 1n) return undefined;
  const odd = (FIELD - 1n) >> 28n;
  let order = 28n;
  let c = power(5n, odd);
  let t = power(value, odd);
  let root = power(value, (odd + 1n) / 2n);
  while (t !== 1n) {
    let i = 0n;
    for (let s = t; s !== 1n; s = mod(s * s)) i++;
    const b = power(c, 2n ** (order - i - 1n));
    [order, c] = [i, mod(b * b)];
    [t, root] = [mod(t * c), mod(root * b)];
  }
  return root;
}
