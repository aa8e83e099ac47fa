import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HDNodeWallet, id, Mnemonic } from "ethers";
import type { ExportedKey } from "../../circuits/ceremony/exported.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { type LocalChain, startLocalChain } from "../../deploy/local.ts";
import type { Timing } from "../../deploy/parameters.ts";
import { Customer } from "../../openlora/customer.ts";
import { Meter } from "../../openlora/meter.ts";
import { parseConfig } from "../../prover/daemon/config.ts";
import { registerSketches } from "../../prover/register.ts";
import { canonicalJson, manifestHash } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { mintModel } from "../../sdk/models.ts";
import { type AttributedReceipt, encodeAttributed } from "../../sdk/receipts.ts";
import { emitted, mined } from "../../sdk/transactions.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import { eventually, Program } from "../support/program.ts";
import { integers, sampleSketches } from "../support/samples.ts";

export const ACCOUNTS = { builder: 5, server: 6, operator: 7, customer: 8, treasury: 9 };
export const COUNTS = [150, 90, 20];
const K = 128;
export const PRODUCTION_CHAIN = 424242;
export const TOKEN = "records token";
export const DEPOSIT = 1_000_000n;
const MNEMONIC = "test test test test test test test test test test test junk";

/** Private key of one of Hardhat's published accounts. */
export const privateKey = (index: number) =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`).privateKey;

/** A model for sale: who meters its calls, and who buys them. */
type Sold = { modelId: bigint; commitmentId: string; meter: Meter; buyer: Customer };

/** A chain with one model whose sketches are committed, and a server that sells its completions and hands out records. */
export class World {
  readonly chain: LocalChain;
  readonly folder: string;
  readonly #datanetId: bigint;
  readonly #models: Sold[] = [];
  /** Changes what the server hands out. */
  tamper: (records: AttributedReceipt[]) => AttributedReceipt[] = (records) => records;
  /** Sketch of a completion, by the length of its prompt. */
  sketch = (epochId: bigint, length: number) => integers(`query ${epochId} ${length}`, K, 9);
  #server: Server | undefined;
  #port = 0;
  readonly #production: ExportedKey | undefined;

  private constructor(chain: LocalChain, folder: string, datanetId: bigint, production: ExportedKey | undefined) {
    this.#production = production;
    this.chain = chain;
    this.folder = folder;
    this.#datanetId = datanetId;
  }

  /**
   * @param production An exported key, for a chain that takes no development keys.
   * @param timing Seconds in place of a local chain's.
   */
  static async start(production?: ExportedKey, timing: Partial<Timing> = {}): Promise<World> {
    const { builder, operator, customer, treasury } = ACCOUNTS;
    const folder = mkdtempSync(join(tmpdir(), "openledger-operator-"));
    const key = production?.verifying ?? (await verifyingKey(await devKey(INSTANCES.r210)));
    const chain = await startLocalChain(operator, treasury, key, {
      timing,
      ...(production && { production: { chainId: PRODUCTION_CHAIN, tauG2: production.srs.tauG2 } }),
    });
    const { datanets } = chain.as(builder);
    const owner = await chain.account(builder).getAddress();
    const created = await mined(datanets.create(owner, "Test", "MIT", ""));
    const datanetId = emitted(datanets, "DatanetCreated", created).datanetId as bigint;
    for (const [c, rows] of COUNTS.entries())
      await mined(chain.as(c + 1).datanets.contribute(datanetId, `cid ${c}`, rows, id(`rows ${c}`)));
    await mined(datanets.review([1n, 2n, 3n], true, ""));
    await mined(datanets.freeze(datanetId));
    await mined(chain.token.mint(chain.account(customer), DEPOSIT));
    const world = new World(chain, folder, datanetId, production);
    await world.addModel("first");
    await world.#models[0]!.buyer.deposit(DEPOSIT);
    await world.serve();
    return world;
  }

  /** Publishes, mints and registers a model, and opens its epoch 0. */
  async addModel(name: string, changes: { manifestRows?: Int8Array } = {}): Promise<bigint> {
    const { builder, server, customer } = ACCOUNTS;
    const protocol = this.chain.as(builder);
    const rows = sampleSketches(260, K);
    const store = this.#store;
    const manifest = await this.#publish(name, rows, changes.manifestRows);
    const split = { data: 5000, owner: 2000, server: 2000, operator: 500, protocol: 500 };
    const terms = { token: await this.chain.token.getAddress(), inputPrice: 100_000n, outputPrice: 400_000n, split };
    const { modelId } = await mintModel(protocol.models, store, manifest, terms);
    const commitmentId = await this.#register(modelId, rows);
    await mined(protocol.splitter.openEpoch(modelId));
    const seller = this.chain.account(server);
    const journal = join(this.folder, `${modelId}.jsonl`);
    const meter = await Meter.open(this.chain.as(server), seller, modelId, journal);
    const payer = this.chain.account(customer);
    const buyer = await Customer.open(this.chain.as(customer), payer, modelId, await seller.getAddress());
    this.#models.push({ modelId, commitmentId, meter, buyer });
    return modelId;
  }

  get #store(): ContentStore {
    return new ContentStore(join(this.folder, "content"));
  }

  /** Publishes the sketches of an adapter; `rows` are committed, `published` may be others. */
  async #publish(name: string, rows: Int8Array, published = rows) {
    const store = this.#store;
    return {
      name,
      methodVersion: 1,
      base: { name: "base", hash: id("base") },
      adapter: { hash: id(`adapter ${name}`), config: "config", weights: "weights" },
      sketches: {
        rows: await store.put(int8Bytes(published)),
        basis: "basis",
        description: await store.put(canonicalJson({ k: K, m0: leastMovement({ rows, k: K }, rows) })),
      },
      versions: [{ datanetId: String(this.#datanetId), version: "1" }],
      training: {},
    };
  }

  async #register(modelId: bigint, rows: Int8Array): Promise<string> {
    const protocol = this.chain.as(ACCOUNTS.builder);
    const sketches = { k: K, m0: leastMovement({ rows, k: K }, rows), rows };
    const srs = this.#production?.srs ?? (await devSrs(260));
    const { commitmentId } = await registerSketches(protocol, modelId, this.chain.vkId, sketches, srs);
    return commitmentId;
  }

  /** Names a retrained adapter, whose rows' sketches stand in another order, and commits them. */
  async retrain(): Promise<string> {
    const before = sampleSketches(260, K);
    const rows = new Int8Array(before.length);
    for (let i = 0; i < 260; i++) rows.set(before.subarray((259 - i) * K, (260 - i) * K), i * K);
    const manifest = await this.#publish("retrained", rows);
    const bytes = canonicalJson(manifest);
    const named = {
      manifestHash: manifestHash(bytes),
      manifestCid: await this.#store.put(bytes),
      baseHash: manifest.base.hash,
      adapterHash: manifest.adapter.hash,
      methodVersion: 1,
    };
    const { models } = this.chain.as(ACCOUNTS.builder);
    await mined(models.retrain(this.modelId, named, manifest.versions));
    return this.#register(this.modelId, rows);
  }

  get modelId(): bigint {
    return this.#models[0]!.modelId;
  }

  get commitmentId(): string {
    return this.#models[0]!.commitmentId;
  }

  #sold(modelId: bigint): Sold {
    return this.#models.find((one) => one.modelId === modelId)!;
  }

  /** Hands out records over HTTP, at the same address each time. */
  async serve(): Promise<void> {
    this.#server = createServer(async (request, answer) => {
      const { searchParams, pathname } = new URL(request.url!, "http://localhost");
      if (pathname !== "/openledger/records" || request.headers.authorization !== `Bearer ${TOKEN}`)
        return answer.writeHead(401).end("not for you");
      const epochId = BigInt(searchParams.get("epoch")!);
      const model = this.#models.find(({ modelId }) => String(modelId) === searchParams.get("model"));
      if (!model) return answer.writeHead(404).end('{"error":{"code":"MODEL_UNKNOWN"}}');
      const records = await model.meter.records(epochId, async (calls) =>
        calls.map(({ promptIds }) => this.sketch(epochId, promptIds.length)),
      );
      answer.end(encodeAttributed(this.tamper(records)));
    });
    await new Promise<void>((done) => this.#server!.listen(this.#port, "127.0.0.1", done));
    this.#port = (this.#server.address() as { port: number }).port;
  }

  async stopServing(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  /** Sells three completions in the open epoch, whose id is returned, and lets the epoch's time pass. */
  async sell(modelId = this.modelId): Promise<bigint> {
    const { meter, buyer } = this.#sold(modelId);
    for (const length of [10, 20, 30]) {
      const { voucher, voucherSignature } = await buyer.voucher(length, 2);
      const answer = { promptIds: Array<number>(length).fill(1), completionIds: [2, 3] };
      buyer.accept(await meter.serve(voucher, voucherSignature, length, 2, () => answer), {
        inputPrice: 100_000n,
        outputPrice: 400_000n,
      });
    }
    const epochId = await this.splitter.currentEpoch(modelId);
    await this.chain.wait(600);
    return epochId;
  }

  /** Takes what the epoch sold from the escrow, and ends the time for that. */
  async redeem(epochId: bigint, modelId = this.modelId): Promise<void> {
    await this.#sold(modelId).meter.redeem(epochId);
    await this.chain.wait(61);
  }

  get splitter() {
    return this.chain.as(ACCOUNTS.operator).splitter;
  }

  /** Waits until the epoch is as `test` wants it. */
  async until(
    epochId: bigint,
    test: (epoch: Awaited<ReturnType<typeof this.splitter.epoch>>) => boolean,
    what: string,
    modelId = this.modelId,
  ): Promise<void> {
    await eventually(async () => test(await this.splitter.epoch(modelId, epochId)), `epoch ${epochId} ${what}`);
  }

  /** What a configuration file says for this world. */
  configuration(dataDir: string) {
    return {
      rpc: this.chain.url,
      chainId: this.#production ? PRODUCTION_CHAIN : 31337,
      addresses: this.chain.addresses,
      pollSeconds: 0.3,
      retrySeconds: 1,
      dataDir,
      port: 0,
      content: join(this.folder, "content"),
      servers: [{ url: `http://127.0.0.1:${this.#port}` }],
    };
  }

  config = (changes: object = {}) => parseConfig({ ...this.configuration("data"), ...changes }, this.folder);

  /** Path of a file with this world's configuration. */
  configFile(changes: object = {}): string {
    const path = join(this.folder, "operator.json");
    writeFileSync(path, JSON.stringify({ ...this.configuration("data"), ...changes }));
    return path;
  }

  async close(): Promise<void> {
    await this.stopServing();
    await this.chain.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** A program of ours in a process of its own, as the operator. */
export const program = (script: string, args: string[], env: Record<string, string> = {}) =>
  new Program(script, args, {
    OPENLEDGER_OPERATOR_KEY: privateKey(ACCOUNTS.operator),
    OPENLEDGER_RECORDS_TOKEN: TOKEN,
    ...env,
  });
