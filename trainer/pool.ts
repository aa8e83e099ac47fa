import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { BackendName } from "./backends.ts";
import type { Base } from "./base.ts";
import type { Decoding, Gradients } from "./engine.ts";
import type { Example } from "./examples.ts";
import type { Adapter } from "./lora.ts";

/** A row-major matrix. */
export interface Matrix {
  data: Float32Array;
  shape: [number, number];
}

/** What a thread can be asked for, and what it answers: see Engine; `product` is a·b with either side transposed. */
interface Tasks {
  gradients: {
    task: { adapter: Adapter; examples: readonly Example[]; alpha: number; reduce: "none" | "sum" };
    result: Gradients;
  };
  losses: { task: { adapter: Adapter | undefined; examples: readonly Example[] }; result: Float32Array };
  generate: { task: { adapter: Adapter | undefined; prompt: readonly number[]; decoding: Decoding }; result: number[] };
  product: { task: { a: Matrix; b: Matrix; transposeA: boolean; transposeB: boolean }; result: Float32Array };
}
export type PoolTask = { [Kind in keyof Tasks]: { kind: Kind } & Tasks[Kind]["task"] }[keyof Tasks];

export interface WorkerSetup extends Pick<Base, "config" | "weights"> {
  backend: BackendName | undefined;
}

export interface PoolOptions {
  /** Default 2. Results do not depend on it: work is cut and summed the same way for any number of threads. */
  threads?: number;
  /** Default: the first of the ladder that starts. */
  backend?: BackendName;
}

/** Threads that each hold the base model on their own backend and share out the tasks. */
export class Pool {
  readonly base: Base;
  readonly backend: { name: BackendName; why: string };
  readonly #workers: Worker[];
  readonly #idle: Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  private constructor(base: Base, backend: { name: BackendName; why: string }, workers: Worker[]) {
    this.base = base;
    this.backend = backend;
    this.#workers = workers;
    this.#idle = [...workers];
  }

  static async start(base: Base, { threads = 2, backend }: PoolOptions = {}): Promise<Pool> {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new OpenLedgerError("TRAINER_POOL", `threads is ${threads}; it must be an integer of at least 1`);
    }
    const workerData: WorkerSetup = { config: base.config, weights: base.weights, backend };
    const workers = Array.from(
      { length: threads },
      () => new Worker(new URL("./worker.ts", import.meta.url), { workerData }),
    );
    try {
      const ready = await Promise.all(workers.map((worker) => once(worker, "message")));
      return new Pool(base, ready[0]![0].result, workers);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
  }

  /** Runs a task on the next free thread. */
  async run<Kind extends keyof Tasks>(kind: Kind, task: Tasks[Kind]["task"]): Promise<Tasks[Kind]["result"]> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    try {
      worker.postMessage({ kind, ...task });
      const [{ result, error }] = await once(worker, "message"); // rejects when the thread dies
      if (error !== undefined) throw error;
      return result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  /** Stops the threads; tasks still running are lost. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
