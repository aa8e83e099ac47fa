import { Bn254, G1_BYTES } from "../../circuits/bn254.ts";
import { inverses, power } from "../../circuits/field.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { FIELD, type G1, mod } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { encodeTotals } from "../../sdk/transcript.ts";
import { contributorStarts } from "../counts.ts";
import { combineColumns } from "../kzg.ts";
import type { Committed } from "../settlement.ts";
import { checkTotals } from "./check.ts";
import { type Domain, powersOf, TABLE, tableRows } from "./domain.ts";
import { type Boundary, boundary, joinWeights, linearise } from "./relations.ts";
import { type PlonkProof, type PlonkStatement, TRANSCRIPT, type Transcript } from "./transcript.ts";
import { ELEMENT, Vectors } from "./vectors.ts";
import { buildColumns, type Witness } from "./witness.ts";

/*
 * EXPERIMENTAL, not used by the product: proves the statement of `proveSettlement` without a circuit, a ceremony of
 * its own or chunks. docs/experimental-proof.md has the protocol and its names.
 */

/** Generates the field's multiplicative group, so it lies in no domain. */
const COSET = 5n;

export interface PlonkSettlement {
  readonly statement: PlonkStatement;
  /** A_c, in contributor order */
  readonly totals: bigint[];
  readonly proof: PlonkProof;
}

/**
 * Proves what each contributor's rows scored under Q, and checks the proof as the contract will.
 *
 * @param context all of the statement that neither the sketches nor Q decide; its vkId is the domain's id
 * @throws OpenLedgerError `ROW_COUNT` or `SCORE_RANGE`, and what `checkTotals` throws
 */
export async function proveTotals(
  { counts, sketches, columns, flags }: Committed,
  query: Int8Array,
  context: Omit<PlonkStatement, "q" | "scoreCommitment" | "totals">,
  domain: Domain,
): Promise<PlonkSettlement> {
  const scores = scoreRows(sketches, query);
  const totals = totalsOf(scores, counts);
  const statement: PlonkStatement = {
    ...context,
    q: query,
    scoreCommitment: await combineColumns(columns, query),
    totals: encodeTotals(totals),
  };
  const witness = buildColumns(scores, counts, domain.size);
  const { proof } = await assembleProof({ statement, counts, scores, witness }, domain);
  await checkTotals({ statement, counts, flags, domain }, proof);
  return { statement, totals, proof };
}

/** What a proof is made of. */
export interface ProofParts {
  readonly statement: PlonkStatement;
  readonly counts: number[];
  /** coefficients of the polynomial that C_s commits */
  readonly scores: Int32Array;
  readonly witness: Witness;
}

/**
 * Goes through the rounds. It takes the parts as they are, fitting or not, so that tests can change one of them and
 * derive all that follows honestly. `error` is what the relations leave at ζ: zero if they hold.
 */
