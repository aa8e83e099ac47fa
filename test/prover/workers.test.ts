import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { chooseInstance, INSTANCES } from "../../circuits/instances.ts";
import { devKey } from "../../circuits/setup/dev.ts";
import { type ProvingKey, verifyingKey } from "../../circuits/setup/zkey.ts";
import { holdsChunk } from "../../prover/check.ts";
import { type ChunkProgress, parallelism, type WorkerOptions, workerProver } from "../../prover/workers.ts";
import { Program } from "../support/program.ts";
import { chunkJobs, SD } from "./chunk-jobs.ts";
import { outcome } from "./samples.ts";

const JOBS = 2;

/** Stands in for rapidsnark: the same command line, proving by snarkjs. */
const STAND_IN = `#!${process.execPath}
import { appendFileSync, writeFileSync } from "node:fs";
import { groth16 } from "${fileURLToPath(import.meta.resolve("snarkjs"))}";
const [zkey, wtns, proof, publics] = process.argv.slice(2);
const { proof: made, publicSignals } = await groth16.prove(zkey, wtns);
writeFileSync(proof, JSON.stringify(made));
writeFileSync(publics, JSON.stringify(publicSignals));
appendFileSync(import.meta.filename + ".calls", "called\\n");
process.exit(0);
`;

describe("workers", function () {
  this.timeout(120_000);
  let key: ProvingKey;
  let folder: string;
  const kept = () => readdirSync(join(folder, SD)).sort();
  const file = (t: number) => join(folder, SD, `${t}.json`);

  before(async () => {
    key = await devKey(INSTANCES.r210);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "openledger-workers-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function prove(options: Partial<WorkerOptions> = {}) {
    const progress: ChunkProgress[] = [];
    const onChunk = (step: ChunkProgress) => progress.push(step);
    const jobs = await chunkJobs(JOBS);
    const proofs = await workerProver({ folder, onChunk, ...options })(key, SD, jobs);
    const verifying = await verifyingKey(key);
    for (const [t, proof] of proofs.entries())
      expect(await holdsChunk(verifying, jobs[t]!.statement, proof)).to.equal(true);
    return { proofs, proven: progress.filter(({ usage }) => usage !== undefined).length, progress };
  }

  it("prove chunks side by side, and use the proofs of a run that was cut off", async () => {
    const first = await prove({ workers: 2 });
    expect(first.progress.map(({ done, chunks }) => [done, chunks])).to.deep.equal([
      [1, JOBS],
      [2, JOBS],
    ]);
    for (const { usage } of first.progress) expect(usage!.peakMB).to.be.below(INSTANCES.r210.memoryMB);
    expect(kept()).to.deep.equal(["0.json", "1.json"]);
    rmSync(file(1));
    const second = await prove();
    expect(second.proven).to.equal(1);
    expect(second.proofs[0]).to.deep.equal(first.proofs[0]);
  });

  it("prove again what a file holds that is no proof, or the proof of another chunk", async () => {
    await prove({ workers: 2 });
    copyFileSync(file(1), file(0));
    writeFileSync(file(1), "half a fi");
    expect((await prove({ workers: 2 })).proven).to.equal(2);
  });

  it("end when they are cancelled, and leave the proofs that are finished", async () => {
    const stopping = new AbortController();
    const onChunk = () => stopping.abort();
    expect(await outcome(prove({ signal: stopping.signal, onChunk }))).to.equal("PROVER_CANCELLED");
    expect(kept()).to.deep.equal(["0.json"]);
    expect(await outcome(prove({ signal: stopping.signal }))).to.equal("PROVER_CANCELLED");
    expect(running()).to.equal("");
    expect((await prove()).proven).to.equal(JOBS - 1);
  });

  it("end with the process that wanted the proofs, however it ends", async () => {
    const parent = new Program("test/prover/chunk-jobs.ts", [folder], {});
    await parent.says(/1 of 20/);
    expect(running()).not.to.equal("");
    parent.child.kill("SIGKILL");
    await parent.ended;
    for (let i = 0; i < 50 && running() !== ""; i++) await pause(100);
    expect(running()).to.equal("");
    expect(kept().some((name) => /^[01].json$/.test(name))).to.equal(true);
  });

  it("run as many as fit into the memory, and say what to do where none does", async () => {
    const { r20790 } = INSTANCES;
    expect(parallelism(r20790, { workers: 8, memoryMB: 3 * r20790.memoryMB })).to.equal(3);
    expect(parallelism(r20790, { workers: 2, memoryMB: 3 * r20790.memoryMB })).to.equal(2);
    expect(parallelism(r20790, { memoryMB: 3 * r20790.memoryMB })).to.equal(1);
    expect(await outcome(prove({ memoryMB: INSTANCES.r210.memoryMB - 1 }))).to.equal("PROVER_MEMORY");
  });

  it("have the instance with the fewest chunks that fit, and of equal ones the smallest", () => {
    const { r210, r1260, r5040, r20790 } = INSTANCES;
    const largest = r20790.memoryMB;
    for (const [rows, memory, expected] of [
      [1, largest, r210],
      [210, largest, r210],
      [211, largest, r1260],
      [5_041, largest, r20790],
      [80_000, largest, r20790],
      [80_000, largest - 1, r5040],
      [10 ** 7, r1260.memoryMB, r1260],
      [80_000, r210.memoryMB - 1, undefined],
    ] as const)
      expect(chooseInstance(rows, memory), `${rows} rows in ${memory} MB`).to.equal(expected);
    expect(chooseInstance(80_000, largest, [r210, r1260])).to.equal(r1260);
  });

  describe("with a rapidsnark on the PATH", () => {
    const { PATH } = process.env;
    const put = (text: string) => {
      const path = join(folder, "rapidsnark");
      writeFileSync(path, text);
      writeFileSync(join(folder, "package.json"), '{"type":"module"}');
      chmodSync(path, 0o755);
      process.env.PATH = `${folder}${delimiter}${PATH}`;
      return path;
    };
    afterEach(() => {
      process.env.PATH = PATH;
    });

    it("use it", async () => {
      const calls = `${put(STAND_IN)}.calls`;
      expect((await prove({ workers: 2 })).proven).to.equal(JOBS);
      expect(execFileSync("wc", ["-l", calls], { encoding: "utf8" })).to.match(/^\s*2 /);
      expect(kept()).to.deep.equal(["0.json", "1.json"]);
    });

    it("say what it said when it fails, and refuse a proof that does not hold", async () => {
      put("#!/bin/sh\necho out of luck >&2\nexit 3\n");
      const error = await prove().then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error).to.have.property("code", "PROVER_FAILED");
      expect(error!.message).to.contain("out of luck");
      const [other] = await workerProver({ folder })(key, "other", await chunkJobsElsewhere());
      expect(other).not.to.equal(undefined);
      put(`#!/bin/sh\ncp ${join(folder, "other", "0.json")} "$3"\n`);
      expect(await outcome(prove())).to.equal("CHUNK_FILE");
    });

    /** Jobs proven by snarkjs, while PATH has no rapidsnark. */
    async function chunkJobsElsewhere() {
      process.env.PATH = PATH;
      return (await chunkJobs(2)).slice(1);
    }
  });

  /** Command lines of workers for this test's folder. */
  function running(): string {
    const all = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    return all
      .split("\n")
      .filter((line) => line.includes("chunk-worker.ts") && line.includes(folder))
      .join("\n");
  }
});
