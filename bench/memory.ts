/**
 * Memory and time of gradients in ONNX, as they are and with each layer's values computed again on the way back, beside what is predicted:
 * `node bench/memory.ts --out bench/results/memory.json`. Each case is a process of its own on one thread; memory is the peak over that of
 * the process with the model loaded, as Linux counts it.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { keccak256 } from "ethers";
import { LINEARS } from "../trainer/config.ts";
import type { Reduce } from "../trainer/engine.ts";
import { newAdapter } from "../trainer/lora.ts";
import { predictMemory } from "../trainer/memory.ts";
import { OnnxEngine } from "../trainer/onnx/engine.ts";
import type { WeightFormat } from "../trainer/packed.ts";
import { Random } from "../trainer/random.ts";
import { randomPackedModel } from "./shapes.ts";

type Case = { model: string; format: WeightFormat; batch: number; length: number; reduce: Reduce };
const CASES: Case[] = [
  { model: "wide", format: "f32", batch: 8, length: 128, reduce: "sum" },
  { model: "wide", format: "f16", batch: 2, length: 256, reduce: "sum" },
  { model: "deep", format: "f32", batch: 8, length: 128, reduce: "none" },
  { model: "deep", format: "q4", batch: 2, length: 512, reduce: "sum" },
  { model: "smollm2-135m", format: "f32", batch: 2, length: 128, reduce: "sum" },
  { model: "smollm2-135m", format: "f32", batch: 4, length: 256, reduce: "none" },
  { model: "smollm2-135m", format: "q4", batch: 4, length: 256, reduce: "sum" },
];

const { values: options } = parseArgs({ options: { out: { type: "string" }, case: { type: "string" } } });
if (options.case === undefined) {
  const results = [];
  for (const one of CASES) {
    const [plain, recomputed] = [false, true].map((recompute) => {
      const args = ["--expose-gc", import.meta.filename, "--case", JSON.stringify({ ...one, recompute })];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
    });
    const { hash, ...first } = plain;
    const { hash: again, ...second } = recomputed;
    results.push({ ...one, plain: first, recomputed: second, sameBits: hash === again });
    console.log(JSON.stringify(results.at(-1)));
  }
  const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
  if (options.out)
    writeFileSync(options.out, `${JSON.stringify({ lora: "rank 8, every linear", machine, results }, null, 2)}\n`);
} else console.log(JSON.stringify(await measure(JSON.parse(options.case))));

async function measure({ model, format, batch, length, reduce, recompute }: Case & { recompute: boolean }) {
  const { config, weights } = randomPackedModel(model, format);
  const engine = new OnnxEngine(config, weights);
  const lora = { rank: 8, alpha: 16, targetModules: [...LINEARS] };
  const adapter = newAdapter(config, lora, 1);
  const random = new Random(2);
  for (let i = 0; i < adapter.params.length; i++) adapter.params[i]! += 0.02 * random.normal();
  const id = () => Math.floor(random.uniform() * config.vocabSize);
  const examples = Array.from({ length: batch }, () => ({
    ids: Int32Array.from({ length: length + 1 }, id),
    lossFrom: 1,
  }));
  (globalThis as { gc?: () => void }).gc!();
  await new Promise((resolve) => setTimeout(resolve, 200)); // memory of what was collected goes back
  const before = process.memoryUsage().rss;
  writeFileSync("/proc/self/clear_refs", "5"); // the peak counts from here
  const cpuSeconds: number[] = [];
  let hash = "";
  for (let n = 0; n < 3; n++) {
    const started = process.cpuUsage();
    const { gradients } = await engine.gradients(adapter, examples, 1, reduce, recompute);
    const { user, system } = process.cpuUsage(started);
    if (n > 0) cpuSeconds.push((user + system) / 1e6); // the first makes the graph
    hash = keccak256(new Uint8Array(gradients.buffer));
  }
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
  const place = { config, weightFormat: format, backend: "onnx", threads: 1 } as const;
  const { thread } = predictMemory(place, { lora, batch, length, reduce, recompute });
  const MB = (bytes: number) => Math.round(bytes / 1e6);
  return {
    ...{ peakMB: MB(1024 * Number(peak) - before), predictedMB: MB(thread) },
    cpuSeconds: Number(Math.min(...cpuSeconds).toFixed(2)),
    hash,
  };
}
