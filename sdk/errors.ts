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
