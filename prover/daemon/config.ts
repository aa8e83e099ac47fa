import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { getAddress } from "ethers";
import { type Addresses, CONTRACT_NAMES } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { TOKEN_LENGTH } from "../../sdk/http.ts";

/** A server whose records the operator takes. The token stands in the environment, never in the file. */
export type ServerConfig = { url: string; tokenEnv: string };

/** What `operator.json` says, paths made absolute. */
export type OperatorConfig = {
  rpc: string;
  chainId: bigint;
  addresses: Addresses;
  /** Blocks a fact must stand under before it counts; 1 is the latest block. */
  confirmations: number;
  pollSeconds: number;
  /** First delay before a failed step is tried again; it doubles up to five minutes. */
  retrySeconds: number;
  /** How long a transaction waits for a block before it is sent again at a higher price. */
  bumpSeconds: number;
  /** The most that a transaction bids for a unit of gas, in gwei. */
  maxFeeGwei: number;
  /** Whether to open the next epoch when the current one has run its length. */
  openEpochs: boolean;
  dataDir: string;
  /** Of the health and metrics server on 127.0.0.1; 0 takes any free one. */
  port: number;
  keystore: string | undefined;
  /** Folder of the content store. */
  content: string;
  /** Folder of exported proving keys; without it there are development keys only. */
  keys: string | undefined;
  /** Every server whose records are wanted, for all models. */
  servers: ServerConfig[];
  /** Chunks proven at a time, and the memory that they may take together; see `Resources`. */
  workers: number;
  memoryMB: number | undefined;
  /** Models to operate; all that can be proven where it is left out. */
  models: bigint[] | undefined;
};

export const TOKEN_ENV = "OPENLEDGER_RECORDS_TOKEN";
export const OPERATOR_KEY = "OPENLEDGER_OPERATOR_KEY";
/** Variable with the token by which auditors read receipts; they are shown to nobody where it is not set. */
export const AUDITORS_TOKEN = "OPENLEDGER_AUDITORS_TOKEN";

/**
 * The token of auditors.
 * @throws OpenLedgerError `OPERATOR_CONFIG` if it is too short.
 */
export function auditorsToken(): string | undefined {
  const token = process.env[AUDITORS_TOKEN] || undefined;
  if (token !== undefined && token.length < TOKEN_LENGTH)
    throw new OpenLedgerError("OPERATOR_CONFIG", `Set ${AUDITORS_TOKEN} to ${TOKEN_LENGTH} characters or more.`);
  return token;
}

const invalid = (field: string, expected: string, value: unknown) =>
  new OpenLedgerError(
    "OPERATOR_CONFIG",
    `${field} must be ${expected}, not ${JSON.stringify(value)}. Correct it in the configuration.`,
  );

