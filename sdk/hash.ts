import { AbiCoder, concat, getBytes, keccak256, toBeHex, toUtf8Bytes } from "ethers";

/** Order of the BN254 scalar field: challenges and public values are below it. */
export const FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Order of the BN254 base field: coordinates of points are below it. */
export const BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** A point of BN254's G1 as (x, y); (0, 0) is the point at infinity. */
export type G1 = [bigint, bigint];

/** A point of BN254's G2 in the order of the pairing precompile: x_imag, x_real, y_imag, y_real. */
export type G2 = [bigint, bigint, bigint, bigint];

/** `value` in [0, FIELD). */
export const mod = (value: bigint): bigint => ((value % FIELD) + FIELD) % FIELD;

/** Domain tag `keccak256("OpenLedger.<name>.v1")`. */
export const tag = (name: string): string => keccak256(toUtf8Bytes(`OpenLedger.${name}.v1`));

/** `keccak256(abi.encode(…))` of the given Solidity types and values. */
export const keccak = (types: string[], values: unknown[]): string =>
  keccak256(AbiCoder.defaultAbiCoder().encode(types, values));

/** `keccak256` of 32-byte big-endian words laid end to end, without length or offset. */
export const words = (values: (bigint | number | string)[]): string =>
  keccak256(concat(values.map((value) => toBeHex(value, 32))));

/** Challenge `keccak(seed, n, …) mod r`. */
export const challenge = (seed: string, n: number, types: string[] = [], values: unknown[] = []): bigint =>
  mod(BigInt(keccak(["bytes32", "uint256", ...types], [seed, n, ...values])));

/** Bytes of an int8 vector in two's complement. */
export const int8Bytes = (vector: Int8Array): Uint8Array =>
  new Uint8Array(vector.buffer, vector.byteOffset, vector.length);

/** Two's complement bytes as int8 vector. */
export const bytesInt8 = (bytes: Uint8Array | string): Int8Array => new Int8Array(getBytes(bytes));
