import { closeSync, openSync, writeSync } from "node:fs";
import { BASE_FIELD, FIELD, mod } from "../../sdk/hash.ts";
import { Bn254, G1_BYTES, G2_BYTES } from "../bn254.ts";
import { inverses, power, toLittleEndian } from "../field.ts";
import { multiplyGenerator } from "./fixed-base.ts";
import type { ConstraintSystem, Terms } from "./r1cs.ts";
import { SECTION } from "./zkey.ts";

/** The secrets of a Groth16 setup. Whoever knows them can forge proofs: for development keys only. */
export interface Trapdoor {
  readonly tau: bigint;
  readonly alpha: bigint;
  readonly beta: bigint;
  /** must differ from gamma, which is 1 */
  readonly delta: bigint;
}

/**
 * Writes a .zkey straight from the trapdoor: with τ known, every point is one multiple of the generator, so neither a
 * prepared powers-of-tau file nor one scalar multiplication per coefficient is needed. Proofs are the same as with a
 * key from `snarkjs groth16 setup`. γ = 1, as in snarkjs.
 */
export async function writeZkey(path: string, system: ConstraintSystem, trapdoor: Trapdoor): Promise<void> {
  const bn254 = await Bn254.load();
  const { tau, alpha, beta, delta } = trapdoor;
  const { signals, publics } = system;
  const { domain, a, b, c } = signalPolynomials(bn254, system, tau);
  const combined = a.map((value, s) => (beta * value + alpha * b[s]! + c[s]!) % FIELD);

  const overDelta = power(delta, FIELD - 2n);
  const odd = lagrangeAt(bn254, tau, 2 * domain).filter((_, i) => i % 2 === 1);
  const privates = combined.slice(publics + 1).map((value) => (value * overDelta) % FIELD);
  const quotient = odd.map((value) => (value * overDelta) % FIELD);

  // One call per group, because each call first makes its table.
  const g1 = multiples(bn254, "G1", [
    [alpha],
    [beta],
    [delta],
    combined.slice(0, publics + 1),
    a,
    b,
    privates,
    quotient,
  ]);
  const [alpha1, beta1, delta1, ic, a1, b1, c1, h1] = g1;
  const [beta2, gamma2, delta2, b2] = multiples(bn254, "G2", [[beta], [1n], [delta], b]);

  const file = openSync(path, "w");
  try {
    writeSync(file, Buffer.concat([Buffer.from("zkey"), u32(1, 10)]));
    const section = (id: number, ...content: Uint8Array[]) => {
      const bytes = content.reduce((sum, part) => sum + part.length, 0);
      writeSync(file, Buffer.concat([u32(id, bytes % 2 ** 32, Math.floor(bytes / 2 ** 32)), ...content]));
    };
    section(SECTION.protocol, u32(1));
    section(
      SECTION.header,
      u32(32),
      toLittleEndian([BASE_FIELD]),
      u32(32),
      toLittleEndian([FIELD]),
      u32(signals, publics, domain),
      ...[alpha1!, beta1!, beta2!, gamma2!, delta1!, delta2!],
    );
    section(SECTION.ic, ic!);
    section(SECTION.coefficients, coefficients(system));
    section(SECTION.a, a1!);
    section(SECTION.b1, b1!);
    section(SECTION.b2, b2!);
    section(SECTION.c, c1!);
    section(SECTION.h, h1!);
    section(SECTION.contributions, new Uint8Array(64), u32(0)); // no circuit hash, no contribution
  } finally {
    closeSync(file);
  }
}

/** Each signal's A, B and C polynomial at a point. */
export function signalPolynomials(bn254: Bn254, system: ConstraintSystem, point: bigint) {
  const { signals, publics, constraints } = system;
  const domain = 2 ** Math.ceil(Math.log2(constraints + publics + 1));
  const lagrange = lagrangeAt(bn254, point, domain);
  const [a, b, c] = [system.a, system.b, system.c].map((terms) => combine(terms, signals, lagrange));
  // One more row per public input and for the constant 1 keeps their A polynomials independent (snarkjs' layout).
  for (let s = 0; s <= publics; s++) a![s] = (a![s]! + lagrange[constraints + s]!) % FIELD;
  return { domain, a: a!, b: b!, c: c! };
}

/** Multiples of the generator for several lists of scalars. */
function multiples(bn254: Bn254, group: "G1" | "G2", lists: bigint[][]): Uint8Array[] {
  const points = multiplyGenerator(bn254, group, lists.flat());
  const bytes = group === "G1" ? G1_BYTES : G2_BYTES;
  let at = 0;
  return lists.map((list) => points.subarray(at, (at += list.length * bytes)));
}

/** L_i(point) over the `size` powers of a root of unity: (point^size - 1)/size · root^i / (point - root^i). */
export function lagrangeAt({ curve }: Bn254, point: bigint, size: number): bigint[] {
  const root = curve.Fr.toObject(curve.Fr.w[Math.log2(size)]!);
  const factor = ((power(point, BigInt(size)) - 1n) * power(BigInt(size), FIELD - 2n)) % FIELD;
  const roots = new Array<bigint>(size);
  for (let i = 0, w = 1n; i < size; i++, w = (w * root) % FIELD) roots[i] = w;
  const inverse = inverses(roots.map((w) => mod(point - w)));
  return roots.map((w, i) => (((factor * w) % FIELD) * inverse[i]!) % FIELD);
}

/** Σ_constraints coefficient · L_constraint(τ), signal by signal. */
function combine(terms: Terms, signals: number, lagrange: bigint[]): bigint[] {
  const sums = new Array<bigint>(signals).fill(0n);
  for (let row = 0; row + 1 < terms.start.length; row++) {
    for (let term = terms.start[row]!; term < terms.start[row + 1]!; term++) {
      const signal = terms.signal[term]!;
      sums[signal] = (sums[signal]! + terms.value[term]! * lagrange[row]!) % FIELD;
    }
  }
  return sums;
}

/** The A and B matrices as snarkjs' prover reads them: count, then (matrix, constraint, signal, value·2^512 mod r). */
function coefficients(system: ConstraintSystem): Uint8Array {
  const { a, b, constraints, publics } = system;
  const count = a.value.length + b.value.length + publics + 1;
  const bytes = Buffer.alloc(4 + count * 44);
  const known = new Map<bigint, Uint8Array>();
  const shift = 2n ** 512n % FIELD;
  let at = bytes.writeUInt32LE(count);
  const put = (matrix: number, constraint: number, signal: number, value: bigint) => {
    let encoded = known.get(value);
    if (!encoded) known.set(value, (encoded = toLittleEndian([(value * shift) % FIELD])));
    at = bytes.writeUInt32LE(matrix, at);
    at = bytes.writeUInt32LE(constraint, at);
    at = bytes.writeUInt32LE(signal, at);
    bytes.set(encoded, at);
    at += encoded.length;
  };
  for (let row = 0; row < constraints; row++) {
    [a, b].forEach((terms, matrix) => {
      for (let i = terms.start[row]!; i < terms.start[row + 1]!; i++)
        put(matrix, row, terms.signal[i]!, terms.value[i]!);
    });
  }
  for (let s = 0; s <= publics; s++) put(0, constraints + s, s, 1n);
  return bytes;
}

function u32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
