import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  getLlama,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
  type Token,
  TokenBias,
} from "node-llama-cpp";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Base } from "../trainer/base.ts";
import { encodeBase } from "../trainer/gguf.ts";

export type EngineOptions = {
  /** CPU threads in all. Default 2. */
  threads?: number;
  /** Requests computed at once. Default 4. */
  slots?: number;
  /** Adapters kept ready to compute, each with its own key and value cache. Default 8, at least `slots`. */
  ready?: number;
  /** Requests that may wait. Default 64. */
  queue?: number;
};

export type Decoding = {
  /** Path of the adapter's GGUF file, which never changes; none for the bare base. */
  adapter: string | undefined;
  promptIds: number[];
  /** Prompt and completion together have at most one token more than the base's context. */
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  seed: number;
  /** Ends the decoding; what was decoded until then is the answer. */
  signal: AbortSignal;
  /** Sees each token as soon as it is chosen. */
  onToken: (id: number) => void;
};

export type Decoded = { ids: number[]; finish: "stop" | "length" | "cancelled" };

type Waiting = { decoding: Decoding; overtaken: number; done: PromiseWithResolvers<Decoded> };
type Ready = { context: Promise<LlamaContext>; busy: number };

/** A request waits for at most this many that came after it, whose adapters were ready. */
const MOST_OVERTAKEN = 8;

/**
 * One base model in memory and any number of adapters over it. Each adapter computes in contexts of its own, so that no
 * cached key or value of one can reach another; requests whose adapter is ready go first, within bounds.
 */
export class LlamaEngine {
  readonly base: Base;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #folder: string;
  readonly #options: Required<EngineOptions>;
  readonly #unbiased: TokenBias;
  /** Keeps the first token from ending the answer: an answer of nothing could be neither charged nor attributed. */
  readonly #noEnd: TokenBias;
  /** By adapter, least recently used first. */
  readonly #ready = new Map<string, Ready>();
  readonly #waiting: Waiting[] = [];
  #running = 0;

  private constructor(base: Base, llama: Llama, model: LlamaModel, folder: string, options: Required<EngineOptions>) {
    this.base = base;
    this.#llama = llama;
    this.#model = model;
    this.#folder = folder;
    this.#options = options;
    this.#unbiased = new TokenBias(model.tokenizer);
    this.#noEnd = new TokenBias(model.tokenizer).set([...base.tokenizer.vocabulary.special] as Token[], "never");
  }

  static async start(
    base: Base,
    { threads = 2, slots = 4, ready = 8, queue = 64 }: EngineOptions = {},
  ): Promise<LlamaEngine> {
    const folder = mkdtempSync(join(tmpdir(), "openlora-"));
    try {
      const modelPath = join(folder, "base.gguf");
      writeFileSync(modelPath, encodeBase(base));
      // llama.cpp left to itself takes every core it sees, which is slower by orders where they are shared.
      const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error });
      const model = await llama.loadModel({ modelPath });
      return new LlamaEngine(base, llama, model, folder, { threads, slots, ready: Math.max(ready, slots), queue });
    } catch (cause) {
      rmSync(folder, { recursive: true });
      throw new OpenLedgerError(
        "ENGINE_START",
        `llama.cpp did not start on base ${base.name}. Run \`npm ci\` again and check that the base is a Llama.`,
        { cause },
      );
    }
  }

  /**
   * Decodes at least one token, unless cancelled before it.
   * @throws OpenLedgerError `ENGINE_BUSY` when too many requests wait, `ENGINE_TOO_LONG`.
   */
  decode(decoding: Decoding): Promise<Decoded> {
    const { promptIds, maxTokens } = decoding;
    const { context } = this.base.config;
    if (promptIds.length < 1 || maxTokens < 1 || promptIds.length + maxTokens > context + 1)
      throw new OpenLedgerError(
        "ENGINE_TOO_LONG",
        `A prompt of ${promptIds.length} tokens and ${maxTokens} to decode do not fit a context of ${context}. Shorten either.`,
      );
    if (this.#waiting.length >= this.#options.queue)
      throw new OpenLedgerError("ENGINE_BUSY", `${this.#waiting.length} requests wait already. Try again in a second.`);
    const done = Promise.withResolvers<Decoded>();
    this.#waiting.push({ decoding, overtaken: 0, done });
    this.#next();
    return done.promise;
  }

  /** Requests being computed and waiting. */
  get load(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  async close(): Promise<void> {
    await this.#llama.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #next(): void {
    while (this.#running < this.#options.slots && this.#waiting.length > 0) {
      const { decoding, done } = this.#take();
      this.#running++;
      void this.#run(decoding)
        .finally(() => this.#running--)
        .then(done.resolve, done.reject)
        .finally(() => this.#next());
    }
  }

  /** The first whose adapter is ready, unless the first of all has been overtaken often enough. */
  #take(): Waiting {
    const first = this.#waiting[0]!;
    const warm = this.#waiting.findIndex(({ decoding }) => this.#ready.has(decoding.adapter ?? ""));
    const at = first.overtaken < MOST_OVERTAKEN && warm > 0 ? warm : 0;
    if (at > 0) first.overtaken++;
    return this.#waiting.splice(at, 1)[0]!;
  }

  async #run({ adapter, promptIds, maxTokens, temperature, seed, signal, onToken }: Decoding): Promise<Decoded> {
    const ids: number[] = [];
    if (signal.aborted) return { ids, finish: "cancelled" };
    const ready = await this.#acquire(adapter);
    try {
      const sequence = (await ready.context).getSequence();
      try {
        const tokens = sequence.evaluate(promptIds as Token[], {
          temperature,
          seed,
          topK: 0,
          topP: 1,
          tokenBias: () => (ids.length === 0 ? this.#noEnd : this.#unbiased),
        });
        for await (const id of tokens) {
          if (signal.aborted) return { ids, finish: "cancelled" };
          ids.push(id);
          onToken(id);
          if (ids.length === maxTokens) return { ids, finish: "length" };
        }
        return { ids, finish: "stop" };
      } finally {
        await sequence.dispose();
      }
    } finally {
      ready.busy--;
    }
  }

  /** The adapter's context, made if need be in the place of the one unused for longest. */
  async #acquire(adapter = ""): Promise<Ready> {
    const known = this.#ready.get(adapter);
    if (known) {
      this.#ready.delete(adapter);
      this.#ready.set(adapter, known);
      known.busy++;
      return known;
    }
    const context = this.#evict().then(() => this.#createContext(adapter));
    const made: Ready = { context, busy: 1 };
    this.#ready.set(adapter, made);
    context.catch(() => this.#ready.delete(adapter)); // so that the next request tries again
    return made;
  }

  async #createContext(adapter: string): Promise<LlamaContext> {
    try {
      return await this.#model.createContext({
        contextSize: this.base.config.context + 1,
        sequences: this.#options.slots,
        threads: this.#options.threads,
        ...(adapter === "" ? {} : { lora: adapter }),
      });
    } catch (cause) {
      throw new OpenLedgerError(
        "ENGINE_ADAPTER",
        `llama.cpp cannot load ${adapter || "the base"}. Check its file and the free memory.`,
        { cause },
      );
    }
  }

  async #evict(): Promise<void> {
    if (this.#ready.size < this.#options.ready) return;
    for (const [adapter, { context, busy }] of this.#ready)
      if (busy === 0) {
        this.#ready.delete(adapter);
        await (await context).dispose();
        return;
      }
  }
}
