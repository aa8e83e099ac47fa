/**
 * The one error class of the project: what was wrong, in which field, and what to do about it.
 * `code` is stable and is what tests and programs look at; the words are for people.
 */
export class OpenLedgerError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(`${message} [${code}]`, options);
    this.name = "OpenLedgerError";
    this.code = code;
  }
}

/** An error as it travels between processes. */
export type Described = { code: string; message: string };

/** Code and words of an error; what is not ours is `INTERNAL`. The words of ours lose the code at their end. */
export const describeError = (error: unknown): Described =>
  error instanceof OpenLedgerError
    ? { code: error.code, message: error.message.replace(` [${error.code}]`, "") }
    : { code: "INTERNAL", message: error instanceof Error ? error.message : String(error) };