export async function assembleProof(
  { statement, counts, scores, witness }: ProofParts,
  { size, omega, srs, lagrange }: Domain,
  transcript: Transcript = TRANSCRIPT,
): Promise<{ proof: PlonkProof; error: bigint }> {
  const degree = Math.max(size, scores.length);
  if (srs.powers.length < degree * G1_BYTES)
    throw new OpenLedgerError("SRS_TOO_SHORT", `The powers of tau do not reach ${degree} rows. Load more of them.`);
  const bn254 = await Bn254.load();
  return bn254.withMemory((allocate) => {
    const vectors = new Vectors(bn254, allocate);
    const inRows = allocate(size * G1_BYTES);
    const inPowers = allocate(degree * G1_BYTES);
    bn254.write(inRows, lagrange);
    bn254.write(inPowers, srs.powers.subarray(0, degree * G1_BYTES));

    // Round 1: the columns.
    const columns = [witness.low, witness.high, witness.positive, witness.flags, witness.multiplicity].map((column) =>
      vectors.commitIntegers(column, inRows),
    ) as unknown as PlonkProof["columns"];
    const { digest, z, mu, x, alpha } = transcript.first(statement, columns);

    // Round 2: the sums over them, and the committed polynomials' value.
    const rows = accumulate(vectors, witness, size, { z, mu, x, alpha });
    const sums = [rows.lookups, rows.shares, rows.totals, rows.link].map((sum) =>
      vectors.commit(sum, size, inRows),
    ) as unknown as PlonkProof["sums"];
    const committed = vectors.load(committedCoefficients(scores, counts, mu), degree);
    const combined = vectors.evaluate(committed, degree, z);
    const second = transcript.second(digest, sums, combined);
    const v = second.value;

    // Round 3: the quotient of the relations by X^n − 1.
    const edge = boundary(statement, counts, size, { z, mu, x });
    const polynomials = Object.fromEntries(
      Object.entries(rows).map(([name, row]) => {
        const coefficients = vectors.copy(row, size);
        bn254.wasm.frm_ifft!(coefficients, size);
        return [name, coefficients];
      }),
    ) as Rows;
    const quotient = divideRelations(vectors, polynomials, size, { z, mu, x, alpha, v }, combined, edge);
    const halves = [quotient, quotient + size * ELEMENT] as const;
    const quotients = halves.map((half) => vectors.commit(half, size, inPowers)) as unknown as [G1, G1];
    const third = transcript.third(second.digest, quotients);
    const zeta = third.value;

    // Round 4: values at ζ and ωζ.
    const next = mod(zeta * omega);
    const opened = [polynomials.low, polynomials.high, polynomials.positive, polynomials.table];
    const openedNext = [polynomials.lookups, polynomials.totals, polynomials.link];
    const values = [
      ...opened.map((polynomial) => vectors.evaluate(polynomial, size, zeta)),
      ...openedNext.map((polynomial) => vectors.evaluate(polynomial, size, next)),
    ] as unknown as PlonkProof["values"];
    const fourth = transcript.fourth(third.digest, values);

    // Round 5: one opening of everything, the part for each point divided by its own X − p, …
    const linear = linearise({ z, mu, x, alpha, v, zeta }, values, combined, size, edge);
    const atZeta = vectors.zeros(size);
    for (const name of ["flags", "multiplicity", "lookups", "shares", "totals", "link"] as const)
      vectors.addMultiple(atZeta, linear[name], polynomials[name], size);
    for (const [i, half] of halves.entries()) vectors.addMultiple(atZeta, linear.quotient[i]!, half, size);
    const gammas = powersOf(fourth.value, 5);
    for (const [i, polynomial] of opened.entries()) vectors.addMultiple(atZeta, gammas[i + 1]!, polynomial, size);
    const atNext = vectors.zeros(size);
    for (const [i, polynomial] of openedNext.entries()) vectors.addMultiple(atNext, gammas[i]!, polynomial, size);

    const groups = [
      { polynomial: atZeta, length: size, point: zeta },
      { polynomial: atNext, length: size, point: next },
      { polynomial: committed, length: degree, point: z },
    ];
    const opening = vectors.zeros(degree);
    const found = groups.map(({ polynomial, length, point }) => {
      const { quotient, value } = vectors.divide(polynomial, length, point);
      vectors.addMultiple(opening, 1n, quotient, length);
      return value;
    });
    const w = vectors.commit(opening, degree, inPowers);
    const fifth = transcript.fifth(fourth.digest, w);

    // … joined at η.
    const { weights, vanishing } = joinWeights([zeta, next, z], fifth.value);
    const joined = vectors.zeros(degree);
    for (const [i, { polynomial, length }] of groups.entries())
      vectors.addMultiple(joined, weights[i]!, polynomial, length);
    vectors.addMultiple(joined, -vanishing, opening, degree);
    const { quotient: joinedOpening } = vectors.divide(joined, degree, fifth.value);

    const claimed = opened.reduce((sum, _, i) => sum + gammas[i + 1]! * values[i]!, -linear.constant);
    return {
      proof: {
        columns,
        sums,
        combined,
        quotient: quotients,
        values,
        openings: [w, vectors.commit(joinedOpening, degree, inPowers)],
      },
      error: mod(found[0]! - claimed),
    };
  });
}

