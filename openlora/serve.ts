import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { JsonRpcProvider, Wallet } from "ethers";
import { ContentStore } from "../sdk/content-store.ts";
import { type Addresses, protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { loadSketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import { type Base, loadBase } from "../trainer/base.ts";
import { Pool } from "../trainer/pool.ts";
import { fetchModel } from "./adapters.ts";
import { LlamaEngine } from "./engine.ts";
import { createGateway, type Served } from "./gateway.ts";
import { Meter } from "./meter.ts";

const HELP = `Serves models to paying customers through OpenAI's API.

Usage: openledger serve --model ID [--model ID …] [options]

  --model ID          ModelNFT id of a model to serve; all must be made for the one base
  --addresses FILE    JSON with the contracts' addresses: datanets, models, attribution, verifier, splitter, escrow
  --rpc URL           chain (default http://127.0.0.1:8545)
  --content FOLDER    content store with the models' files (default content)
  --base FOLDER       Hugging Face folder of the base (default models/tiny-llama)
  --data FOLDER       keeps journals of paid calls, and adapters (default openlora-data); back it up
  --host HOST         address to listen on (default 127.0.0.1)
  --port PORT         default 8787
  --threads N         CPU threads (default 2)
  --keystore FILE     the server's key as an encrypted JSON keystore, its password in OPENLEDGER_KEYSTORE_PASSWORD

Environment: OPENLEDGER_SERVER_KEY (the server's private key, where there is no keystore),
OPENLEDGER_OPERATOR_TOKEN (bearer token of /openledger/records and /openledger/redeem, 16 characters or more).`;

/** Runs until the process is asked to end; with --help it only explains itself. */
export async function main(args: string[]): Promise<number | undefined> {
  const options = parse(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const { model: ids = [], addresses: file } = options;
  if (ids.length === 0) throw wrong("Name a model to serve with --model.");
  if (file === undefined) throw wrong("Name the file with the contracts' addresses with --addresses.");
  const operatorToken = process.env.OPENLEDGER_OPERATOR_TOKEN ?? "";
  if (operatorToken.length < 16) throw wrong("Set OPENLEDGER_OPERATOR_TOKEN to 16 characters or more.");

  const deployment = addresses(file);
  const key = await wallet(options.keystore);
  const provider = new JsonRpcProvider(options.rpc);
  // ethers would ask again for ever.
  await provider._detectNetwork().catch((cause: unknown) => {
    provider.destroy();
    throw wrong(`No chain answers at ${options.rpc}. Start it, or name another with --rpc.`, cause);
  });
  const signer = key.connect(provider);
  const contracts = protocol(deployment, signer);
  const base = loadBase(options.base);
  const store = new ContentStore(options.content);
  const models: Served[] = [];
  for (const id of ids.map((text) => BigInt(number(text, "--model")))) {
    const local = await fetchModel(contracts.models, store, base, id, join(options.data, "adapters"));
    const journal = join(options.data, `${await contracts.models.getAddress()}-${id}.jsonl`);
    models.push({ ...local, meter: await Meter.open(contracts, signer, id, journal) });
  }
  const engine = await LlamaEngine.start(base, { threads: number(options.threads, "--threads") });
  const sketch: Parameters<typeof createGateway>[0]["sketch"] = (served, calls) =>
    sketches(base, store, options.data, served, calls);
  const gateway = createGateway({ engine, models, operatorToken, sketch });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      await gateway.close();
      await engine.close();
      process.exit(0);
    });
  const url = await gateway.listen({ host: options.host, port: number(options.port, "--port") }).catch((cause) => {
    throw wrong(`Nothing can listen on ${options.host}:${options.port}. Name another with --port.`, cause);
  });
  console.log(
    `Serving ${models.map(({ modelId, manifest }) => `${modelId} (${manifest.name})`).join(", ")} at ${url}/v1`,
  );
  console.log(`as ${await signer.getAddress()}, base ${base.name}.`);
  return undefined;
}

/** Sketches of served calls, by the sketch that the model committed to. */
async function sketches(
  base: Base,
  store: ContentStore,
  data: string,
  { modelId, manifest, adapter }: Served,
  calls: Parameters<typeof sketchQueries>[3],
): Promise<Int8Array[]> {
  if (calls.length === 0) return [];
  const folder = join(data, "sketches", String(modelId));
  mkdirSync(folder, { recursive: true });
  const { rows, basis, description } = manifest.sketches;
  for (const [name, id] of Object.entries({ "rows.int8": rows, "basis.f32": basis, "sketches.json": description }))
    writeFileSync(join(folder, name), await store.get(id));
  const pool = await Pool.start(base);
  try {
    return await sketchQueries(pool, adapter, loadSketches(folder), calls);
  } finally {
    await pool.close();
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: "boolean", short: "h", default: false },
        model: { type: "string", multiple: true },
        addresses: { type: "string" },
        rpc: { type: "string", default: "http://127.0.0.1:8545" },
        content: { type: "string", default: "content" },
        base: { type: "string", default: "models/tiny-llama" },
        data: { type: "string", default: "openlora-data" },
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "8787" },
        threads: { type: "string", default: "2" },
        keystore: { type: "string" },
      },
    }).values;
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
}

async function wallet(keystore: string | undefined): Promise<Wallet> {
  const { OPENLEDGER_SERVER_KEY: key = "", OPENLEDGER_KEYSTORE_PASSWORD: password = "" } = process.env;
  try {
    if (keystore === undefined) return new Wallet(key);
    return new Wallet((await Wallet.fromEncryptedJson(readFileSync(keystore, "utf8"), password)).privateKey);
  } catch {
    // The cause may hold the key.
    throw keystore === undefined
      ? wrong("OPENLEDGER_SERVER_KEY is not a private key. Set it, or name a --keystore.")
      : wrong(`${keystore} cannot be opened. Check the file and OPENLEDGER_KEYSTORE_PASSWORD.`);
  }
}

function addresses(file: string): Addresses {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Addresses;
  } catch (cause) {
    throw wrong(`${file} cannot be read as JSON with the contracts' addresses.`, cause);
  }
}

function number(text: string, option: string): number {
  if (!/^\d+$/.test(text)) throw wrong(`${option} is ${text}; it must be a whole number.`);
  return Number(text);
}

const wrong = (message: string, cause?: unknown) =>
  new OpenLedgerError("SERVE_OPTIONS", `${message} \`openledger serve --help\` shows all options.`, { cause });
