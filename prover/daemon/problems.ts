import { isError } from "ethers";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { revertReason } from "../../sdk/revert.ts";

/** A step that failed and is tried again. */
export type Problem = { what: string; code: string; message: string; attempts: number; since: string };

/** Some libraries put whole answers into their messages. */
const LONGEST_MESSAGE = 400;

/** A stable code for any error: ours, ethers', or what the contract said. */
export function errorCode(error: unknown): string {
  if (error instanceof OpenLedgerError) return error.code;
  if (isError(error, "CALL_EXCEPTION")) return revertReason(error).split("(")[0]!;
  return (error as { code?: string }).code ?? "UNKNOWN";
}

/** What does not work at present. */
export class Problems {
  readonly #open = new Map<string, Problem>();

  add(what: string, error: unknown): Problem {
    const { attempts = 0, since = new Date().toISOString() } = this.#open.get(what) ?? {};
    const message = revertReason(error).slice(0, LONGEST_MESSAGE);
    const problem = { what, code: errorCode(error), message, attempts: attempts + 1, since };
    this.#open.set(what, problem);
    return problem;
  }

  solved(what: string): void {
    this.#open.delete(what);
  }

  list(): Problem[] {
    return [...this.#open.values()];
  }
}
