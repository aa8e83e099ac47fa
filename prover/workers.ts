import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { Instance } from "../circuits/instances.ts";
import { type ProvingKey, verifyingKey } from "../circuits/setup/zkey.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type ChunkProof, settlementChallenges, type VerifyingKey } from "../sdk/transcript.ts";
import { holdsChunk } from "./check.ts";
import { type ChunkJob, type ChunkUsage, readProof, writeInputs } from "./chunk-job.ts";
import type { ChunkProver, Settlement } from "./settlement.ts";

/** How much of a machine proving may take. */
export interface Resources {
  /** Proofs made at a time, 1 unless told. */
  readonly workers?: number | undefined;
  /** What all of them together may take, in MB; three quarters of the machine's unless told. */
  readonly memoryMB?: number | undefined;
}

/** Tells how far proving is. `usage` is left out for a chunk that was proven before. */
export type ChunkProgress = { done: number; chunks: number; usage?: ChunkUsage };

export interface WorkerOptions extends Resources {
  /** Where proofs are kept, in a folder named by the settlement's digest, until the caller removes it. */
  readonly folder: string;
  /** Ends the workers; finished proofs stay. */
  readonly signal?: AbortSignal;
  readonly onChunk?: (progress: ChunkProgress) => void;
}

/** Removes the kept chunks of a settlement that is kept as a whole, or settled. */
export function forgetChunks(folder: string, { statement }: Pick<Settlement, "statement">): void {
  rmSync(join(folder, settlementChallenges(statement).sd), { recursive: true, force: true });
}

/** Memory that proving may take, in MB. */
export const memoryOf = ({ memoryMB }: Resources): number => memoryMB ?? Math.floor((totalmem() / 2 ** 20) * 0.75);

/**
 * Proofs of an instance that run at once.
 * @throws OpenLedgerError `PROVER_MEMORY` where not even one fits.
 */
export function parallelism(instance: Instance, resources: Resources): number {
  const memory = memoryOf(resources);
  const fitting = Math.floor(memory / instance.memoryMB);
  if (fitting === 0)
    throw new OpenLedgerError(
      "PROVER_MEMORY",
      `A chunk of ${instance.name} takes about ${instance.memoryMB} MB to prove, and ${memory} MB may be used. Give more by --memory, prove on a larger machine, or register the model's next release under a smaller instance.`,
    );
  return Math.min(resources.workers ?? 1, fitting);
}

/**
 * Proves chunks in processes of their own. Each proof is a file that appears when it is complete, so that after a crash
 * only the others are made; one found there is checked before it is used.
 * @throws OpenLedgerError `PROVER_MEMORY`, `PROVER_FAILED` with what the worker said, `PROVER_CANCELLED`
 */
export function workerProver(options: WorkerOptions): ChunkProver {
  return async (key, sd, jobs) => {
    const atOnce = parallelism(key.circuit.instance, options);
    const folder = join(options.folder, sd);
    mkdirSync(folder, { recursive: true });
    const verifying = await verifyingKey(key);
    const proofs = new Array<ChunkProof>(jobs.length);
    const waiting = jobs.keys();
    const failed = new AbortController();
    const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
    let done = 0;
    const work = async () => {
      for (const t of waiting) {
        const path = join(folder, `${t}.json`);
        const kept = await reusable(path, jobs[t]!, verifying);
        const usage = kept ? undefined : await proveFile(key, jobs[t]!, path, signal);
        proofs[t] = kept ?? (await checked(path, jobs[t]!, verifying));
        options.onChunk?.({ done: ++done, chunks: jobs.length, ...(usage && { usage }) });
      }
    };
    const stop = (error: unknown) => {
      failed.abort();
      throw error;
    };
    const ended = await Promise.allSettled(Array.from({ length: atOnce }, () => work().catch(stop)));
    if (options.signal?.aborted)
      throw new OpenLedgerError("PROVER_CANCELLED", "Proving was stopped. Finished chunks are kept for the next time.");
    // The first that failed ended the others, which failed after it.
    const errors = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as OpenLedgerError] : []));
    const first = errors.find(({ code }) => code !== "PROVER_CANCELLED");
    if (first) throw first;
    return proofs;
  };
}

async function checked(path: string, { statement }: ChunkJob, key: VerifyingKey): Promise<ChunkProof> {
  const proof = readProof(path, statement);
  if (await holdsChunk(key, statement, proof)) return proof;
  throw new OpenLedgerError("CHUNK_FILE", `The proof in ${path} does not hold. Delete it and prove the chunk again.`);
}

async function reusable(path: string, job: ChunkJob, key: VerifyingKey): Promise<ChunkProof | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return await checked(path, job, key);
  } catch {
    rmSync(path);
    return undefined;
  }
}

/** Runs one worker to its end. */
async function proveFile(key: ProvingKey, job: ChunkJob, path: string, signal: AbortSignal): Promise<ChunkUsage> {
  const cancelled = () => {
    if (signal.aborted) throw new OpenLedgerError("PROVER_CANCELLED", "Proving was stopped.");
  };
  const inputs = `${path}.inputs`;
  writeInputs(inputs, job);
  try {
    cancelled();
    const worker = fork(new URL("./chunk-worker.ts", import.meta.url), [key.zkey, key.circuit.wasm, inputs, path], {
      detached: true, // a group of its own, so that what it starts ends with it
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
    });
    let usage: ChunkUsage | undefined;
    worker.on("message", (message) => {
      usage = message as ChunkUsage;
    });
    let errors = "";
    worker.stderr!.on("data", (data) => {
      errors += data;
    });
    const kill = () => killGroup(worker);
    signal.addEventListener("abort", kill);
    // Its message is there when the channel ends, its words when it is closed.
    const [[code, killedBy]] = await Promise.all([once(worker, "close"), once(worker, "disconnect")]);
    signal.removeEventListener("abort", kill);
    cancelled();
    if (usage) return usage;
    throw new OpenLedgerError(
      "PROVER_FAILED",
      killedBy === "SIGKILL"
        ? `The worker of ${path} was killed, most likely for lack of memory. Use fewer workers.`
        : `The worker of ${path} failed: ${errors.trim() || `exit code ${code}`}`,
    );
  } finally {
    for (const left of [inputs, `${path}.wtns`, `${path}.part`, `${path}.public`]) rmSync(left, { force: true });
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it ended by itself
  }
}
