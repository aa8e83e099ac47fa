import { readFileSync } from "node:fs";
import { isAddress } from "ethers";
import JSON5 from "json5";
import { OpenLedgerError } from "../sdk/errors.ts";

const TIMING = [
  "epochLength",
  "redeemWindow",
  "proposeWindow",
  "challengeWindow",
  "answerWindow",
  "disputeWindow",
  "settleWindow",
  "fallbackWindow",
] as const;

/** All in seconds; see `Timing` of IRewardSplitter. */
export type Timing = Record<(typeof TIMING)[number], number>;

/** Parameters of the modules, as files in parameters/ give them; periods are in seconds. */
export type Parameters = {
  OpenLedger: {
    /** The deployer, where they are left out. */
    operator?: string;
    guardian?: string;
    treasury?: string;
    /** τ·G2 as the pairing precompile takes it. */
    tauG2?: bigint[];
    timing?: Timing;
    tokens?: string[];
    thawPeriod?: number;
    bondThawPeriod?: number;
  };
  /** Only the module Production takes these. */
  Production?: { admin: string; adminDelay: number };
};

type Check = [words: string, holds: (value: unknown) => boolean];
const ADDRESS: Check = ["an address", isAddress];
const ADDRESSES: Check = ["a list of addresses", (value) => Array.isArray(value) && value.every(isAddress)];
const SECONDS: Check = ["whole seconds below 2^32", (value) => Number.isInteger(value) && inUint32(value as number)];
const inUint32 = (value: number) => value >= 0 && value < 2 ** 32;
const WORDS: Check = [
  'a list of four numbers in quotes that end in n, such as "12n"',
  (value) => Array.isArray(value) && value.length === 4 && value.every((one) => typeof one === "bigint"),
];
const TIMES: Check = [
  `an object of seconds: ${TIMING.join(", ")}`,
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === TIMING.length &&
    TIMING.every((name) => SECONDS[1]((value as Timing)[name])),
];

const SCHEMA: Record<keyof Parameters, Record<string, Check>> = {
  OpenLedger: {
    operator: ADDRESS,
    guardian: ADDRESS,
    treasury: ADDRESS,
    tauG2: WORDS,
    timing: TIMES,
    tokens: ADDRESSES,
    thawPeriod: SECONDS,
    bondThawPeriod: SECONDS,
  },
  Production: { admin: ADDRESS, adminDelay: SECONDS },
};

/** Where the parameters of local chains stand: windows of minutes. */
export const LOCAL_PARAMETERS = new URL("parameters/local.json5", import.meta.url).pathname;

/**
 * The parameters of a JSON5 file, whose numbers above 2^53 stand in quotes with an n behind.
 * @throws OpenLedgerError `PARAMETERS_INVALID`, naming the file and the parameter.
 */
export function readParameters(path: string): Parameters {
  const fail = (words: string, cause?: unknown) =>
    new OpenLedgerError(
      "PARAMETERS_INVALID",
      `parameters: ${path} cannot be used: ${words}. deploy/parameters/local.json5 is an example.`,
      { cause },
    );
  let parameters: Parameters;
  try {
    parameters = JSON5.parse(readFileSync(path, "utf8"), (_, value) =>
      typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
    );
  } catch (cause) {
    throw fail((cause as Error).message, cause);
  }
  if (typeof parameters?.OpenLedger !== "object") throw fail("it has no key OpenLedger");
  for (const [module, values] of Object.entries(parameters)) {
    const schema = SCHEMA[module as keyof Parameters];
    if (schema === undefined) throw fail(`there is no module ${module}`);
    for (const [name, value] of Object.entries(values)) {
      const check = schema[name];
      if (check === undefined) throw fail(`${module} has no parameter ${name}`);
      if (!check[1](value)) throw fail(`${module}.${name} must be ${check[0]}`);
    }
  }
  return parameters;
}
