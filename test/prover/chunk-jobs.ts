import { INSTANCES } from "../../circuits/instances.ts";
import { devKey } from "../../circuits/setup/dev.ts";
import type { ChunkJob } from "../../prover/chunk-job.ts";
import { evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { workerProver } from "../../prover/workers.ts";
import { integers, seeded } from "./samples.ts";

/** Digest of a settlement that nobody sends. */
export const SD = `0x${"5d".repeat(32)}`;

const [Z, X] = [2n ** 200n + 1n, 3n ** 120n];

/** Chunks of 210 rows each, the same at every call. */
export async function chunkJobs(count: number): Promise<ChunkJob[]> {
  const random = seeded(9);
  const jobs: ChunkJob[] = [];
  for (let t = 0; t < count; t++) {
    const chunk = {
      scores: Int32Array.from(integers(random, 210, 1000)),
      flags: Uint8Array.from({ length: 210 }, (_, i) => (i % 50 === 7 ? 1 : 0)),
    };
    jobs.push({ chunk, statement: { z: Z, x: X, h: await hashChunk(chunk), ...evaluateChunk(chunk, Z, X) } });
  }
  return jobs;
}

// As a program: proves many chunks into the folder, two at a time, until it is killed.
if (process.argv[1] === import.meta.filename) {
  const onChunk = ({ done, chunks }: { done: number; chunks: number }) => console.log(`${done} of ${chunks}`);
  const prove = workerProver({ folder: process.argv[2]!, workers: 2, onChunk });
  await prove(await devKey(INSTANCES.r210), SD, await chunkJobs(20));
}
