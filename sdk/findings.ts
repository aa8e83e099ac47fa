import { OpenLedgerError } from "./errors.ts";

/** One thing that was checked: it holds, it does not, or there was nothing here to check it by. */
export interface Finding {
  readonly check: string;
  readonly result: "holds" | "WRONG" | "not checked";
  readonly detail: string;
}

/** As a line of a report. */
export const findingLine = ({ check, result, detail }: Finding): string =>
  `${result.padEnd(11)}  ${check.padEnd(18)}  ${detail}`;

/** A check either tells what it saw, or throws a `Wrong` with what does not fit. */
class Wrong extends Error {}

export function requireThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Wrong(otherwise);
}

/** What a series of checks found. A check that does not hold does not end the others. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #found: (finding: Finding) => void;

  /** @param found is told of each finding as it is made */
  constructor(found: (finding: Finding) => void = () => {}) {
    this.#found = found;
  }

  /** Runs one check; gives what it found, or undefined where it does not hold. */
  async check<T>(name: string, run: () => Promise<{ detail: string; value?: T }>): Promise<T | undefined> {
    try {
      const { detail, value } = await run();
      this.#add({ check: name, result: "holds", detail });
      return value;
    } catch (error) {
      if (!(error instanceof Wrong) && !(error instanceof OpenLedgerError)) throw error;
      this.#add({ check: name, result: "WRONG", detail: error.message });
      return undefined;
    }
  }

  skip(name: string, why: string): void {
    this.#add({ check: name, result: "not checked", detail: why });
  }

  #add(finding: Finding): void {
    this.all.push(finding);
    this.#found(finding);
  }
}
