import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { HDNodeWallet, id, Mnemonic } from "ethers";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { type LocalChain, startLocalChain } from "../../deploy/local.ts";
import { Customer } from "../../openlora/customer.ts";
import { Meter } from "../../openlora/meter.ts";
import { parseConfig } from "../../prover/daemon/config.ts";
import { registerSketches } from "../../prover/register.ts";
import { type AttributedReceipt, encodeAttributed } from "../../sdk/receipts.ts";
import { emitted, mined } from "../../sdk/transactions.ts";
import { saveSketches } from "../../trainer/attribution/artifact.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import { integers, sampleSketches } from "../support/samples.ts";

export const ACCOUNTS = { builder: 5, server: 6, operator: 7, customer: 8, treasury: 9 };
export const COUNTS = [150, 90, 20];
const K = 128;
export const TOKEN = "records token";
export const DEPOSIT = 1_000_000n;
const MNEMONIC = "test test test test test test test test test test test junk";

/** Private key of one of Hardhat's published accounts. */
export const privateKey = (index: number) =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`).privateKey;

/** A chain with one model whose sketches are committed, and a server that sells its completions and hands out records. */
export class World {
  readonly chain: LocalChain;
  readonly folder: string;
  readonly modelId: bigint;
  readonly commitmentId: string;
  /** Changes what the server hands out. */
  tamper: (records: AttributedReceipt[]) => AttributedReceipt[] = (records) => records;
  /** Sketch of a completion, by the length of its prompt. */
  sketch = (epochId: bigint, length: number) => integers(`query ${epochId} ${length}`, K, 9);
  readonly #meter: Meter;
  readonly #customer: Customer;
  #server: Server | undefined;
  #port = 0;

  private constructor(
    chain: LocalChain,
    folder: string,
    modelId: bigint,
    commitmentId: string,
    meter: Meter,
    customer: Customer,
  ) {
    this.chain = chain;
    this.folder = folder;
    this.modelId = modelId;
    this.commitmentId = commitmentId;
    this.#meter = meter;
    this.#customer = customer;
  }

  static async start(): Promise<World> {
    const { builder, server, operator, customer, treasury } = ACCOUNTS;
    const folder = mkdtempSync(join(tmpdir(), "openledger-operator-"));
    const chain = await startLocalChain(operator, treasury, await verifyingKey(await devKey(INSTANCES.r210)));
    const { datanets, models, splitter } = chain.as(builder);
    const owner = await chain.account(builder).getAddress();
    const created = await mined(datanets.create(owner, "Test", "MIT", ""));
    const datanetId = emitted(datanets, "DatanetCreated", created).datanetId as bigint;
    for (const [c, rows] of COUNTS.entries())
      await mined(chain.as(c + 1).datanets.contribute(datanetId, `cid ${c}`, rows, id(`rows ${c}`)));
    await mined(datanets.review([1n, 2n, 3n], true, ""));
    await mined(datanets.freeze(datanetId));
    const manifest = {
      manifestHash: id("manifest"),
      manifestCid: "manifest",
      baseHash: id("base"),
      adapterHash: id("adapter"),
      methodVersion: 1n,
    };
    const split = { data: 5000n, owner: 2000n, server: 2000n, operator: 500n, protocol: 500n };
    const terms = { token: await chain.token.getAddress(), inputPrice: 100_000n, outputPrice: 400_000n, split };
    const minted = await mined(models.mint(manifest, [{ datanetId, version: 1n }], terms));
    const modelId = emitted(models, "ModelMinted", minted).modelId as bigint;

    const rows = sampleSketches(260, K);
    saveSketches(join(folder, "sketches"), {
      rows,
      count: 260,
      k: K,
      basis: {
        basis: { data: new Float32Array(K), shape: [1, K] },
        k: K,
        eigenvalues: Array<number>(K).fill(1),
        damping: 0.1,
        energyKept: 1,
      },
      weights: Array<number>(260).fill(1),
      m0: leastMovement({ rows, k: K }, rows),
      alpha: 1,
      modules: ["q_proj"],
    });
    const protocol = chain.as(builder);
    const { commitmentId } = await registerSketches(protocol, modelId, chain.vkId, rows, K, await devSrs(260));
    await mined(splitter.openEpoch(modelId));

    const seller = chain.account(server);
    const meter = await Meter.open(chain.as(server), seller, modelId, join(folder, "calls.jsonl"));
    const buyer = await Customer.open(chain.as(customer), chain.account(customer), modelId, await seller.getAddress());
    await mined(chain.token.mint(chain.account(customer), DEPOSIT));
    await buyer.deposit(DEPOSIT);
    const world = new World(chain, folder, modelId, commitmentId, meter, buyer);
    await world.serve();
    return world;
  }

  /** Hands out records over HTTP, at the same address each time. */
  async serve(): Promise<void> {
    this.#server = createServer(async (request, answer) => {
      const { searchParams, pathname } = new URL(request.url!, "http://localhost");
      if (pathname !== "/openledger/records" || request.headers.authorization !== `Bearer ${TOKEN}`)
        return answer.writeHead(401).end("not for you");
      const epochId = BigInt(searchParams.get("epoch")!);
      const records = await this.#meter.records(epochId, async (calls) =>
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
  async sell(): Promise<bigint> {
    for (const length of [10, 20, 30]) {
      const { voucher, voucherSignature } = await this.#customer.voucher(length, 2);
      const answer = { promptIds: Array<number>(length).fill(1), completionIds: [2, 3] };
      this.#customer.accept(await this.#meter.serve(voucher, voucherSignature, length, 2, () => answer), {
        inputPrice: 100_000n,
        outputPrice: 400_000n,
      });
    }
    const epochId = await this.splitter.currentEpoch(this.modelId);
    await this.chain.wait(600);
    return epochId;
  }

  /** Takes what the epoch sold from the escrow, and ends the time for that. */
  async redeem(epochId: bigint): Promise<void> {
    await this.#meter.redeem(epochId);
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
  ): Promise<void> {
    await eventually(async () => test(await this.splitter.epoch(this.modelId, epochId)), `epoch ${epochId} ${what}`);
  }

  /** What a configuration file says for this world. */
  configuration(dataDir: string) {
    return {
      rpc: this.chain.url,
      chainId: 31337,
      addresses: this.chain.addresses,
      pollSeconds: 0.3,
      retrySeconds: 1,
      dataDir,
      port: 0,
      models: [
        {
          modelId: String(this.modelId),
          sketches: join(this.folder, "sketches"),
          servers: [{ url: `http://127.0.0.1:${this.#port}` }],
        },
      ],
    };
  }

  config = (changes: object = {}) => parseConfig({ ...this.configuration("data"), ...changes }, this.folder);

  /** Path of a file with this world's configuration. */
  configFile(): string {
    const path = join(this.folder, "operator.json");
    writeFileSync(path, JSON.stringify(this.configuration("data")));
    return path;
  }

  async close(): Promise<void> {
    await this.stopServing();
    await this.chain.close();
    rmSync(this.folder, { recursive: true });
  }
}

export async function eventually(test: () => Promise<boolean>, what: string, seconds = 20): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(100)) if (await test()) return;
  throw new Error(`In ${seconds} s it did not come to this: ${what}.`);
}

/** A program of ours in a process of its own. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  output = "";

  constructor(script: string, args: string[], env: Record<string, string> = {}) {
    const path = new URL(`../../${script}`, import.meta.url).pathname;
    const known = { OPENLEDGER_OPERATOR_KEY: privateKey(ACCOUNTS.operator), OPENLEDGER_RECORDS_TOKEN: TOKEN };
    this.child = spawn(process.execPath, [path, ...args], { env: { ...process.env, ...known, ...env } });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on("data", (data: Buffer) => {
        this.output += data.toString();
      });
    this.ended = new Promise((done) => this.child.on("close", (code, signal) => done({ code, signal })));
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(async () => pattern.test(this.output), `${pattern} in\n${this.output}`);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.ended;
  }
}
