/** Scalar field of BN254: every committed, hashed and proven number lives here. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Base field of BN254: coordinates of points. */
export const P = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Representative in [0, R). */
export function mod(value: bigint): bigint {
  const rest = value % R;
  return rest < 0n ? rest + R : rest;
}

/** base^exponent mod R, exponent ≥ 0. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % R;
    square = (square * square) % R;
  }
  return result;
}

/** Inverses of non-zero elements with a single exponentiation (Montgomery's trick). */
export function inverses(values: bigint[]): bigint[] {
  const prefix = [1n];
  for (const value of values) prefix.push((prefix.at(-1)! * value) % R);
  let inverse = power(prefix.at(-1)!, R - 2n);
  const result = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = (inverse * prefix[i]!) % R;
    inverse = (inverse * values[i]!) % R;
  }
  return result;
}

/** Σ coefficients_i · point^i mod R. */
export function evaluate(coefficients: readonly bigint[], point: bigint): bigint {
  let sum = 0n;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = (sum * point + coefficients[i]!) % R;
  return mod(sum);
}

/** 32 bytes a value, little-endian; values in [0, R). */
export function toLittleEndian(values: readonly bigint[]): Uint8Array {
  const words = new BigUint64Array(values.length * 4);
  values.forEach((value, i) => {
    for (let word = 0; word < 4; word++) words[4 * i + word] = BigInt.asUintN(64, value >> BigInt(64 * word));
  });
  return new Uint8Array(words.buffer);
}
