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
