// BN254 as the EVM's precompiles see it: points are raw words, (0, 0) is infinity, anything else that is not on the
// curve (or, in G2, not in the subgroup) is refused.

import { bn254 } from "@noble/curves/bn254";
import { hashText, type Num } from "./encoding.ts";

const { Fr, Fp12 } = bn254.fields;
const P1 = bn254.G1.ProjectivePoint;
const P2 = bn254.G2.ProjectivePoint;

export const r = Fr.ORDER;
export const p = bn254.fields.Fp.ORDER;
export const mod = (n: bigint): bigint => Fr.create(n);
export const inverse = (n: bigint): bigint => Fr.inv(mod(n));
export const power = (base: bigint, exponent: Num): bigint => Fr.pow(mod(base), BigInt(exponent));
export const sum = (values: Iterable<bigint>): bigint => {
  let total = 0n;
  for (const value of values) total += value;
  return total;
};

export type G1 = typeof P1.BASE;
export type G2 = typeof P2.BASE;
export type Point1 = readonly [Num, Num];
/** x_imag, x_real, y_imag, y_real. */
export type Point2 = readonly [Num, Num, Num, Num];

export class InvalidPoint extends Error {}

/** The precompiles refuse coordinates of p and more instead of reducing them. */
function coordinates(point: readonly Num[]): bigint[] {
  const values = point.map((value) => BigInt(value));
  if (values.some((value) => value < 0n || value >= p)) throw new InvalidPoint("coordinate not below p");
  return values;
}

export function g1(point: Point1): G1 {
  const [x, y] = coordinates(point) as [bigint, bigint];
  if (x === 0n && y === 0n) return P1.ZERO;
  return valid(P1.fromAffine({ x, y }));
}

export function g2(point: Point2): G2 {
  const [xi, xr, yi, yr] = coordinates(point) as [bigint, bigint, bigint, bigint];
  if (!xi && !xr && !yi && !yr) return P2.ZERO;
  return valid(P2.fromAffine({ x: { c0: xr, c1: xi }, y: { c0: yr, c1: yi } }));
}

function valid<T extends G1 | G2>(point: T): T {
  try {
    point.assertValidity();
  } catch {
    throw new InvalidPoint("not on the curve or not in the group");
  }
  return point;
}

export const isZero1 = (point: G1): boolean => point.equals(P1.ZERO);
export const isZero2 = (point: G2): boolean => point.equals(P2.ZERO);

export function words1(point: G1): [bigint, bigint] {
  if (isZero1(point)) return [0n, 0n];
  const { x, y } = point.toAffine();
  return [x, y];
}

export function words2(point: G2): [bigint, bigint, bigint, bigint] {
  if (isZero2(point)) return [0n, 0n, 0n, 0n];
  const { x, y } = point.toAffine();
  return [x.c1, x.c0, y.c1, y.c0];
}

/** Small negative scalars stay small, so that int8 entries cost little. */
export function times1(scalar: bigint, point: G1 = P1.BASE): G1 {
  const s = mod(scalar);
  return 2n * s > r ? point.negate().multiplyUnsafe(r - s) : point.multiplyUnsafe(s);
}
export const times2 = (scalar: bigint, point: G2 = P2.BASE): G2 => point.multiplyUnsafe(mod(scalar));
export const add1 = (...points: G1[]): G1 => points.reduce((total, point) => total.add(point), P1.ZERO);
export const generator2 = P2.BASE;

export function pairingIsOne(...pairs: [G1, G2][]): boolean {
  const factors = pairs.filter(([a, b]) => !isZero1(a) && !isZero2(b)).map(([a, b]) => ({ g1: a, g2: b }));
  return factors.length === 0 || Fp12.eql(bn254.pairingBatch(factors), Fp12.ONE);
}

/** Public secrets of the development keys. */
export const developmentScalar = (name: "tau" | "alpha" | "beta" | "delta"): bigint =>
  mod(BigInt(hashText(`OpenLedger development only: ${name}`)));
