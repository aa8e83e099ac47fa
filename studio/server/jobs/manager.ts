import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { OpenLedgerError } from "../../../sdk/errors.ts";
import type { Base } from "../bases.ts";
import { JobFiles } from "./files.ts";
import { isOver, type Job, type News, type Task } from "./job.ts";

export type NewJob = Pick<Job, "name" | "datanetId" | "version" | "preset" | "weights" | "rows" | "genesis"> & {
  base: Base;
};

/** Milliseconds between two looks of a listener, and two writes, while a job changes. */
const PACE = 250;
const MOST_WAITING = 20;

/** Trains models one after another, each in a process of its own. */
export class Jobs {
  readonly #files: JobFiles;
  readonly #shared: Omit<Task, "job" | "folder" | "base">;
  readonly #jobs = new Map<string, Job>();
  /** Folder of the base, of jobs that wait or run. */
  readonly #bases = new Map<string, string>();
  readonly #listeners = new Map<string, Set<(job: Job) => void>>();
  readonly #changed = new Set<Job>();
  #running: { job: Job; process: ChildProcess; ended: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, shared: Omit<Task, "job" | "folder" | "base">) {
    this.#files = new JobFiles(folder);
    this.#shared = shared;
    for (const job of this.#files.load()) this.#jobs.set(job.id, job);
  }

  /** Newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** @throws OpenLedgerError `JOB_UNKNOWN` */
  get(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new OpenLedgerError("JOB_UNKNOWN", `There is no job ${id}. GET /api/jobs lists them.`);
    return job;
  }

  /** Where a job's adapter and sketches lie. */
  folder({ id }: Job): string {
    return this.#files.of(id);
  }

  /** @throws OpenLedgerError `JOB_QUEUE_FULL` */
  create({ base, ...given }: NewJob): Job {
    if (this.#bases.size >= MOST_WAITING)
      throw new OpenLedgerError("JOB_QUEUE_FULL", `${MOST_WAITING} jobs wait already. Cancel one, or wait.`);
    const job: Job = {
      id: randomBytes(8).toString("hex"),
      ...given,
      base: { id: base.id, name: base.name, hash: base.hash },
      createdAt: new Date().toISOString(),
      state: "queued",
      step: 0,
      steps: 0,
      losses: [],
      epochLosses: [],
      truncatedRows: 0,
    };
    this.#files.write(job);
    this.#jobs.set(job.id, job);
    this.#bases.set(job.id, base.folder);
    this.#next();
    return job;
  }

  /** Ends a job that waits or runs; one that is over stays as it is. */
  async cancel(id: string): Promise<Job> {
    const job = this.get(id);
    if (isOver(job)) return job;
    const running = this.#running?.job === job ? this.#running : undefined;
    this.#finish(job, { state: "cancelled" });
    running?.process.kill("SIGKILL");
    await running?.ended;
    return job;
  }

  /** Calls `listener` with the job now and whenever it changes. @returns what ends that */
  watch(id: string, listener: (job: Job) => void): () => void {
    listener(this.get(id));
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Ends the running process; its job is found interrupted at the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#bases.clear();
    this.#running?.process.kill("SIGKILL");
    await this.#running?.ended;
  }

  #next(): void {
    const [waiting] = this.#bases;
    if (this.#running || waiting === undefined) return;
    const [id, base] = waiting;
    const job = this.get(id);
    const child = fork(new URL("./train.ts", import.meta.url), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true, // Ctrl-C is for the Studio
    });
    const ended = new Promise<void>((resolve) => {
      child.once("exit", (code, signal) => {
        this.#running = undefined;
        if (!isOver(job) && this.#bases.has(id)) {
          const message = `The training process ended (${signal ?? `exit code ${code}`}). Is there enough memory?`;
          this.#finish(job, { state: "failed", error: { code: "JOB_DIED", message } });
        }
        resolve();
        this.#next();
      });
    });
    this.#running = { job, process: child, ended };
    child.on("message", ({ fields, loss }: News) => {
      if (isOver(job)) return; // cancelled meanwhile
      if (loss) job.losses.push(loss);
      if (fields.state === "done" || fields.state === "failed") this.#finish(job, fields);
      else this.#change(job, fields);
    });
    this.#change(job, { state: "training", startedAt: new Date().toISOString() });
    child.send({ ...this.#shared, base, folder: this.#files.of(id), job } satisfies Task);
  }

  #finish(job: Job, fields: Partial<Job>): void {
    this.#bases.delete(job.id);
    this.#change(job, { ...fields, finishedAt: new Date().toISOString() });
    this.#flush();
  }

  #change(job: Job, fields: Partial<Job>): void {
    Object.assign(job, fields);
    this.#changed.add(job);
    this.#timer ??= setTimeout(() => this.#flush(), PACE);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const job of this.#changed) {
      this.#files.write(job);
      for (const listener of this.#listeners.get(job.id) ?? []) listener(job);
    }
    this.#changed.clear();
  }
}
