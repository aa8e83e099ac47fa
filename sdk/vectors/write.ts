import { writeFileSync } from "node:fs";
import { getBytes, hexlify } from "ethers";
import { int8Bytes, keccak } from "../hash.ts";

/** 32 bytes that depend on the label and index alone. */
export const bytes32 = (label: string, i: number): string => keccak(["string", "uint256"], [label, i]);

/** An address that depends on the label alone. */
export const address = (label: string): string => hexlify(getBytes(bytes32(label, 0)).slice(12));

const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Int8Array) return hexlify(int8Bytes(value));
  return value instanceof Uint8Array ? hexlify(value) : value;
};

/** Text of a vector file: integers as decimal strings, bytes as hex. */
export const vectorText = (value: unknown): string => `${JSON.stringify(value, (_, item) => plain(item), 2)}\n`;

/** Where vector file `name` lies. */
export const vectorFile = (name: string): URL => new URL(`${name}.json`, import.meta.url);

export const write = (name: string, value: unknown): void => writeFileSync(vectorFile(name), vectorText(value));
