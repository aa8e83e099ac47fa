import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { JsonRpcProvider, Network, parseUnits } from "ethers";
import type { FastifyInstance } from "fastify";
import { ContentStore } from "../../sdk/content-store.ts";
import { type Protocol, protocol } from "../../sdk/contracts.ts";
import { readKey } from "../../sdk/key.ts";
import { stopProver } from "../groth16.ts";
import { requireKeys } from "../keys.ts";
import { auditorsToken, OPERATOR_KEY, type OperatorConfig } from "./config.ts";
import { type Database, openDatabase } from "./database.ts";
import { serve } from "./http.ts";
import { Lock } from "./lock.ts";
import { type Due, epochCount, look, moment, type Role, type Sight } from "./look.ts";
import { Metrics } from "./metrics.ts";
import { Models } from "./models.ts";
import { Problems } from "./problems.ts";
import { ProofStore } from "./proofs.ts";
import { ReceiptsStore } from "./receipts.ts";
import { roleOf } from "./role.ts";
import { Sender } from "./sender.ts";
import { Steps } from "./steps.ts";

type Job = { modelId: string; epochId: string; due: Due };

/** Longest that one step may take; proving a large model is hours. */
const STEP_SECONDS = 23 * 3600;
const LONGEST_DELAY = 300;
/** An answer that comes too late costs the stake. */
const LONGEST_DELAY_OF_ANSWERS = 30;

/** A provider that asks the chain anew each time and does not go looking for what network it is on. */
export const connect = ({ rpc, chainId }: Pick<OperatorConfig, "rpc" | "chainId">): JsonRpcProvider =>
  new JsonRpcProvider(rpc, chainId, { staticNetwork: Network.from(chainId), cacheTimeout: -1, pollingInterval: 500 });

/** Drives every epoch of its models to settlement: looks at the chain, queues what is due, does it. */
export class Daemon {
  readonly steps: Steps;
  readonly sender: Sender;
  readonly proofs: ProofStore;
  readonly receipts: ReceiptsStore;
  readonly #config: OperatorConfig;
  readonly #lock: Lock;
  readonly #database: Database;
  readonly #rpc: JsonRpcProvider;
  readonly #protocol: Protocol;
  readonly #models: Models;
  readonly #metrics = new Metrics();
  readonly #problems = new Problems();
  /** Each operator's own, so that several can share a Postgres. */
  readonly #queues: Record<"answers" | "epochs", string>;
  readonly #finished = new Map<string, Sight>();
  readonly #shown = new Map<string, string>();
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  #role!: Role;
  #looked = 0;
  #app: FastifyInstance | undefined;
  #loop: Promise<void> = Promise.resolve();

