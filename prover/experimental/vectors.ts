import type { Bn254 } from "../../circuits/bn254.ts";
import { toLittleEndian } from "../../circuits/field.ts";
import { type G1, mod } from "../../sdk/hash.ts";

export const ELEMENT = 32;
const JACOBIAN_BYTES = 96;

/**
 * Vectors of field elements in WebAssembly memory, in Montgomery form and named by their address: a million products
 * take a tenth of what BigInt takes. They live as long as the `allocate` that they come from.
 */
export class Vectors {
  readonly wasm: Bn254["wasm"];
  readonly #bn254: Bn254;
  readonly #allocate: (bytes: number) => number;

  constructor(bn254: Bn254, allocate: (bytes: number) => number) {
    this.wasm = bn254.wasm;
    this.#bn254 = bn254;
    this.#allocate = allocate;
  }

  /** `length` zeros. */
  zeros(length: number): number {
    const vector = this.#allocate(length * ELEMENT);
    this.#bn254.curve.tm.u8.fill(0, vector, vector + length * ELEMENT);
    return vector;
  }

  /** Integers (taken mod r), followed by zeros up to `length`. */
  load(values: readonly bigint[], length = values.length): number {
    const vector = this.zeros(length);
    this.#bn254.write(vector, toLittleEndian(values.map(mod)));
    this.wasm.frm_batchToMontgomery!(vector, values.length, vector);
    return vector;
  }

  /** The element at an address. */
  read(address: number): bigint {
    return this.#bn254.curve.Fr.toObject(this.#bn254.read(address, ELEMENT));
  }

  copy(vector: number, length: number, room = length): number {
    const target = this.zeros(room);
    this.#bn254.curve.tm.u8.copyWithin(target, vector, vector + length * ELEMENT);
    return target;
  }

  /** target += scalar·vector */
  addMultiple(target: number, scalar: bigint, vector: number, length: number): void {
    const { frm_mul, frm_add } = this.wasm;
    const factor = this.load([scalar]);
    const product = this.zeros(1);
    for (let at = 0; at < length * ELEMENT; at += ELEMENT) {
      frm_mul!(vector + at, factor, product);
      frm_add!(target + at, product, target + at);
    }
  }

  /** f / (X − point) without its remainder, and the remainder f(point); `length` coefficients each. */
  divide(coefficients: number, length: number, point: bigint): { quotient: number; value: bigint } {
    const { frm_mul, frm_add, frm_copy } = this.wasm;
    const at = this.load([point]);
    const carry = this.zeros(1);
    const quotient = this.zeros(length);
    for (let i = length - 1; i >= 0; i--) {
      frm_copy!(carry, quotient + i * ELEMENT);
      frm_mul!(carry, at, carry);
      frm_add!(carry, coefficients + i * ELEMENT, carry);
    }
    return { quotient, value: this.read(carry) };
  }

  /** f(point) */
  evaluate(coefficients: number, length: number, point: bigint): bigint {
    const { frm_mul, frm_add } = this.wasm;
    const at = this.load([point]);
    const sum = this.zeros(1);
    for (let i = length - 1; i >= 0; i--) {
      frm_mul!(sum, at, sum);
      frm_add!(sum, coefficients + i * ELEMENT, sum);
    }
    return this.read(sum);
  }

  /** Σ vector_i·bases_i over raw points in memory. */
  commit(vector: number, length: number, bases: number): G1 {
    const scalars = this.#allocate(length * ELEMENT);
    this.wasm.frm_batchFromMontgomery!(vector, length, scalars);
    return this.#multiply(bases, scalars, ELEMENT, length);
  }

  /** Σ values_i·bases_i; values that fit one or two bytes cost a tenth of the time. */
  commitIntegers(values: readonly bigint[], bases: number): G1 {
    const largest = values.reduce((max, value) => (value > max ? value : max), 0n);
    const width = largest < 1n << 8n ? 1 : largest < 1n << 16n ? 2 : ELEMENT;
    const elements = toLittleEndian(values);
    const packed = new Uint8Array(values.length * width);
    for (let i = 0; i < values.length; i++) packed.set(elements.subarray(i * ELEMENT, i * ELEMENT + width), i * width);
    const scalars = this.#allocate(packed.length);
    this.#bn254.write(scalars, packed);
    return this.#multiply(bases, scalars, width, values.length);
  }

  #multiply(bases: number, scalars: number, width: number, length: number): G1 {
    const sum = this.#allocate(JACOBIAN_BYTES);
    this.wasm.g1m_multiexpAffine!(bases, scalars, width, length, sum);
    return this.#bn254.g1(this.#bn254.read(sum, JACOBIAN_BYTES));
  }
}
