import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Receipt, Voucher } from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";

/** What a server keeps of one paid call. Prompt and completion stay here: they are needed for the sketch, and nobody else's business. */
export type ServedCall = {
  receipt: Receipt;
  receiptSignature: string;
  /** 32 random bytes, from which the salts of the receipt's commitments follow. */
  secret: string;
  promptIds: number[];
  completionIds: number[];
  voucher: Voucher;
  voucherSignature: string;
};

/** The sketch record of a call, signed later. */
export type SignedRecord = { receiptId: string; recordSignature: string; sketch: number[] };

type Entry = { call: ServedCall } | { signed: SignedRecord };

const encode = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
const decode = (_: string, value: unknown) =>
  typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

/**
 * A server's calls and records as JSON lines, each on disk before the caller goes on: a crash loses no receipt that a
 * customer holds.
 */
export class Journal {
  readonly calls: ServedCall[] = [];
  /** By receipt id. */
  readonly records = new Map<string, SignedRecord>();
  readonly #path: string;

  /** @throws OpenLedgerError `JOURNAL_CORRUPT`, naming the line.  */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    // A crash may leave a line unfinished; its receipt was never handed out, so it is cut off.
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    for (const [index, line] of whole.split("\n").slice(0, -1).entries()) {
      try {
        this.#remember(JSON.parse(line, decode) as Entry);
      } catch (cause) {
        throw new OpenLedgerError(
          "JOURNAL_CORRUPT",
          `Line ${index + 1} of ${path} is damaged. Restore the file from a copy.`,
          {
            cause,
          },
        );
      }
    }
  }

  write(entry: Entry): void {
    this.#append(`${JSON.stringify(entry, encode)}\n`);
    this.#remember(entry);
  }

  #remember(entry: Entry): void {
    if ("call" in entry) this.calls.push(entry.call);
    else this.records.set(entry.signed.receiptId, entry.signed);
  }

  #append(text: string): void {
    const file = openSync(this.#path, "a", 0o600);
    try {
      appendFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
