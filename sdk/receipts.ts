import type { TypedDataDomain } from "ethers";
import {
  type Receipt,
  receiptId,
  recordId,
  type SketchRecord,
  sketchCommitment,
  verifyReceipt,
  verifySketchRecord,
} from "./eip712.ts";
import { OpenLedgerError } from "./errors.ts";

/** What an operator takes from a server for one receipt: never the text. */
export type AttributedReceipt = {
  receipt: Receipt;
  receiptSignature: string;
  recordSignature: string;
  /** Opens the record's commitment to the sketch, and nothing else. */
  sketchSalt: string;
  sketch: Int8Array;
};

/** The record that an attributed receipt stands for. */
export const sketchRecord = (
  domain: TypedDataDomain,
  { receipt, sketchSalt, sketch }: Pick<AttributedReceipt, "receipt" | "sketchSalt" | "sketch">,
): SketchRecord => ({ receiptId: receiptId(domain, receipt), sketch: sketchCommitment(sketchSalt, sketch) });

/**
 * Ids of a receipt and its record, both checked to be signed by the receipt's server.
 * @throws OpenLedgerError `SIGNATURE_INVALID` or `SIGNATURE_WRONG_SIGNER`.
 */
export function verifyAttributed(
  domain: TypedDataDomain,
  attributed: AttributedReceipt,
): { receiptId: string; recordId: string } {
  const { receipt, receiptSignature, recordSignature } = attributed;
  const record = sketchRecord(domain, attributed);
  verifyReceipt(domain, receipt, receiptSignature);
  verifySketchRecord(domain, record, recordSignature, receipt.server);
  return { receiptId: record.receiptId, recordId: recordId(domain, record) };
}

/** Attributed receipts as JSON: integers as decimal strings, sketches as arrays of numbers. */
export const encodeAttributed = (receipts: AttributedReceipt[]): string =>
  JSON.stringify(
    receipts.map(({ sketch, ...rest }) => ({ ...rest, sketch: [...sketch] })),
    (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
  );

const RECEIPT_INTEGERS = ["modelId", "epochId", "nonce", "inputTokens", "outputTokens", "fee"] as const;

/**
 * Reads attributed receipts from JSON; their signatures are still to be checked (`verifyAttributed`).
 * @throws OpenLedgerError `RECEIPTS_INVALID`, naming the receipt.
 */
export function decodeAttributed(json: string): AttributedReceipt[] {
  let index = 0;
  try {
    return (JSON.parse(json) as (Omit<AttributedReceipt, "sketch"> & { sketch: number[] })[]).map((one, i) => {
      index = i;
      const integers = Object.fromEntries(RECEIPT_INTEGERS.map((field) => [field, BigInt(one.receipt[field])]));
      return { ...one, receipt: { ...one.receipt, ...integers }, sketch: Int8Array.from(one.sketch) };
    });
  } catch (cause) {
    throw new OpenLedgerError(
      "RECEIPTS_INVALID",
      `Receipt ${index} is malformed. Ask the server for its records again.`,
      {
        cause,
      },
    );
  }
}
