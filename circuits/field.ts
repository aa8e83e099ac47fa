import { FIELD, mod } from "../sdk/hash.ts";

/** base^exponent mod r, exponent ≥ 0. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % FIELD;
    square = (square * square) % FIELD;
  }
  return result;
}

/** Inverses of non-zero elements with a single exponentiation (Montgomery's trick). */
export function inverses(values: bigint[]): bigint[] {
  const prefix = [1n];
  for (const value of values) prefix.push((prefix.at(-1)! * value) % FIELD);
  let inverse = power(prefix.at(-1)!, FIELD - 2n);
  const result = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = (inverse * prefix[i]!) % FIELD;
    inverse = (inverse * values[i]!) % FIELD;
  }
  return result;
}

/** Σ coefficients_i · point^i mod r. */
export function evaluate(coefficients: readonly bigint[], point: bigint): bigint {
  let sum = 0n;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = (sum * point + coefficients[i]!) % FIELD;
  return mod(sum);
}

/** 32 bytes a value, little-endian; values in [0, r). */
export function toLittleEndian(values: readonly bigint[]): Uint8Array {
  const words = new BigUint64Array(values.length * 4);
  values.forEach((value, i) => {
    for (let word = 0; word < 4; word++) words[4 * i + word] = BigInt.asUintN(64, value >> BigInt(64 * word));
  });
  return new Uint8Array(words.buffer);
}
