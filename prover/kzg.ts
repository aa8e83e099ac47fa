import { Bn254, G1_BYTES } from "../circuits/bn254.ts";
import { toLittleEndian } from "../circuits/field.ts";
import type { Srs } from "../circuits/setup/srs.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type G1, mod } from "../sdk/hash.ts";
import { decodePoints, encodePoint } from "../sdk/transcript.ts";
import { contributorStarts } from "./counts.ts";

/*
 * KZG commitments in the monomial basis: row i of a vector is the coefficient of X^i, so a commitment depends neither
 * on the chunk size nor on padding. No blinders: the sketches are published, and everything stays deterministic.
 */

const F1_BYTES = 32;
const JACOBIAN_BYTES = 96;
const MAX_ENTRY = 127;

/** All that committing takes of the powers of τ. */
export type Powers = Pick<Srs, "powers">;

/** Commits the k columns of a sketch matrix, as `commitColumns` does. */
export type ColumnCommitter = (sketches: Int8Array, k: number, srs: Powers) => Promise<Uint8Array>;

/**
 * Commits the k columns of a sketch matrix.
 *
 * @param sketches N×k entries in [-127, 127], row-major
 * @returns k×64 bytes: x, y big-endian; a zero column is 64 zero bytes
 *
 * Entries are small, so one addition a row suffices: point i goes, with the entry's sign, into the bucket of the
 * entry's absolute value v, and the buckets are then weighted by v.
 */
export async function commitColumns(sketches: Int8Array, k: number, srs: Powers): Promise<Uint8Array> {
  checkSketches(sketches, k, srs);
  const bn254 = await Bn254.load();
  const { g1m_zero, g1m_add, g1m_addMixed } = bn254.wasm;
  const columns = new Uint8Array(k * G1_BYTES);
  bn254.withMemory((allocate) => {
    const buckets = allocate(k * MAX_ENTRY * G1_BYTES);
    const filled = fillBuckets(bn254, allocate, buckets, sketches, k, srs.powers);
    const running = allocate(JACOBIAN_BYTES);
    const sum = allocate(JACOBIAN_BYTES);
    for (let j = 0; j < k; j++) {
      // Σ v·bucket_v as a sum of suffix sums.
      g1m_zero!(running);
      g1m_zero!(sum);
      for (let v = MAX_ENTRY; v > 0; v--) {
        const b = j * MAX_ENTRY + v - 1;
        if (filled[b]) g1m_addMixed!(running, buckets + b * G1_BYTES, running);
        g1m_add!(sum, running, sum);
      }
      columns.set(encodePoint(bn254.g1(bn254.read(sum, JACOBIAN_BYTES))), j * G1_BYTES);
    }
  });
  return columns;
}

/** @throws OpenLedgerError `SKETCH_SHAPE`, `SKETCH_ENTRY`, `SRS_TOO_SHORT` */
export function checkSketches(sketches: Int8Array, k: number, srs: Powers): void {
  const rows = sketches.length / k;
  if (!Number.isInteger(rows) || rows === 0) {
    throw new OpenLedgerError(
      "SKETCH_SHAPE",
      `sketches has ${sketches.length} entries, which is no positive multiple of k = ${k}. Pass all N×k entries.`,
    );
  }
  requirePowers(srs, rows);
  const bad = sketches.indexOf(-128);
  if (bad >= 0) {
    throw new OpenLedgerError(
      "SKETCH_ENTRY",
      `sketches[${bad}] (row ${Math.floor(bad / k)}, column ${bad % k}) is -128. Quantise to [-127, 127].`,
    );
  }
}

/**
 * Adds each row's point to the bucket of each of its entries: bucket v of column j is affine point 127·j + v − 1.
 * The additions of one row are to different buckets. So they are done in affine coordinates and share one inversion, which
 * makes each half as dear as one in Jacobian coordinates.
 * @returns which buckets hold a point; the others are at infinity
 */
