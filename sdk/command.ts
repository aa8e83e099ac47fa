import { type ParseArgsConfig, parseArgs } from "node:util";
import { OpenLedgerError } from "./errors.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** How every `openledger NAME …` reads its options, and says what is wrong with them. */
export class Command {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** What is wrong, and where to look it up; for the caller to throw. */
  wrong(problem: string, cause?: unknown): OpenLedgerError {
    return new OpenLedgerError("USAGE", `${problem}. See openledger ${this.#name} --help.`, { cause });
  }

  /** @throws OpenLedgerError `USAGE` for options that there are not, or without their value */
  parse<const O extends Options>(args: string[], options: O) {
    return this.#parsed(() => parseArgs({ args, options }).values);
  }

  /** The same with words that belong to no option. */
  parseWithWords<const O extends Options>(args: string[], options: O) {
    return this.#parsed(() => parseArgs({ args, options, allowPositionals: true }));
  }

  required(option: string, value: string | undefined): string {
    if (value === undefined) throw this.wrong(`--${option} is missing`);
    return value;
  }

  /** @param least 0 unless told */
  whole(option: string, value: string | undefined, least = 0): number {
    const text = this.required(option, value);
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || !Number.isSafeInteger(number))
      throw this.wrong(`--${option} must be a whole number${least > 0 ? ` from ${least}` : ""}, not ${text}`);
    return number;
  }

  /** A port to listen on; 0 is any free one. */
  port(value: string): number {
    const port = this.whole("port", value);
    if (port > 65_535) throw this.wrong(`--port must be at most 65535, not ${port}`);
    return port;
  }

  /** The id of a model, an epoch or a Datanet. */
  id(option: string, value: string | undefined): bigint {
    const text = this.required(option, value);
    if (!/^\d{1,30}$/.test(text)) throw this.wrong(`--${option} must be a whole number, not ${text}`);
    return BigInt(text);
  }

  oneOf<const T extends string>(option: string, value: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw this.wrong(`--${option} must be one of ${allowed.join(", ")}`);
    return found;
  }

  /** Runs a command that checks something: where it could not look, that is told and ends it with 2. @returns exit code */
  async checked(check: () => Promise<number>): Promise<number> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof OpenLedgerError)) throw error;
      console.error(error.message);
      return 2;
    }
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw this.wrong((cause as Error).message.replace(/\.$/, ""), cause);
    }
  }
}
