import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { JsonRpcProvider } from "ethers";
import { Command } from "../sdk/command.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { protocol } from "../sdk/contracts.ts";
import { readAddresses } from "../sdk/deployment.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { findingLine } from "../sdk/findings.ts";
import type { ClaimedQuery } from "../trainer/attribution/audit.ts";
import { BACKENDS } from "../trainer/backends.ts";
import { loadPackedBase } from "../trainer/base.ts";
import type { WeightFormat } from "../trainer/packed.ts";
import { Pool } from "../trainer/pool.ts";
import { auditModel } from "./audit.ts";

export const HELP = `openledger audit: derives a model's sketches again from its published adapter, rows and basis, and compares

  openledger audit --model ID --addresses deployments/31337.json --content FOLDER

  --base FOLDER     Hugging Face folder of the model's base (default models/tiny-llama)
  --sample N        rows to derive again, drawn at random (default 64), or "all": then the rows' weights,
                    the least movement and the basis are checked too
  --seed N          draws the same rows again
  --queries FILE    served answers whose sketches to check: lines of {"promptIds", "completionIds", "sketch"}
  --rpc URL         of the chain, http://127.0.0.1:8545 unless told
  --threads N       default 2
  --backend NAME    one of ${BACKENDS.join(", ")}
  --scratch FOLDER  for gradients that do not fit into memory
  --json            one line of JSON instead of the report

Ends with 0 if nothing is wrong, with 1 if something is, with 2 if it could not look.`;

const OPTIONS = {
  model: { type: "string" },
  addresses: { type: "string" },
  content: { type: "string" },
  base: { type: "string", default: "models/tiny-llama" },
  sample: { type: "string", default: "64" },
  seed: { type: "string" },
  queries: { type: "string" },
  rpc: { type: "string", default: "http://127.0.0.1:8545" },
  threads: { type: "string", default: "2" },
  backend: { type: "string" },
  scratch: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const command = new Command("audit");

/** `openledger audit …` @returns exit code */
export const main = (args: string[]): Promise<number> => command.checked(() => audit(args));

async function audit(args: string[]): Promise<number> {
  const options = command.parse(args, OPTIONS);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const modelId = command.id("model", options.model);
  const addresses = readAddresses(command.required("addresses", options.addresses));
  const store = new ContentStore(command.required("content", options.content));
  const seed = options.seed === undefined ? randomInt(2 ** 32) : command.whole("seed", options.seed);
  const sample =
    options.sample === "all" ? undefined : { rows: Math.max(1, command.whole("sample", options.sample)), seed };
  const queries = options.queries === undefined ? undefined : readQueries(options.queries);
  const backend = options.backend === undefined ? undefined : command.oneOf("backend", options.backend, BACKENDS);
  const threads = command.whole("threads", options.threads);
  const start = (format: WeightFormat) =>
    Pool.start(loadPackedBase(options.base, format), { threads, ...(backend && { backend }) });
  const provider = new JsonRpcProvider(options.rpc, undefined, { staticNetwork: true });
  try {
    const findings = await auditModel(protocol(addresses, provider), store, start, modelId, {
      ...(sample && { sample }),
      ...(queries && { queries }),
      ...(options.scratch !== undefined && { scratch: options.scratch }),
      onFinding: (finding) => {
        if (!options.json) console.log(findingLine(finding));
      },
    });
    const wrong = findings.filter(({ result }) => result === "WRONG");
    if (options.json) console.log(JSON.stringify({ ok: wrong.length === 0, seed: sample?.seed, findings }));
    else if (wrong.length > 0)
      console.log(`\nWRONG: ${wrong.map(({ check }) => check).join(", ")}. Do not rely on this model's attribution.`);
    else {
      const part = sample ? ` Of its rows a sample was derived: --sample all derives each.` : "";
      console.log(`\nThe sketches of model ${modelId} are what its data and its adapter give.${part}`);
    }
    return wrong.length === 0 ? 0 : 1;
  } finally {
    provider.destroy();
  }
}

/** @throws OpenLedgerError `AUDIT_QUERIES`, naming the line */
function readQueries(file: string): ClaimedQuery[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new OpenLedgerError("AUDIT_QUERIES", `--queries: ${file} cannot be read. Name a file of JSON lines.`, {
      cause,
    });
  }
  const integers = (value: unknown) => Array.isArray(value) && value.every(Number.isInteger);
  return text
    .split("\n")
    .map((line, n) => ({ line, n: n + 1 }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, n }) => {
      const wrong = (what: string, cause?: unknown) =>
        new OpenLedgerError("AUDIT_QUERIES", `--queries: line ${n} of ${file} ${what}. See openledger audit --help.`, {
          cause,
        });
      let query: ClaimedQuery;
      try {
        query = JSON.parse(line);
      } catch (cause) {
        throw wrong("is not JSON", cause);
      }
      for (const field of ["promptIds", "completionIds", "sketch"] as const)
        if (!integers(query?.[field])) throw wrong(`has no list of whole numbers as ${field}`);
      return query;
    });
}