  private constructor(config: OperatorConfig, lock: Lock, database: Database, rpc: JsonRpcProvider, sender: Sender) {
    this.#config = config;
    this.#lock = lock;
    this.#database = database;
    this.#rpc = rpc;
    this.sender = sender;
    const queue = (name: string) => `${name}-${config.chainId}-${sender.address}`;
    this.#queues = { answers: queue("answers"), epochs: queue("epochs") };
    this.#protocol = protocol(config.addresses, sender);
    this.proofs = new ProofStore(join(config.dataDir, "proofs"));
    this.receipts = new ReceiptsStore(join(config.dataDir, "receipts"));
    this.#models = new Models(this.#protocol, config);
    const store = new ContentStore(config.content);
    this.steps = new Steps(this.#protocol, sender.address, store, config, this.proofs, this.receipts, log, {
      folder: join(config.dataDir, "chunks"),
      workers: config.workers,
      memoryMB: config.memoryMB,
      signal: this.#stopping.signal,
      onChunk: ({ done, chunks }) => log(`chunk ${done} of ${chunks} proven`),
    });
  }

  /** Takes the data directory and opens what stands in it. */
  static async open(config: OperatorConfig): Promise<Daemon> {
    requireKeys(config.chainId, config.keys);
    auditorsToken();
    const key = await readKey(OPERATOR_KEY, config.keystore);
    const lock = await Lock.take(config.dataDir);
    const database = await openDatabase(config.dataDir);
    const rpc = connect(config);
    const { chainId, confirmations, bumpSeconds, maxFeeGwei } = config;
    const maxFeePerGas = parseUnits(String(maxFeeGwei), "gwei");
    const options = { chainId, confirmations, bumpSeconds, maxFeePerGas, say: log };
    const sender = await Sender.open(key, rpc, database, options);
    return new Daemon(config, lock, database, rpc, sender);
  }

  /** @returns address of the health and metrics server */
  async start(): Promise<string> {
    const { port, pollSeconds, retrySeconds } = this.#config;
    const fresh = () => Date.now() - this.#looked < Math.max(30, 5 * pollSeconds) * 1000;
    const { app, url } = await serve(port, this.#metrics, this.#problems, fresh, {
      token: auditorsToken(),
      treeFile: async (modelId, epochId) => {
        if (epochId >= (await epochCount(this.#protocol, modelId, await moment(this.#rpc, 1)))) return undefined;
        const { receiptsRoot } = await this.#protocol.splitter.epoch(modelId, epochId);
        return this.receipts.treeFile(receiptsRoot);
      },
    });
    this.#app = app;
    this.#lock.publish(url);
    const { boss } = this.#database;
    for (const [name, retryDelayMax] of [
      [this.#queues.answers, LONGEST_DELAY_OF_ANSWERS],
      [this.#queues.epochs, LONGEST_DELAY],
    ] as const) {
      await boss.createQueue(name, {
        policy: "exclusive", // one job a step, however often it is seen to be due
        expireInSeconds: STEP_SECONDS,
        retryLimit: 1000,
        retryDelay: retrySeconds,
        retryBackoff: true,
        retryDelayMax,
      });
      // What a killed daemon had begun would be held back until it expires; what is due is seen again at the first look.
      await boss.deleteAllJobs(name);
      await boss.work<Job>(name, { batchSize: 1, pollingIntervalSeconds: 0.5 }, async ([job]) => this.#do(job!.data));
    }
    this.#loop = this.#watch();
    return url;
  }

  /** Lets the step under way end, of proving the finished chunks only, then gives everything back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#loop;
    await this.#app?.close();
    await this.#database.close();
    this.#rpc.destroy();
    await stopProver();
    this.#lock.release();
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      try {
        await this.#look();
        this.#looked = Date.now();
        this.#problems.solved("the chain");
      } catch (error) {
        this.#failed("the chain", error);
      }
      // A step that was done ends the pause: the next one may be due at once.
      await pause(this.#config.pollSeconds * 1000, undefined, { signal: this.#wake.signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const [config, account] = [this.#config, this.sender.address];
    this.#role = await roleOf(this.#protocol, account, this.#rpc, config, this.proofs, this.receipts);
    const at = await moment(this.#rpc, config.confirmations);
    const sights: Sight[] = [];
    for (const modelId of await this.#models.list(at.blockTag)) {
      const count = await epochCount(this.#protocol, modelId, at);
      for (let epochId = 0n; epochId < count; epochId++) {
        const name = `model ${modelId} epoch ${epochId}`;
        const sight = this.#finished.get(name) ?? (await look(this.#protocol, this.#role, modelId, epochId, at));
        if (sight.finished) {
          this.#finished.set(name, sight);
          for (const what of [name, `${name}, demands`]) this.#problems.solved(what);
        }
        sights.push(sight);
        this.#show(name, sight);
        if (sight.due) await this.#queue({ modelId: String(modelId), epochId: String(epochId), due: sight.due });
      }
    }
    this.#metrics.block.set(at.blockTag);
    this.#metrics.epochs.reset();
    for (const { modelId, state } of sights) this.#metrics.epochs.inc({ model: String(modelId), state });
  }

  async #queue(job: Job): Promise<void> {
    // In a queue of their own, answers wait for no proof.
    const queue = job.due === "answer" ? this.#queues.answers : this.#queues.epochs;
    await this.#database.boss.send(queue, job, { singletonKey: `${job.modelId}/${job.epochId}/${job.due}` });
  }

  /** One step, if the chain still says that it is due. */
  async #do(job: Job): Promise<void> {
    const [modelId, epochId] = [BigInt(job.modelId), BigInt(job.epochId)];
    const name = `model ${modelId} epoch ${epochId}`;
    // Of their own, since what is done beside them says nothing of them.
    const what = job.due === "answer" ? `${name}, demands` : name;
    try {
      await this.sender.finish();
      const sight = await look(this.#protocol, this.#role, modelId, epochId, await moment(this.#rpc, 1));
      if (sight.due === job.due) {
        const started = performance.now();
        await this.steps[job.due](modelId, epochId);
        await this.sender.finish();
        const seconds = (performance.now() - started) / 1000;
        this.#metrics.steps.inc({ step: job.due });
        if (job.due === "prove") this.#metrics.provingSeconds.observe(seconds);
        else if (job.due !== "check") this.#metrics.transactions.inc();
        log(`${name}: ${job.due} done in ${seconds.toFixed(1)} s`);
      }
      this.#problems.solved(what);
      this.#wake.abort();
    } catch (error) {
      this.#failed(what, error);
      throw error; // the queue tries again, later each time
    }
  }

  #failed(what: string, error: unknown): void {
    const { code, message, attempts } = this.#problems.add(what, error);
    this.#metrics.errors.inc({ code });
    // The first attempts, then ever fewer: the same line hundreds of times hides the others.
    if (Number.isInteger(Math.log2(attempts))) log(`${what}: attempt ${attempts} failed: ${message}`);
  }

  #show(name: string, { state }: Sight): void {
    if (this.#shown.get(name) !== state) log(`${name}: ${state}`);
    this.#shown.set(name, state);
  }
}

const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