function fillBuckets(
  bn254: Bn254,
  allocate: (bytes: number) => number,
  buckets: number,
  sketches: Int8Array,
  k: number,
  powers: Uint8Array,
): Uint8Array {
  const { f1m_sub, f1m_mul, f1m_square, f1m_neg, f1m_isZero, f1m_batchInverse, f1m_copy } = bn254.wasm;
  const { g1m_toJacobian, g1m_addMixed, g1m_isZero, g1m_toAffine } = bn254.wasm;
  const rows = sketches.length / k;
  const filled = new Uint8Array(k * MAX_ENTRY);
  const point = allocate(G1_BYTES);
  const minus = allocate(G1_BYTES);
  const points = allocate(rows * G1_BYTES);
  const differences = allocate(k * F1_BYTES);
  const inverses = allocate(k * F1_BYTES);
  const slope = allocate(F1_BYTES);
  const work = allocate(F1_BYTES);
  const sum = allocate(JACOBIAN_BYTES);
  const targets = new Uint32Array(k);
  const added = new Uint32Array(k); // the point or its negative
  bn254.write(points, powers.subarray(0, rows * G1_BYTES));
  const words = bn254.curve.tm.u32; // once nothing more is allocated

  for (let i = 0; i < rows; i++) {
    f1m_copy!(points + i * G1_BYTES, point);
    f1m_copy!(points + i * G1_BYTES + F1_BYTES, point + F1_BYTES);
    f1m_copy!(point, minus);
    f1m_neg!(point + F1_BYTES, minus + F1_BYTES);
    let n = 0;
    for (let j = 0; j < k; j++) {
      const entry = sketches[i * k + j]!;
      if (entry === 0) continue;
      const b = j * MAX_ENTRY + Math.abs(entry) - 1;
      const target = buckets + b * G1_BYTES;
      const addend = entry > 0 ? point : minus;
      if (!filled[b]) {
        f1m_copy!(addend, target);
        f1m_copy!(addend + F1_BYTES, target + F1_BYTES);
        filled[b] = 1;
        continue;
      }
      const difference = differences + n * F1_BYTES;
      f1m_sub!(point, target, difference);
      if (words[difference / 4] === 0 && f1m_isZero!(difference)) {
        // The same point or its negative: no powers of a secret τ, but the sum must be right.
        g1m_toJacobian!(target, sum);
        g1m_addMixed!(sum, addend, sum);
        if (g1m_isZero!(sum)) filled[b] = 0;
        else g1m_toAffine!(sum, target);
        continue;
      }
      targets[n] = target;
      added[n++] = addend + F1_BYTES;
    }
    f1m_batchInverse!(differences, F1_BYTES, n, inverses, F1_BYTES);
    for (let m = 0; m < n; m++) {
      const [x, y] = [targets[m]!, targets[m]! + F1_BYTES];
      f1m_sub!(added[m]!, y, slope);
      f1m_mul!(slope, inverses + m * F1_BYTES, slope);
      f1m_square!(slope, work);
      f1m_sub!(work, x, work);
      f1m_sub!(work, point, x);
      f1m_sub!(point, x, work);
      f1m_mul!(slope, work, work);
      f1m_sub!(work, added[m]!, y);
    }
  }
  return filled;
}

/** C_b: commits the flags B(X) = Σ_{c=1}^{K-1} X^start_c; infinity for a single contributor. */
export async function commitFlags(counts: number[], srs: Srs): Promise<G1> {
  const flags = contributorStarts(counts).slice(1);
  requirePowers(srs, (flags.at(-1) ?? 0) + 1);
  const bn254 = await Bn254.load();
  let sum = bn254.curve.G1.zeroAffine;
  for (const row of flags) sum = bn254.curve.G1.add(sum, srs.powers.slice(row * G1_BYTES, (row + 1) * G1_BYTES));
  return bn254.g1(sum);
}

/** Commits any polynomial. */
export async function commit(coefficients: readonly bigint[], srs: Srs): Promise<G1> {
  requirePowers(srs, coefficients.length);
  return sumOfMultiples(srs.powers.slice(0, coefficients.length * G1_BYTES), coefficients);
}

export interface Opening {
  /** value of the polynomial at the point */
  readonly y: bigint;
  /** commitment to (f(X) - y) / (X - z) */
  readonly w: G1;
}

/** Opens the polynomial with these coefficients (any integers, taken mod r) at z. */
export async function open(coefficients: readonly bigint[], z: bigint, srs: Srs): Promise<Opening> {
  // Synthetic division: the running Horner sums are the quotient's coefficients, the last one is the remainder.
  const quotient = new Array<bigint>(Math.max(coefficients.length - 1, 0));
  let carry = 0n;
  for (let i = coefficients.length - 1; i >= 0; i--) {
    carry = mod(carry * z + coefficients[i]!);
    if (i > 0) quotient[i - 1] = carry;
  }
  return { y: carry, w: await commit(quotient, srs) };
}

/** Whether e(C - y·G1 + z·W, G2) · e(-W, τG2) = 1. */
export async function checkOpening(commitment: G1, z: bigint, { y, w }: Opening, srs: Srs): Promise<boolean> {
  const bn254 = await Bn254.load();
  const { curve } = bn254;
  const left = await linearCombination([commitment, [1n, 2n], w], [1n, -y, z]);
  return curve.pairingEq(bn254.rawG1(left), curve.G2.gAffine, curve.G1.neg(bn254.rawG1(w)), bn254.rawG2(srs.tauG2));
}

/** C_s = Σ_j Q_j·C_j, the commitment of the score vector. */
export function combineColumns(columns: Uint8Array, query: Int8Array): Promise<G1> {
  return linearCombination(decodePoints(columns), Array.from(query, BigInt));
}

/** Σ_i scalars_i·points_i, scalars taken mod r. */
export async function linearCombination(points: readonly G1[], scalars: readonly bigint[]): Promise<G1> {
  const bn254 = await Bn254.load();
  // ffjavascript's sum over nothing but points at infinity is no point at all, so they are left out.
  const finite = [...points.keys()].filter((i) => points[i]!.some((coordinate) => coordinate !== 0n));
  const raw = new Uint8Array(finite.length * G1_BYTES);
  for (const [at, i] of finite.entries()) raw.set(bn254.rawG1(points[i]!), at * G1_BYTES);
  return sumOfMultiples(
    raw,
    finite.map((i) => scalars[i]!),
  );
}

async function sumOfMultiples(raw: Uint8Array, scalars: readonly bigint[]): Promise<G1> {
  const bn254 = await Bn254.load();
  return bn254.g1(await bn254.curve.G1.multiExpAffine(raw, toLittleEndian(scalars.map(mod))));
}

function requirePowers(srs: Powers, rows: number): void {
  const powers = srs.powers.length / G1_BYTES;
  if (powers < rows) {
    throw new OpenLedgerError(
      "SRS_TOO_SHORT",
      `The powers of tau reach ${powers} rows but ${rows} are needed. Load a larger powers-of-tau file.`,
    );
  }
}
