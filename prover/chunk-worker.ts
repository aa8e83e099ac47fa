/**
 * Makes one chunk's proof: `node prover/chunk-worker.ts ZKEY WASM INPUTS PROOF`. With a `rapidsnark` on the PATH it
 * proves, from the same files and several times faster; else snarkjs. PROOF appears complete or not at all.
 */
import { execFile } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { groth16 } from "snarkjs";
import { type ChunkUsage, readInputs } from "./chunk-job.ts";
import { solveChunk } from "./groth16.ts";

// Whoever wanted the proof is gone: so are this process and what it started, which are a group of their own.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));

const [zkey, wasm, inputs, proof] = process.argv.slice(2) as [string, string, string, string];
const [witness, partial, publics] = [`${proof}.wtns`, `${proof}.part`, `${proof}.public`];
const { chunk, statement } = readInputs(inputs);
let code = 0;
try {
  await solveChunk({ wasm }, chunk, statement, witness);
  await prove();
  renameSync(partial, proof);
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: ChunkUsage = {
    seconds: process.uptime(),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMB: Math.round(maxRSS / 1024),
  };
  await new Promise<void>((sent) => (process.send ? process.send(usage, undefined, undefined, () => sent()) : sent()));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  code = 1;
} finally {
  for (const path of [witness, partial, publics]) rmSync(path, { force: true });
}
process.exit(code);

async function prove(): Promise<void> {
  try {
    await promisify(execFile)("rapidsnark", [zkey, witness, partial, publics]);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    writeFileSync(partial, JSON.stringify((await groth16.prove(zkey, witness)).proof));
  }
}
