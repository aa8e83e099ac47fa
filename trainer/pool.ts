import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type BackendName, ONNX_PROVIDERS } from "./backends.ts";
import type { Base } from "./base.ts";
import type { Decoding, Gradients, Matrix, Reduce } from "./engine.ts";
import type { Example } from "./examples.ts";
import type { Adapter } from "./lora.ts";
import { memoryHere, type Place, predictMemory } from "./memory.ts";
import { formatOfAll, type PackedTensor, type WeightFormat } from "./packed.ts";

/** What a thread can be asked for, and what it answers: see Engine; `product` is a·b with either side transposed. */
interface Tasks {
  gradients: {
    task: {
      adapter: Adapter;
      examples: readonly Example[];
      alpha: number;
      reduce: Reduce;
      /** See Engine; where it is not said, if it would not fit into memory otherwise. */
      recompute?: boolean;
    };
    result: Gradients;
  };
  losses: { task: { adapter: Adapter | undefined; examples: readonly Example[] }; result: Float32Array };
  tokenLosses: { task: { adapter: Adapter | undefined; examples: readonly Example[] }; result: Float32Array[] };
  generate: { task: { adapter: Adapter | undefined; prompt: readonly number[]; decoding: Decoding }; result: number[] };
  product: { task: { a: Matrix; b: Matrix; transposeA: boolean; transposeB: boolean }; result: Float32Array };
}
export type PoolTask = { [Kind in keyof Tasks]: { kind: Kind } & Tasks[Kind]["task"] }[keyof Tasks];

export interface WorkerSetup extends Pick<Base<PackedTensor>, "config" | "weights"> {
  backend: BackendName | undefined;
}

export interface PoolOptions {
  /** Default 2. Results do not depend on it: work is cut and summed the same way for any number of threads. */
  threads?: number;
  /** Default: the first of the ladder that starts; for packed weights onnx, which alone takes them. */
  backend?: BackendName;
  /** Bytes that the process may take; work that would take more is refused. Default: what it has, and what the machine has left. */
  memory?: number;
}

interface Thread {
  worker: Worker;
  /** Aborts when the thread has ended, so that nobody waits for its answer. */
  ended: AbortSignal;
}

/** Threads that each hold the base model on their own backend and share out the tasks. */
export class Pool {
  readonly base: Base<PackedTensor>;
  readonly backend: { name: BackendName; why: string };
  readonly memory: number;
  /** Of the base's weights; results depend on it as on the base. */
  readonly weightFormat: WeightFormat;
  readonly #threads: Thread[];
  readonly #idle: Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];
  /** Bytes that whoever asks needs besides. */
  #reserved = 0;

  private constructor(
    base: Base<PackedTensor>,
    backend: { name: BackendName; why: string },
    threads: Thread[],
    memory: number,
  ) {
    this.base = base;
    this.backend = backend;
    this.memory = memory;
    this.weightFormat = formatOfAll(base.weights.values());
    this.#threads = threads;
    this.#idle = [...threads];
  }

  static async start(base: Base<PackedTensor>, options: PoolOptions = {}): Promise<Pool> {
    const { threads = 2, memory } = options;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new OpenLedgerError("TRAINER_POOL", `threads is ${threads}; it must be an integer of at least 1`);
    }
    const weightFormat = formatOfAll(base.weights.values());
    const backend = options.backend ?? (weightFormat === "f32" ? undefined : "onnx");
    if (weightFormat !== "f32" && !(backend! in ONNX_PROVIDERS)) {
      const problem = `backend ${backend} takes weights as f32 only, not as ${weightFormat}`;
      throw new OpenLedgerError("TRAINER_POOL", `${problem}; use backend onnx, or load the base as f32`);
    }
    const workerData: WorkerSetup = { config: base.config, weights: base.weights, backend };
    const all = Array.from({ length: threads }, (): Thread => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData });
      const ended = new AbortController();
      worker.once("exit", () => ended.abort());
      return { worker, ended: ended.signal };
    });
    try {
      const ready = await Promise.all(all.map(({ worker }) => once(worker, "message")));
      return new Pool(base, ready[0]![0].result, all, memory ?? memoryHere());
    } catch (cause) {
      await Promise.all(all.map(({ worker }) => worker.terminate()));
      const message = `a thread did not start on backend ${backend ?? "(first of the ladder)"}; try another backend`;
      throw new OpenLedgerError("TRAINER_POOL", message, { cause });
    }
  }

  /** Where gradients are computed, for predictions of memory. */
  get place(): Place {
    const { weightFormat, memory } = this;
    const [{ config }, { name: backend }] = [this.base, this.backend];
    const reserve = (bytes: number) => {
      this.#reserved = bytes;
    };
    return { config, weightFormat, backend, threads: this.#threads.length, memory, reserve };
  }

  /** Runs a task on the next free thread. */
  async run<Kind extends keyof Tasks>(kind: Kind, task: Tasks[Kind]["task"]): Promise<Tasks[Kind]["result"]> {
    const thread = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    const { worker, ended: signal } = thread;
    try {
      worker.postMessage({ kind, ...task, ...("reduce" in task && { recompute: this.#recomputes(task) }) });
      const [{ result, error }] = await once(worker, "message", { signal });
      if (error !== undefined) throw error;
      return result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(thread);
      else next(thread);
    }
  }

  #recomputes({ recompute, adapter: { lora }, examples, reduce }: Tasks["gradients"]["task"]): boolean {
    if (recompute !== undefined) return recompute;
    const length = Math.max(...examples.map(({ ids }) => ids.length - 1), 1);
    const work = { lora, batch: examples.length, length, reduce };
    return predictMemory(this.place, work).total + this.#reserved > this.memory;
  }

  /** Stops the threads; tasks that are still running or waiting fail. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }
}
