import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type File, groth16, wtns } from "snarkjs";
import { cached, ROOT } from "../circuits/cache.ts";
import { type Compiled, compileSource } from "../circuits/compile.ts";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { writeZkey } from "../circuits/setup/keygen.ts";
import { readR1cs } from "../circuits/setup/r1cs.ts";
import { commitInThreads } from "../prover/commit.ts";
import { loadPoseidon } from "../prover/poseidon.ts";
import { buildWitness, evaluateChunk, hashChunk } from "../prover/witness.ts";
import { scoreRows } from "../sdk/scores.ts";
import { DEVELOPMENT } from "../sdk/transcript.ts";
import { sampleQuery, sampleSketches } from "../test/support/samples.ts";

/** Columns of the sketches everywhere. */
export const K = 128;

const ROUNDS = 3;

/** CPU of all threads and wall time, in seconds. */
type Cost = { cpuSeconds: number; wallSeconds: number };

export type Proving = {
  rows: number;
  constraints: number;
  constraintsPerRow: number;
  /** witness and proof by snarkjs, of 1,000 rows */
  snarkjs: Cost;
  /** the proof alone by rapidsnark, of 1,000 rows */
  rapidsnark: Cost | null;
  peakRssMb: number;
};

/** Median of a few rounds; one before them pays for compilation and worker threads. */
export async function cost(work: () => Promise<unknown>): Promise<Cost> {
  await work();
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(cpu);
    costs.push({ cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - wall) / 1000 });
  }
  const median = (field: keyof Cost) => costs.map((one) => one[field]).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  return { cpuSeconds: median("cpuSeconds"), wallSeconds: median("wallSeconds") };
}

export const peakRssMb = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** The circuit in use: 1,260 rows in a domain of 2^15. */
export async function proveOurs(): Promise<Proving> {
  const instance = INSTANCES.r1260;
  const { circuit, zkey } = await devKey(instance);
  const scores = scoreRows(sampleSketches(instance.rows, K), sampleQuery(K));
  const [chunk] = buildWitness(scores, [700, 560], instance.rows);
  const [z, x] = [123n, 456n];
  const statement = { z, x, h: await hashChunk(chunk!), ...evaluateChunk(chunk!, z, x) };
  const input = { ...statement, s: Array.from(chunk!.scores), b: Array.from(chunk!.flags) };
  return measure(circuit, zkey, input, instance.rows);
}

const NAIVE = { rows: 21, contributors: 3 };

/** Hash, dot product, clip and sum of every row inside the circuit: 21 rows in a domain of 2^15. */
export async function proveNaive(): Promise<Proving> {
  const { rows, contributors } = NAIVE;
  const main =
    'pragma circom 2.2.0;\n\ninclude "naive.circom";\n\n' +
    `component main {public [q, h]} = Naive(${rows}, ${K}, ${contributors});\n`;
  const circuit = await compileSource("naive", main, ["bench/naive/naive.circom", "circuits/src/poseidon16.circom"]);
  const zkey = await cached(join(ROOT, "build/keys", `dev-naive-${circuit.hash}.zkey`), (temporary) =>
    writeZkey(temporary, readR1cs(circuit.r1cs), DEVELOPMENT),
  );
  const sketches = sampleSketches(rows, K);
  const g = Array.from({ length: rows }, (_, i) => Array.from(sketches.subarray(i * K, (i + 1) * K)));
  const input = { q: Array.from(sampleQuery(K)), g, h: await hashRows(g) };
  return measure(circuit, zkey, input, rows);
}

/** Poseidon chain over rows packed as bench/naive/naive.circom packs them. */
async function hashRows(rows: number[][]): Promise<bigint> {
  const poseidon = await loadPoseidon();
  const elements = rows.map((row) => {
    const packed: bigint[] = [];
    for (let j = 0; j < row.length; j += 31)
      packed.push(row.slice(j, j + 31).reduceRight((sum, entry) => (sum << 8n) + BigInt(entry + 128), 0n));
    return packed;
  });
  let hash = 0n;
  for (let i = 0; i < rows.length; i += 3) hash = poseidon([hash, ...elements.slice(i, i + 3).flat()]);
  return hash;
}

async function measure(circuit: Compiled, zkey: string, input: object, rows: number): Promise<Proving> {
  const prove = async () => {
    const witness: File = { type: "mem" };
    await wtns.calculate({ ...input }, circuit.wasm, witness);
    return groth16.prove(zkey, witness);
  };
  const snarkjs = await cost(prove);
  const memory = peakRssMb(); // before the constraint system is read, which proving does not need
  const { constraints } = readR1cs(circuit.r1cs);
  return {
    rows,
    constraints,
    constraintsPerRow: constraints / rows,
    snarkjs: scaled(snarkjs, rows),
    rapidsnark: await rapidsnark(circuit, zkey, input).then((found) => found && scaled(found, rows)),
    peakRssMb: memory,
  };
}

const scaled = ({ cpuSeconds, wallSeconds }: Cost, rows: number): Cost => ({
  cpuSeconds: (cpuSeconds * 1000) / rows,
  wallSeconds: (wallSeconds * 1000) / rows,
});

/** The same proof by iden3's native prover, where it is on the PATH. */
async function rapidsnark(circuit: Compiled, zkey: string, input: object): Promise<Cost | null> {
  const folder = mkdtempSync(join(tmpdir(), "openledger-bench-"));
  const witness = join(folder, "witness.wtns");
  const outputs = ["proof.json", "public.json"].map((name) => join(folder, name));
  try {
    await wtns.calculate({ ...input }, circuit.wasm, witness);
    const command = ["rapidsnark", zkey, witness, ...outputs].map((word) => `'${word}'`).join(" ");
    const timed = `command -v rapidsnark >/dev/null || exit 0; TIMEFORMAT='%R %U %S'; time ${command}`;
    const printed = execFileSync("bash", ["-c", `{ ${timed} >/dev/null; } 2>&1`], { encoding: "utf8" }).trim();
    if (printed === "") return null;
    const [wall, user, system] = printed.split("\n").at(-1)!.split(" ").map(Number) as [number, number, number];
    return { cpuSeconds: user + system, wallSeconds: wall };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The size that the goal for commitments names. */
const COMMITTED = { rows: 20_790, columns: 256 };

/** Commits sketches by all threads; costs are of a million entries. */
export async function commitment(): Promise<Cost & { rows: number; columns: number; peakRssMb: number }> {
  const { rows, columns } = COMMITTED;
  const srs = await devSrs(rows);
  const sketches = sampleSketches(rows, columns);
  const { cpuSeconds, wallSeconds } = await cost(() => commitInThreads(sketches, columns, srs));
  const scale = 1e6 / (rows * columns);
  return { ...COMMITTED, cpuSeconds: cpuSeconds * scale, wallSeconds: wallSeconds * scale, peakRssMb: peakRssMb() };
}
