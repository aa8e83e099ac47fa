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

const ACTIVATION = ["window", "answerWindow", "registrationBond", "demandBond"] as const;

/** Seconds, and bonds with 18 decimals; see `Activation` of ISketchDisputes. */
export type Activation = Record<(typeof ACTIVATION)[number], number | bigint>;

/** Parameters of the modules, as files in parameters/ give them; periods are in seconds. */
export type Parameters = {
  OpenLedger: {
    /** The deployer, where they are left out. */
    operator?: string;
    guardian?: string;
    auditor?: string;
    treasury?: string;
    /** τ·G2 as the pairing precompile takes it. */
    tauG2?: bigint[];
    timing?: Timing;
    activation?: Activation;
    tokens?: string[];
    thawPeriod?: number;
    bondThawPeriod?: number;
    /** An operator's stake is what an epoch holds, divided by this. */
    bondFactor?: number;
    /** What auditors' bonds are in, and how much of it each locks with a vote. */
    bondToken?: string;
    auditorBond?: number | bigint;
    commitPeriod?: number;
    revealPeriod?: number;
    quorum?: number;
    /** Of a stake, in basis points: what a demand locks. */
    demandBps?: number;
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
const COUNT: Check = [
  "a whole number from 1 to 65535",
  (value) => Number.isInteger(value) && inUint16(value as number),
];
const inUint16 = (value: number) => value >= 1 && value < 2 ** 16;
const AMOUNT: Check = [
  'a whole number from 0 on, in quotes with an n behind where it is above 2^53, such as "100n"',
  (value) => (typeof value === "bigint" && value >= 0n) || (Number.isSafeInteger(value) && (value as number) >= 0),
];
const objectOf = (names: readonly string[], check: Check): Check => [
  `an object of ${names.join(", ")}, each ${check[0]}`,
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length === names.length &&
    names.every((name) => check[1]((value as Record<string, unknown>)[name])),
];

const SCHEMA: Record<keyof Parameters, Record<string, Check>> = {
  OpenLedger: {
    operator: ADDRESS,
    guardian: ADDRESS,
    auditor: ADDRESS,
    treasury: ADDRESS,
    tauG2: WORDS,
    timing: objectOf(TIMING, SECONDS),
    activation: objectOf(ACTIVATION, AMOUNT),
    tokens: ADDRESSES,
    thawPeriod: SECONDS,
    bondThawPeriod: SECONDS,
    bondFactor: COUNT,
    bondToken: ADDRESS,
    auditorBond: AMOUNT,
    commitPeriod: SECONDS,
    revealPeriod: SECONDS,
    quorum: COUNT,
    demandBps: COUNT,
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