/** Coefficients of S(X) + μ·B(X). */
function committedCoefficients(scores: Int32Array, counts: number[], mu: bigint): bigint[] {
  const coefficients = Array.from(scores, BigInt);
  for (const start of contributorStarts(counts).slice(1)) coefficients[start] = (coefficients[start] ?? 0n) + mu;
  return coefficients;
}

/** Addresses of all columns and sums, one element a row. */
type Rows = Record<keyof Witness | "table" | "lookups" | "shares" | "totals" | "link", number>;

/** Round 2's columns, from the last row to the first but for the lookups. */
function accumulate(
  vectors: Vectors,
  witness: Witness,
  size: number,
  { z, mu, x, alpha }: { z: bigint; mu: bigint; x: bigint; alpha: bigint },
): Rows {
  const lookups = new Array<bigint>(size);
  const totals = new Array<bigint>(size);
  const link = new Array<bigint>(size);

  // Limbs and table entries are below 256 as a rule, and then share their inverses.
  const limbs = new Set([...witness.low, ...witness.high, ...tableRows(TABLE)]);
  const poles = [...limbs].map((limb) => mod(alpha + limb));
  const inverse = new Map(inverses(poles).map((value, i) => [[...limbs][i]!, value]));
  const shares = witness.multiplicity.map((count, i) =>
    count === 0n ? 0n : mod(count * inverse.get(BigInt(i % TABLE))!),
  );
  let sum = 0n;
  for (let i = 0; i < size; i++) {
    lookups[i] = sum;
    sum = mod(sum + inverse.get(witness.low[i]!)! + inverse.get(witness.high[i]!)! - shares[i]!);
  }

  // Both recursions run round in a circle, from a start that makes their ends meet.
  const score = (i: number) => 2n * witness.positive[i]! - witness.low[i]! - BigInt(TABLE) * witness.high[i]!;
  let [total, factor, linked] = [0n, 1n, 0n];
  const backwards = (row: (i: number) => void) => {
    for (let i = size - 1; i >= 0; i--) row(i);
  };
  const step = (i: number) => {
    const weight = witness.flags[i] === 0n ? 1n : mod(1n + (x - 1n) * witness.flags[i]!);
    total = mod((total + witness.positive[i]!) * weight);
    linked = mod(linked * z + score(i) + mu * witness.flags[i]!);
    return weight;
  };
  backwards((i) => {
    factor = mod(factor * step(i));
  });
  const [totalEnd, linkEnd] = inverses([mod(1n - factor), mod(1n - power(z, BigInt(size)))]);
  [total, linked] = [mod(total * totalEnd!), mod(linked * linkEnd!)];
  backwards((i) => {
    step(i);
    [totals[i], link[i]] = [total, linked];
  });

  const { low, high, positive, flags, multiplicity } = witness;
  const all = { low, high, positive, flags, multiplicity, table: tableRows(size), lookups, shares, totals, link };
  return Object.fromEntries(Object.entries(all).map(([name, row]) => [name, vectors.load(row)])) as Rows;
}

