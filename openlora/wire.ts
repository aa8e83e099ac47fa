import { getAddress, toUtf8Bytes, toUtf8String } from "ethers";
import { base64url } from "multiformats/bases/base64";
import type { Receipt, Voucher } from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Completion, Proof, Quote } from "./meter.ts";

/** How vouchers, quotes and receipts travel over HTTP: JSON with integers as decimal strings. */

/** Header with the voucher, as JSON in base64url. */
export const VOUCHER_HEADER = "x-openledger-voucher";
/** Header with the customer's EIP-712 signature of it. */
export const SIGNATURE_HEADER = "x-openledger-signature";

const RECEIPT_INTEGERS = ["modelId", "epochId", "nonce", "inputTokens", "outputTokens", "fee"] as const;
const ADDRESSES = ["customer", "server", "token"] as const;
const VOUCHER_INTEGERS = ["modelId", "epochId", "cumulative", "deadline"] as const;

/** `value` as JSON can hold it. */
export const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, entry: unknown) => (typeof entry === "bigint" ? String(entry) : entry)));

export const encodeVoucher = (voucher: Voucher): string =>
  base64url.baseEncode(toUtf8Bytes(JSON.stringify(plain(voucher))));

/** @throws OpenLedgerError `VOUCHER_MALFORMED` */
export function decodeVoucher(header: string): Voucher {
  try {
    const voucher = JSON.parse(toUtf8String(base64url.baseDecode(header)));
    // One spelling each: a customer who wrote his address in two would have two accounts on one deposit.
    const addresses = ADDRESSES.map((field) => [field, getAddress(voucher[field])]);
    return { ...integers(voucher, VOUCHER_INTEGERS), ...Object.fromEntries(addresses) } as Voucher;
  } catch (cause) {
    throw new OpenLedgerError(
      "VOUCHER_MALFORMED",
      `The ${VOUCHER_HEADER} header is not a voucher. Send its JSON, integers as decimal strings, in base64url.`,
      { cause },
    );
  }
}

/** What an answer carries beside OpenAI's fields. */
export type Paid = Completion & Proof;

/** @throws OpenLedgerError `RECEIPT_MALFORMED` */
export function decodePaid(json: unknown): Paid {
  try {
    const paid = json as Paid;
    return { ...paid, receipt: integers(paid.receipt, RECEIPT_INTEGERS) as Receipt };
  } catch (cause) {
    throw new OpenLedgerError("RECEIPT_MALFORMED", "The server's receipt is malformed. Stop paying this server.", {
      cause,
    });
  }
}

/** A voucher that its customer signed before. */
export type Signed = { voucher: Voucher; signature: string };

/** Reads a voucher from the JSON of an answer; undefined where it is none. */
export function decodeSigned(json: unknown): Signed | undefined {
  const { voucher, signature } = (json ?? {}) as Partial<Signed>;
  if (typeof voucher !== "object" || voucher === null || typeof signature !== "string") return undefined;
  return { voucher: decodeVoucher(encodeVoucher(voucher)), signature };
}

/** What a 402 says under `openledger`: what to sign, and the tokens that the call can cost at most. */
export type Demand = Quote & { promptTokens: number; maxTokens: number; fee: bigint };

const integers = (value: object, fields: readonly string[]): object => ({
  ...value,
  ...Object.fromEntries(fields.map((field) => [field, BigInt((value as Record<string, string>)[field]!)])),
});
