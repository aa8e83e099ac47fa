/**
 * What proving and settling cost: `npm run bench:prove -- --json`.
 *
 * The circuit in use against a naive one that hashes, multiplies, clips and sums rows inside (bench/naive/), by constraints, CPU and
 * memory; committing sketches; gas; and EZKL on the same product, clip and sum, where pip can install it. Every stage runs in a
 * process of its own and is kept in build/bench/prove.json, from where an interrupted run goes on (--fresh starts again). The report goes
 * to bench/results/prove.json.
 */
import { execFileSync, type StdioOptions } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../circuits/cache.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    /** Runs this stage alone, in this process. */
    stage: { type: "string" },
  },
});

/** Loaded by the process that runs it: what one stage needs is no part of another's memory. */
const STAGES = {
  ours: async () => (await import("./proving.ts")).proveOurs(),
  naive: async () => (await import("./proving.ts")).proveNaive(),
  commitment: async () => (await import("./proving.ts")).commitment(),
  gas: async () => (await import("./gas.ts")).measureGas(),
  large: async () => (await import("./gas.ts")).settleLarge(),
  ezkl: async () => ezkl(),
};
type Stages = { [Name in keyof typeof STAGES]: Awaited<ReturnType<(typeof STAGES)[Name]>> };

const KEPT = join(ROOT, "build/bench/prove.json");
const REPORT = join(ROOT, "bench/results/prove.json");
const MARK = "result: ";

if (options.stage !== undefined) {
  console.log(MARK + JSON.stringify(await STAGES[options.stage as keyof Stages]()));
  process.exit(0); // worker threads of the provers would keep it
}

const done: Partial<Stages> = existsSync(KEPT) && !options.fresh ? JSON.parse(readFileSync(KEPT, "utf8")) : {};
for (const name of Object.keys(STAGES)) {
  if (name in done) continue;
  if (!options.json) console.log(`${name} …`);
  const printed = execFileSync(process.execPath, [import.meta.filename, "--stage", name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
  const result = printed.split("\n").find((line) => line.startsWith(MARK))!;
  Object.assign(done, { [name]: JSON.parse(result.slice(MARK.length)) });
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify(done));
}
const report = summary(done as Stages);
writeFileSync(REPORT, `${JSON.stringify(report, null, 2)}\n`);
console.log(options.json ? JSON.stringify(report) : report);

function summary({ ours, naive, commitment: committing, gas, large, ezkl: other }: Stages) {
  const chunks = join(ROOT, "bench/results/chunks.json");
  const runs: { rows: number }[] = existsSync(chunks) ? Object.values(JSON.parse(readFileSync(chunks, "utf8"))) : [];
  return rounded({
    constraintsPerRow: ours.constraintsPerRow,
    naiveConstraintsPerRow: naive.constraintsPerRow,
    cpuSecondsPer1000Rows: ours.snarkjs.cpuSeconds,
    naiveCpuSecondsPer1000Rows: naive.snarkjs.cpuSeconds,
    wallSecondsPer1000Rows: ours.snarkjs.wallSeconds,
    naiveWallSecondsPer1000Rows: naive.snarkjs.wallSeconds,
    rapidsnark: ours.rapidsnark && {
      cpuSecondsPer1000Rows: ours.rapidsnark.cpuSeconds,
      naiveCpuSecondsPer1000Rows: naive.rapidsnark!.cpuSeconds,
    },
    peakRssMb: ours.peakRssMb,
    naivePeakRssMb: naive.peakRssMb,
    commitCpuSecondsPerMillion: committing.cpuSeconds,
    gas,
    // bench/chunks.ts settles real sizes; where it did not, what was settled here
    largestN: Math.max(large, ...runs.map(({ rows }) => rows)),
    ezkl: other,
    measured: {
      rows: ours.rows,
      naiveRows: naive.rows,
      how: "CPU seconds are user + system of all threads; medians of 3 rounds; development keys",
      machine: { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version },
    },
  });
}

type Ezkl = {
  version: string;
  rows: number;
  columns: number;
  logrows: number;
  cpuSecondsPer1000Rows: number;
  wallSecondsPer1000Rows: number;
  peakRssMb: number;
};

/** EZKL in a virtual environment under build/; null, with a message, where it cannot be installed. */
function ezkl(): Ezkl | null {
  const environment = join(ROOT, "build/bench/ezkl-23.0.5");
  const quiet: { stdio: StdioOptions } = { stdio: ["ignore", "ignore", "inherit"] };
  try {
    if (!existsSync(join(environment, "ready"))) {
      execFileSync("python3", ["-m", "venv", environment], quiet);
      const pinned = ["ezkl==23.0.5", "onnx==1.23.2", "numpy==2.4.6"];
      execFileSync(join(environment, "bin/pip"), ["install", "--quiet", ...pinned], quiet);
      writeFileSync(join(environment, "ready"), "");
    }
  } catch (error) {
    console.error(`EZKL cannot be installed here, so it is not measured: ${(error as Error).message}`);
    return null;
  }
  const script = join(ROOT, "bench/naive/ezkl_settlement.py");
  const printed = execFileSync(join(environment, "bin/python"), [script], { encoding: "utf8" });
  return JSON.parse(printed.trim().split("\n").at(-1)!);
}

/** Numbers to four digits. */
function rounded<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, each) =>
      typeof each === "number" && !Number.isInteger(each) ? Number(each.toPrecision(4)) : each,
    ),
  );
}
