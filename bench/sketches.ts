/**
 * Sketches of very many rows: `node bench/sketches.ts --rows 100000` sketches rows cut from the Solidity packages that the demo learns
 * from, under an adapter over a small model of SmolLM2's family, and says what time and memory each part took. One line of JSON;
 * `--out FILE` writes it too. Stopped and started again with the same options, it goes on with the gradients that it has. Gradients, components, duplicate rule and least movement are those of every model.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildSketches } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import type { LinearName } from "../trainer/config.ts";
import { loraLayout, newAdapter } from "../trainer/lora.ts";
import { Pool } from "../trainer/pool.ts";
import { Random } from "../trainer/random.ts";
import { loadTokenizer } from "../trainer/tokenizer.ts";
import { randomModel } from "./shapes.ts";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    bytes: { type: "string", default: "160" },
    model: { type: "string", default: "smollm2-small" },
    modules: { type: "string", default: "q_proj,k_proj,v_proj,o_proj" },
    rank: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    folder: { type: "string", default: path.join(import.meta.dirname, "../.local/bench-sketches") },
    out: { type: "string" },
  },
});
const [count, bytes, rank, threads] = [options.rows, options.bytes, options.rank, options.threads].map(Number) as [
  number,
  number,
  number,
  number,
];
const root = path.join(import.meta.dirname, "..");
const { config, weights } = randomModel(options.model);
const tokenizer = loadTokenizer(path.join(root, "models/tiny-llama"));
const base: Base = { name: options.model, config, weights, tokenizer, hash: "" };
const targetModules = options.modules.split(",") as LinearName[];
const adapter = newAdapter(config, { rank, alpha: 2 * rank, targetModules }, 1);
const random = new Random(2);
for (let i = 0; i < adapter.params.length; i++) adapter.params[i]! += 0.02 * random.normal(); // as if it had been trained

const pool = await Pool.start(base, { threads, backend: "onnx" });
const marks: [string, number, number][] = [];
const mark = (part: string) =>
  marks.push([part, performance.now(), process.cpuUsage().user + process.cpuUsage().system]);
const rows = cutRows();
mark("start");
let seen = 0;
const sketches = await buildSketches(pool, adapter, rows, {
  run: options.folder,
  onProgress(done) {
    if (Math.floor((10 * done) / count) > seen) console.error(`${10 * ++seen}% of the gradients`);
  },
  onPart: mark,
});
await pool.close();
const width = loraLayout(config, adapter.lora).size;
const result = {
  rows: count,
  parameters: width,
  gradientsGB: Number(((4 * count * width) / 1e9).toFixed(2)),
  k: sketches.k,
  energyKept: Number(sketches.basis.energyKept.toFixed(4)),
  rowsThatCount: sketches.weights.filter((weight) => weight > 0).length,
  m0: sketches.m0,
  peakMemoryGB: Number((process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)),
  parts: marks.slice(1).map(([part, at, cpu], n) => ({
    part,
    seconds: Math.round((at - marks[n]![1]) / 1000),
    cpuSeconds: Math.round((cpu - marks[n]![2]) / 1e6),
  })),
  machine: { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version, threads },
};
console.log(JSON.stringify(result));
if (options.out) writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);

/** Pieces of the packages' sources at seeded places: like a Datanet's rows, some overlap and some are alike. */
function cutRows(): string[] {
  const files = globSync("node_modules/{@openzeppelin/contracts,solady/src,@solidstate/contracts,@prb/math}/**/*.sol", {
    cwd: root,
  }).sort();
  const text = files.map((file) => readFileSync(path.join(root, file), "utf8")).join("");
  return Array.from({ length: count }, () => {
    const from = Math.floor(random.uniform() * (text.length - bytes));
    return text.slice(from, from + bytes);
  });
}
