import { join } from "node:path";
import { JsonRpcProvider, parseUnits, type TransactionRequest, type TransactionResponse, Wallet } from "ethers";
import { Command } from "../sdk/command.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { protocol, token } from "../sdk/contracts.ts";
import { readAddresses } from "../sdk/deployment.ts";
import { TOKEN_LENGTH } from "../sdk/http.ts";
import { readKey } from "../sdk/key.ts";
import { Turns } from "../sdk/turns.ts";
import { loadBase } from "../trainer/base.ts";
import { fetchRelease } from "./adapters.ts";
import { Catalog } from "./catalog.ts";
import { LlamaEngine } from "./engine.ts";
import { createGateway, type GatewayOptions } from "./gateway.ts";
import { Keeper } from "./keeper.ts";
import { Meter } from "./meter.ts";
import { Releases } from "./releases.ts";
import { Sketcher } from "./sketcher.ts";

const HELP = `openledger serve: serves models to paying customers through OpenAI's API

Usage: openledger serve --addresses FILE [options]

  --addresses FILE    the contracts' addresses, as the task \`deploy\` writes them (deployments/31337.json)
  --model ID          ModelNFT id of a model to serve; again for more. All must be made for the one base. Models of
                      earlier runs are served too, and POST /openledger/models?model=ID adds one while it runs
  --rpc URL           chain (default http://127.0.0.1:8545)
  --content FOLDER    content store with the models' files (default content)
  --base FOLDER       Hugging Face folder of the base (default models/tiny-llama)
  --data FOLDER       keeps journals of paid calls, and adapters (default openlora-data); back it up
  --poll SECONDS      time between looks at the chain for epochs to redeem and records to sign (default 5)
  --host HOST         address to listen on (default 127.0.0.1)
  --port PORT         default 8787; 0 takes any free one
  --threads N         CPU threads (default 2)
  --wallet-credit AMOUNT  tokens that a customer who is a contract wallet may owe before the server redeems: until then
                      the wallet can take its word back (default 0.1; 0 serves none)
  --keystore FILE     the server's key as an encrypted JSON keystore, its password in OPENLEDGER_KEYSTORE_PASSWORD

Environment: OPENLEDGER_SERVER_KEY (the server's private key, where there is no keystore),
OPENLEDGER_OPERATOR_TOKEN (bearer token of the operator's routes, 16 characters or more).`;

const OPTIONS = {
  help: { type: "boolean", short: "h", default: false },
  model: { type: "string", multiple: true },
  addresses: { type: "string" },
  rpc: { type: "string", default: "http://127.0.0.1:8545" },
  content: { type: "string", default: "content" },
  base: { type: "string", default: "models/tiny-llama" },
  data: { type: "string", default: "openlora-data" },
  poll: { type: "string", default: "5" },
  host: { type: "string", default: "127.0.0.1" },
  port: { type: "string", default: "8787" },
  threads: { type: "string", default: "2" },
  "wallet-credit": { type: "string", default: "0.1" },
  keystore: { type: "string" },
} as const;
const command = new Command("serve");

/** Runs until the process is asked to end; with --help it only explains itself. */
export async function main(args: string[]): Promise<number | undefined> {
  const options = command.parse(args, OPTIONS);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const { model: ids = [], data } = options;
  const file = command.required("addresses", options.addresses);
  const operatorToken = process.env.OPENLEDGER_OPERATOR_TOKEN ?? "";
  if (operatorToken.length < TOKEN_LENGTH)
    throw command.wrong(`Set OPENLEDGER_OPERATOR_TOKEN to ${TOKEN_LENGTH} characters or more`);
  const pollSeconds = command.whole("poll", options.poll);

  const deployment = readAddresses(file);
  const key = await readKey("OPENLEDGER_SERVER_KEY", options.keystore);
  const rpc = new JsonRpcProvider(options.rpc, undefined, { cacheTimeout: -1 });
  // ethers would ask again for ever.
  await rpc._detectNetwork().catch((cause: unknown) => {
    rpc.destroy();
    throw command.wrong(`No chain answers at ${options.rpc}. Start it, or name another with --rpc`, cause);
  });
  const signer = new Sender(key, rpc);
  const contracts = protocol(deployment, signer);
  const base = loadBase(options.base);
  const store = new ContentStore(options.content);
  const own = (name: string) => join(data, `${deployment.models}-${name}`);
  const walletCredit = async (id: bigint) => {
    const decimals = await token((await contracts.models.terms(id)).token, rpc).decimals();
    try {
      const amount = parseUnits(options["wallet-credit"], decimals);
      if (amount >= 0n) return amount;
      throw new RangeError("it is negative");
    } catch (cause) {
      const given = options["wallet-credit"];
      throw command.wrong(`--wallet-credit must be an amount in tokens, such as 0.1, not ${given}`, cause);
    }
  };
  const fetchFrom = (id: bigint) => (number?: bigint) =>
    fetchRelease(contracts.models, store, base, id, join(data, "adapters"), number);
  const catalog = new Catalog(own("models.json"), async (id) => ({
    modelId: id,
    releases: await Releases.open(contracts, id, fetchFrom(id)),
    meter: await Meter.open(contracts, signer, id, own(`${id}.jsonl`), await walletCredit(id)),
  }));
  for (const id of ids) await catalog.add(command.id("model", id));
  for (const id of catalog.remembered)
    await catalog.add(id).catch((error: Error) => console.error(`Not served: ${error.message}`));

  const engine = await LlamaEngine.start(base, { threads: command.whole("threads", options.threads, 1) });
  const sketcher = new Sketcher(base, store, join(data, "sketches"));
  const sketch: GatewayOptions["sketch"] = (release, calls) => sketcher.sketch(release, calls);
  const gateway = createGateway({ engine, catalog, operatorToken, sketch });
  const say = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  const keeper = new Keeper({ protocol: contracts, rpc, served: () => catalog.list(), sketch, pollSeconds, say });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      keeper.stop();
      await gateway.close();
      await engine.close();
      await sketcher.close();
      process.exit(0);
    });
  const url = await gateway.listen({ host: options.host, port: command.port(options.port) }).catch((cause) => {
    throw command.wrong(`Nothing can listen on ${options.host}:${options.port}. Name another with --port`, cause);
  });
  keeper.start();
  const names = catalog.list().map(({ modelId, releases }) => `${modelId} (${releases.current.manifest.name})`);
  console.log(`Serving ${names.join(", ") || "no model yet"} at ${url}/v1`);
  console.log(`as ${signer.address}, base ${base.name}.`);
  return undefined;
}

/** Several models redeem with one key: each transaction gets its nonce after the one before it is out. */
class Sender extends Wallet {
  readonly #turns = new Turns();

  override sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    return this.#turns.run(() => super.sendTransaction(request));
  }
}