/** The 2n coefficients of Σ v^i·relation_i / (X^n − 1), from its values on a coset of 2n points. */
function divideRelations(
  vectors: Vectors,
  polynomials: Rows,
  size: number,
  challenges: { z: bigint; mu: bigint; x: bigint; alpha: bigint; v: bigint },
  combined: bigint,
  edge: Boundary,
): number {
  const { frm_mul, frm_add, frm_sub, frm_fft, frm_ifft, frm_batchApplyKey } = vectors.wasm;
  const { z, mu, x, alpha, v } = challenges;
  const points = 2 * size;
  const one = vectors.load([1n]);
  const shift = vectors.load([COSET]);
  const onCoset = (coefficients: number) => {
    const values = vectors.zeros(points);
    frm_batchApplyKey!(coefficients, size, one, shift, values);
    frm_fft!(values, points);
    return values;
  };
  const p = Object.fromEntries(Object.entries(polynomials).map(([name, at]) => [name, onCoset(at)])) as Rows;
  const share = inverses([BigInt(size)])[0]!; // of L_0, whose coefficients are all 1/n
  const first = onCoset(vectors.load(new Array<bigint>(size).fill(share)));
  const cosetN = power(COSET, BigInt(size));
  const [even, odd] = inverses([mod(cosetN - 1n), mod(-cosetN - 1n)]); // X^n − 1 on the coset

  const k = Object.fromEntries(
    Object.entries({
      limb: BigInt(TABLE),
      alpha,
      mu,
      z,
      weight: x - 1n,
      v,
      totalsFactor: 1n - power(x, edge.flagCount),
      totals: edge.totals,
      linkFactor: 1n - power(z, BigInt(size)),
      link: combined + edge.flags,
      even: even!,
      odd: odd!,
    }).map(([name, value]) => [name, vectors.load([value])]),
  ) as Record<string, number>;
  const [sum, a, b, c] = [vectors.zeros(1), vectors.zeros(1), vectors.zeros(1), vectors.zeros(1)];
  const absolute = vectors.zeros(1);
  const quotient = vectors.zeros(points);

  for (let i = 0; i < points; i++) {
    const at = i * ELEMENT;
    const next = ((i + 2) % points) * ELEMENT; // ω is two steps of the coset
    const [low, high, positive] = [p.low + at, p.high + at, p.positive + at];
    const addRelation = (value: number) => {
      frm_mul!(sum, k.v!, sum);
      frm_add!(sum, value, sum);
    };
    frm_mul!(high, k.limb!, absolute);
    frm_add!(absolute, low, absolute);

    // (7) L_0·((1 − z^n)·T − y − …), and so on down to (1): Horner's rule in v.
    frm_mul!(p.link + at, k.linkFactor!, a);
    frm_sub!(a, k.link!, a);
    frm_mul!(a, first + at, sum);
    // (6) L_0·((1 − x^K')·A − x·Σ A_c x^c)
    frm_mul!(p.totals + at, k.totalsFactor!, a);
    frm_sub!(a, k.totals!, a);
    frm_mul!(a, first + at, a);
    addRelation(a);
    // (5) T − z·T(ωX) − (2·positive − absolute) − μ·flags
    frm_mul!(p.link + next, k.z!, a);
    frm_sub!(p.link + at, a, a);
    frm_sub!(a, positive, a);
    frm_sub!(a, positive, a);
    frm_add!(a, absolute, a);
    frm_mul!(p.flags + at, k.mu!, b);
    frm_sub!(a, b, a);
    addRelation(a);
    // (4) A − (A(ωX) + positive)·(1 + (x − 1)·flags)
    frm_mul!(p.flags + at, k.weight!, a);
    frm_add!(a, one, a);
    frm_add!(p.totals + next, positive, b);
    frm_mul!(a, b, a);
    frm_sub!(p.totals + at, a, a);
    addRelation(a);
    // (3) shares·(α + table) − multiplicity
    frm_add!(p.table + at, k.alpha!, a);
    frm_mul!(a, p.shares + at, a);
    frm_sub!(a, p.multiplicity + at, a);
    addRelation(a);
    // (2) (lookups(ωX) − lookups + shares)·(α + low)·(α + high) − (2α + low + high)
    frm_add!(low, k.alpha!, a);
    frm_add!(high, k.alpha!, b);
    frm_add!(a, b, c);
    frm_mul!(a, b, a);
    frm_sub!(p.lookups + next, p.lookups + at, b);
    frm_add!(b, p.shares + at, b);
    frm_mul!(a, b, a);
    frm_sub!(a, c, a);
    addRelation(a);
    // (1) positive·(absolute − positive)
    frm_sub!(absolute, positive, a);
    frm_mul!(a, positive, a);
    addRelation(a);

    frm_mul!(sum, i % 2 === 0 ? k.even! : k.odd!, quotient + at);
  }
  frm_ifft!(quotient, points);
  frm_batchApplyKey!(quotient, points, one, vectors.load([power(COSET, FIELD - 2n)]), quotient);
  return quotient;
}