/** Reads fields of one JSON object, naming the one that does not fit. */
class Fields {
  readonly #fields: Record<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string, known: string[]) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw invalid(path || "the configuration", "an object", value);
    this.#fields = value as Record<string, unknown>;
    this.#path = path ? `${path}.` : "";
    for (const name of Object.keys(this.#fields))
      if (!known.includes(name)) throw invalid(this.name(name), `left out (known: ${known.join(", ")})`, "present");
  }

  name(field: string): string {
    return this.#path + field;
  }

  get<T>(field: string, expected: string, read: (value: never) => T | undefined, fallback?: T): T {
    const value = this.#fields[field];
    if (value === undefined && fallback !== undefined) return fallback;
    let result: T | undefined;
    try {
      result = read(value as never);
    } catch {
      // Reported below, with the field's name.
    }
    if (result === undefined) throw invalid(this.name(field), expected, value);
    return result;
  }

  text = (field: string, fallback?: string) =>
    this.get(field, "a text", (v: unknown) => (typeof v === "string" && v ? v : undefined), fallback);

  url = (field: string) =>
    this.get(field, "an http(s) address", (v: string) => (/^https?:$/.test(new URL(v).protocol) ? v : undefined));

  integer = (field: string, least: number, fallback?: number) =>
    this.get(
      field,
      `a whole number of at least ${least}`,
      (v: unknown) => (Number.isSafeInteger(v) && (v as number) >= least ? (v as number) : undefined),
      fallback,
    );

  positive = (field: string, fallback: number) =>
    this.get(field, "a positive number", (v: unknown) => (typeof v === "number" && v > 0 ? v : undefined), fallback);

  flag = (field: string, fallback: boolean) =>
    this.get(field, "true or false", (v: unknown) => (typeof v === "boolean" ? v : undefined), fallback);

  has = (field: string) => this.#fields[field] !== undefined;

  list<T>(field: string, read: (value: unknown, path: string) => T): T[] {
    const values = this.get(field, "a list with one entry or more", (v: unknown) =>
      Array.isArray(v) && v.length > 0 ? (v as unknown[]) : undefined,
    );
    return values.map((value, i) => read(value, `${this.name(field)}[${i}]`));
  }

  nested = (field: string, known: string[]) => new Fields(this.#fields[field], this.name(field), known);
}

/**
 * Checks a configuration.
 * @param folder Where its relative paths start.
 * @throws OpenLedgerError `OPERATOR_CONFIG`, naming the field.
 */
export function parseConfig(json: unknown, folder: string): OperatorConfig {
  const known = ["rpc", "chainId", "addresses", "confirmations", "pollSeconds", "retrySeconds", "openEpochs"];
  const fields = new Fields(json, "", [
    ...known,
    "bumpSeconds",
    "maxFeeGwei",
    "dataDir",
    "port",
    "keystore",
    "content",
    "keys",
    "servers",
    "models",
    "workers",
    "memoryMB",
  ]);
  const at = fields.nested("addresses", [...CONTRACT_NAMES]);
  const address = (name: string) => at.get(name, "an address", (v: string) => getAddress(v));
  const keystore = fields.text("keystore", "-");
  const keys = fields.text("keys", "-");
  return {
    rpc: fields.url("rpc"),
    chainId: BigInt(fields.integer("chainId", 1)),
    addresses: Object.fromEntries(CONTRACT_NAMES.map((name) => [name, address(name)])) as Addresses,
    confirmations: fields.integer("confirmations", 1, 1),
    pollSeconds: fields.positive("pollSeconds", 5),
    retrySeconds: fields.integer("retrySeconds", 1, 5),
    bumpSeconds: fields.positive("bumpSeconds", 60),
    maxFeeGwei: fields.positive("maxFeeGwei", 200),
    openEpochs: fields.flag("openEpochs", true),
    dataDir: resolve(folder, fields.text("dataDir")),
    port: fields.integer("port", 0, 9464),
    keystore: keystore === "-" ? undefined : resolve(folder, keystore),
    content: resolve(folder, fields.text("content")),
    keys: keys === "-" ? undefined : resolve(folder, keys),
    servers: fields.list("servers", (entry, path) => {
      const server = new Fields(entry, path, ["url", "tokenEnv"]);
      return { url: server.url("url"), tokenEnv: server.text("tokenEnv", TOKEN_ENV) };
    }),
    workers: fields.integer("workers", 1, 1),
    memoryMB: fields.has("memoryMB") ? fields.integer("memoryMB", 1) : undefined,
    models: fields.has("models")
      ? fields.list("models", (id, path) => {
          if (typeof id !== "string" || !/^\d+$/.test(id)) throw invalid(path, "an id as decimal text", id);
          return BigInt(id);
        })
      : undefined,
  };
}

/** @throws OpenLedgerError `OPERATOR_CONFIG` */
export function loadConfig(path: string): OperatorConfig {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new OpenLedgerError(
      "OPERATOR_CONFIG",
      `${path} cannot be read as JSON (${(cause as Error).message}). Write one with \`openledger operator init\`.`,
      { cause },
    );
  }
  return parseConfig(json, dirname(resolve(path)));
}
