// Bytes and hashes of docs/protocol.md, written from that page alone. Nothing in this folder imports from the rest of
// the project: two readings of the page that agree are worth more than one that is used twice.

import { keccak_256 } from "@noble/hashes/sha3.js";

/** An integer, or hex of at most 32 bytes (an address, a bytes32, a number). */
export type Num = bigint | number | string;
/** Bytes, or 0x-hex of them. */
export type Bytes = Uint8Array | string;

export const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

export function bytes(value: Bytes): Uint8Array {
  if (typeof value !== "string") return value;
  if (!/^0x([0-9a-f]{2})*$/i.test(value)) throw new Error(`not bytes: ${value}`);
  return Uint8Array.from(Buffer.from(value.slice(2), "hex"));
}

export const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** 32 bytes, big-endian, negative integers in two's complement. */
export function word(value: Num): Uint8Array {
  const n = BigInt(value);
  if (n >= 1n << 256n || n < -(1n << 255n)) throw new Error(`does not fit a word: ${n}`);
  return bytes(`0x${BigInt.asUintN(256, n).toString(16).padStart(64, "0")}`);
}

export const integer = (value: Uint8Array): bigint => (value.length === 0 ? 0n : BigInt(hex(value)));

export const keccak256 = (value: Bytes): string => hex(keccak_256(bytes(value)));

/** Hash of words laid end to end. */
export const words = (...values: Num[]): string => keccak256(concat(...values.map(word)));

/** What `abi.encode` puts behind an offset: a `uint256[]`, or `bytes`. */
export type Dynamic = { array: Num[] } | { bytes: Bytes };

function tail(value: Dynamic): Uint8Array {
  if ("array" in value) return concat(word(value.array.length), ...value.array.map(word));
  const data = bytes(value.bytes);
  return concat(word(data.length), data, new Uint8Array((32 - (data.length % 32)) % 32));
}

export function abiEncode(...values: (Num | Dynamic)[]): Uint8Array {
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  let offset = 32 * values.length;
  for (const value of values) {
    if (typeof value !== "object") {
      heads.push(word(value));
      continue;
    }
    const data = tail(value);
    heads.push(word(offset));
    tails.push(data);
    offset += data.length;
  }
  return concat(...heads, ...tails);
}

export const keccak = (...values: (Num | Dynamic)[]): string => keccak256(abiEncode(...values));

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, "utf8"));
export const hashText = (value: string): string => keccak256(text(value));

export const tag = (name: string): string => hashText(`OpenLedger.${name}.v1`);

/** Hashed twice, so that no inner node can pass for a leaf. */
export const leaf = (tagOf: string, index: Num, ...values: Num[]): string => keccak256(keccak(tagOf, index, ...values));

// EIP-712. All our struct members are one word wide.

export const types = {
  Voucher:
    "Voucher(address customer,address server,uint256 modelId,uint256 epochId,address token,uint256 cumulative,uint256 deadline)",
  Receipt:
    "Receipt(address customer,address server,uint256 modelId,uint256 epochId,uint256 nonce,bytes32 request,bytes32 response,uint256 inputTokens,uint256 outputTokens,uint256 fee)",
  SketchRecord: "SketchRecord(bytes32 receiptId,bytes32 sketch)",
} as const;

export const domainNames = {
  Voucher: "OpenLedger InferenceEscrow",
  Receipt: "OpenLedger RewardSplitter",
  SketchRecord: "OpenLedger RewardSplitter",
} as const;

export function domainSeparator(type: keyof typeof types, chainId: Num, contract: Num): string {
  const domain = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
  return words(hashText(domain), hashText(domainNames[type]), hashText("1"), chainId, contract);
}

/** The digest that is signed; a receipt's is its `receiptId`, a sketch record's its `recordId`. */
export function digest(type: keyof typeof types, chainId: Num, contract: Num, message: Record<string, Num>): string {
  const members = types[type]
    .slice(type.length + 1, -1)
    .split(",")
    .map((member) => member.split(" ")[1]!);
  const struct = words(hashText(types[type]), ...members.map((name) => message[name]!));
  return keccak256(concat(bytes("0x1901"), bytes(domainSeparator(type, chainId, contract)), bytes(struct)));
}

/** The salts of `request`, `response` and `sketch`, from one secret a receipt. */
export const salts = (secret: Num): string[] => [0, 1, 2].map((i) => keccak(secret, i));
/** `request` and `response` of a receipt. */
export const saltedTokens = (salt: Num, ids: Num[]): string => keccak(salt, { array: ids });
/** `sketch` of a sketch record; q_t as bytes, two's complement. */
export const saltedSketch = (salt: Num, q: Bytes): string => keccak(salt, { bytes: q });
