/**
 * Speed of training and of gradients for attribution: `npm run bench:train -- --model tiny-llama --json`.
 *
 * For each backend, on the same random token sequences: tokens/s of a training step (gradients of a LoRA adapter on every
 * linear, summed over the batch, and AdamW), examples/s of gradients one by one, and how far both are from the first backend's.
 * One line a backend; with --json the whole report as one line of JSON. bench/reference/train.py measures PyTorch in the same way.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { AdamW } from "../trainer/adamw.ts";
import { BACKENDS, type BackendName, ONNX_PROVIDERS } from "../trainer/backends.ts";
import { type Base, loadBase } from "../trainer/base.ts";
import { LINEARS, type LlamaConfig } from "../trainer/config.ts";
import type { Reduce } from "../trainer/engine.ts";
import type { Example } from "../trainer/examples.ts";
import { type Adapter, newAdapter } from "../trainer/lora.ts";
import { type PackedTensor, packTensor, WEIGHT_FORMATS, type WeightFormat } from "../trainer/packed.ts";
import { Pool } from "../trainer/pool.ts";
import { Random } from "../trainer/random.ts";
import { randomModel } from "./shapes.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "tiny-llama" },
    backends: { type: "string", default: "wasm+ort,onnx" },
    /** Ways in which the onnx backends keep the frozen weights, each measured: f32, f16, q4. */
    weights: { type: "string", default: "f32" },
    threads: { type: "string", default: "1" },
    /** Examples of one task; every thread gets one task a step. */
    batch: { type: "string", default: "8" },
    length: { type: "string", default: "128" },
    steps: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    /** File to write the report to. */
    out: { type: "string" },
  },
});
const [threads, batch, length, steps] = [options.threads, options.batch, options.length, options.steps].map(Number) as [
  number,
  number,
  number,
  number,
];
const backends = options.backends.split(",") as BackendName[];
const unknown = backends.find((name) => !BACKENDS.includes(name));
if (unknown !== undefined) throw new Error(`--backends names ${unknown}; there are ${BACKENDS}`);

const formats = options.weights.split(",") as WeightFormat[];
const odd = formats.find((format) => !WEIGHT_FORMATS.includes(format));
if (odd !== undefined) throw new Error(`--weights names ${odd}; there are ${WEIGHT_FORMATS}`);

const { config, weights } = options.model === "tiny-llama" ? tinyLlama() : randomModel(options.model);
const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
const runs = backends.flatMap((backend) =>
  backend in ONNX_PROVIDERS
    ? formats.map((format) => ({ backend, format }))
    : [{ backend, format: "f32" as WeightFormat }],
);
const random = new Random(1);
const examples = Array.from({ length: threads }, () =>
  Array.from({ length: batch }, () => randomExample(config, length)),
);

const results = [];
let expected: Float32Array[] | undefined;
for (const { backend, format } of runs) {
  const adapter = newAdapter(config, { rank: 8, alpha: 16, targetModules: [...LINEARS] }, 1);
  const started = performance.now();
  const packed = new Map([...weights].map(([name, tensor]) => [name, packTensor(name, tensor, format)]));
  const pool = await Pool.start({ config, weights: packed } as Base<PackedTensor>, { threads, backend });
  const loadSeconds = (performance.now() - started) / 1000;
  const gradients = (reduce: Reduce) =>
    Promise.all(examples.map((each) => pool.run("gradients", { adapter, examples: each, alpha: 1, reduce })));
  const optimiser = new AdamW(adapter.params.length);
  const sums = (await gradients("sum")).map((part) => part.gradients); // also warms up
  const training = await timed(steps, async () => {
    trainStep(adapter, optimiser, await gradients("sum"));
  });
  await gradients("none");
  const attribution = await timed(steps, async () => {
    await gradients("none");
  });
  expected ??= sums;
  const count = threads * batch;
  const result = {
    backend,
    on: pool.backend.why,
    weights: pool.weightFormat,
    loadSeconds: round(loadSeconds),
    trainingTokensPerSecond: round((count * length) / training.seconds),
    trainingTokensPerCpuSecond: round((count * length) / training.cpuSeconds),
    gradientRowsPerSecond: round(count / attribution.seconds),
    gradientRowsPerCpuSecond: round(count / attribution.cpuSeconds),
    differenceToFirst: Number(relativeError(sums[0]!, expected[0]!).toExponential(1)),
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  results.push(result);
  if (!options.json) console.log(JSON.stringify(result));
  await pool.close();
}
const report = {
  model: options.model,
  parameters,
  lora: "rank 8, every linear",
  ...{ threads, batch, length, steps },
  machine: { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version },
  results,
};
if (options.json) console.log(JSON.stringify(report));
if (options.out) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);

/** As in finetune: the tasks' sums, averaged, into one step of AdamW. */
function trainStep(adapter: Adapter, optimiser: AdamW, parts: { gradients: Float32Array }[]): void {
  const gradient = new Float32Array(adapter.params.length);
  for (const part of parts)
    for (let i = 0; i < gradient.length; i++) gradient[i]! += part.gradients[i]! / (threads * batch);
  optimiser.update(adapter.params, gradient, 1e-4);
}

/** Median time of an action, wall and CPU (of the whole process), seconds. */
async function timed(times: number, action: () => Promise<void>): Promise<{ seconds: number; cpuSeconds: number }> {
  const measured: { seconds: number; cpuSeconds: number }[] = [];
  for (let n = 0; n < times; n++) {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    await action();
    const { user, system } = process.cpuUsage(cpu);
    measured.push({ seconds: (performance.now() - wall) / 1000, cpuSeconds: (user + system) / 1e6 });
  }
  const median = (field: "seconds" | "cpuSeconds") =>
    measured.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(times / 2)]!;
  return { seconds: median("seconds"), cpuSeconds: median("cpuSeconds") };
}

function tinyLlama(): Pick<Base, "config" | "weights"> {
  return loadBase(path.join(import.meta.dirname, "../models/tiny-llama"));
}

function randomExample(config: LlamaConfig, length: number): Example {
  const ids = Int32Array.from({ length: length + 1 }, () => Math.floor(random.uniform() * config.vocabSize));
  return { ids, lossFrom: 1 };
}

function relativeError(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
