/**
 * Learning rates of the presets for large bases, tried on a real one: `node bench/presets.ts --base .local/smollm2-135m` (bench/reference/smollm2.py
 * makes that folder). Each preset learns the same few Solidity rows at its rate and at others, and is measured on rows of a package that it
 * did not see. Stopped and started again it goes on with the runs that are not in --out yet.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadBase } from "../trainer/base.ts";
import { finetune } from "../trainer/finetune.ts";
import { Pool } from "../trainer/pool.ts";
import { PRESETS } from "../trainer/presets.ts";
import { Random } from "../trainer/random.ts";

const { values: options } = parseArgs({
  options: {
    base: { type: "string", default: ".local/smollm2-135m" },
    presets: { type: "string", default: "light,full" },
    /** Times the preset's rate. */
    factors: { type: "string", default: "0.333,1,3.33" },
    rows: { type: "string", default: "160" },
    bytes: { type: "string", default: "128" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: "bench/results/presets-smollm2-135m.json" },
  },
});
const [rows, bytes, threads] = [options.rows, options.bytes, options.threads].map(Number) as [number, number, number];
const root = path.join(import.meta.dirname, "..");
const random = new Random(1);
const learned = cutRows("{@openzeppelin/contracts,solady/src,@solidstate/contracts}", rows);
const heldOut = cutRows("@prb/math", rows / 4);
const base = loadBase(options.base);
const pool = await Pool.start(base, { threads, backend: "onnx" });
type Run = {
  preset: string;
  learningRate: number;
  steps: number;
  heldOutBefore: number;
  heldOutAfter: number;
  epochLosses: number[];
};
const before: { results: Run[] } = existsSync(options.out)
  ? JSON.parse(readFileSync(options.out, "utf8"))
  : { results: [] };
const { results } = before;
for (const factor of options.factors.split(",").map(Number))
  for (const preset of options.presets.split(",") as (keyof typeof PRESETS)[]) {
    const learningRate = Number((factor * PRESETS[preset].learningRate).toPrecision(3));
    if (results.some((one) => one.preset === preset && one.learningRate === learningRate)) continue;
    const started = process.cpuUsage();
    const report = await finetune(pool, { ...PRESETS[preset], learningRate, rows: learned, heldOut });
    const { user, system } = process.cpuUsage(started);
    const { steps, tokens, heldOutBefore, heldOutAfter, epochLosses } = report;
    const figures = { heldOutBefore, heldOutAfter, epochLosses };
    results.push({
      preset,
      learningRate,
      steps,
      ...rounded(figures),
      tokens,
      cpuSeconds: Math.round((user + system) / 1e6),
    } as Run);
    console.log(JSON.stringify(results.at(-1)));
    const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version, threads };
    writeFileSync(
      options.out,
      `${JSON.stringify({ base: base.name, baseHash: base.hash, rows, bytes, machine, results }, null, 2)}\n`,
    );
  }
await pool.close();

function cutRows(packages: string, count: number): string[] {
  const files = globSync(`node_modules/${packages}/**/*.sol`, { cwd: root }).sort();
  const text = files.map((file) => readFileSync(path.join(root, file), "utf8")).join("");
  return Array.from({ length: count }, () => {
    const from = Math.floor(random.uniform() * (text.length - bytes));
    return text.slice(from, from + bytes);
  });
}

function rounded<T extends object>(figures: T): T {
  return JSON.parse(
    JSON.stringify(figures, (_, value) => (typeof value === "number" ? Number(value.toFixed(4)) : value)),
  );
}
