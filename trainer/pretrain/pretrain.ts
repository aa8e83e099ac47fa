/**
 * Pretrains models/tiny-llama: `npm ci --ignore-scripts` in this folder, then `node trainer/pretrain/pretrain.ts --minutes 60`.
 * Stops and goes on at its last checkpoint; training ends, and the model folder is written, when either budget is spent.
 */
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { AdamW } from "../adamw.ts";
import { parseConfig, weightShapes } from "../config.ts";
import { Random } from "../random.ts";
import { writeSafetensors } from "../safetensors.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer.ts";
import { PRETOKEN, trainTokenizer } from "./bpe.ts";
import { type LossPoint, modelCard, plotLoss } from "./card.ts";
import { readCorpus } from "./corpus.ts";
import type { PretrainTask, PretrainWorkerData } from "./worker.ts";

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    steps: { type: "string", default: "1000000" },
    threads: { type: "string", default: "2" },
    work: { type: "string", default: path.join(here, "../../build/pretrain") },
    out: { type: "string", default: path.join(here, "../../models/tiny-llama") },
  },
});
const SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const HUGGING_FACE_CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 2048,
  hidden_size: 128,
  intermediate_size: 344,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000.0,
  rope_scaling: null,
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  initializer_range: 0.02,
  bos_token_id: 0,
  eos_token_id: 0,
  torch_dtype: "float16",
};
const TRAIN = { windowsPerThread: 8, learningRate: 3e-3, finalLearningRate: 1e-4, warmupSteps: 100, weightDecay: 0.1 };
const [EVALUATE_EVERY, CHECKPOINT_MINUTES, EVALUATION_WINDOWS] = [250, 5, 64];

const config = parseConfig(HUGGING_FACE_CONFIG);
const threads = Number(options.threads);
const budget = { minutes: Number(options.minutes), steps: Number(options.steps) };
mkdirSync(options.work, { recursive: true });

const { documents, packages } = readCorpus(here);
const tokenizer = prepareTokenizer();
const windows = { train: cutWindows(false), heldOut: cutWindows(true) };
const heldOutBytes = documents.filter((d) => d.heldOut).reduce((sum, d) => sum + Buffer.byteLength(d.text), 0);
console.log(
  `${packages.length} packages, ${documents.length} files, ${(packages.reduce((s, p) => s + p.bytes, 0) / 1e6).toFixed(1)} MB;`,
  `${windows.train.length} training and ${windows.heldOut.length} held-out windows of ${config.context} tokens`,
);

const shapes = [...weightShapes(config)];
const sizeOf = (shape: number[]) => shape.reduce((product, n) => product * n, 1);
const size = shapes.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
const shared = () => new Float32Array(new SharedArrayBuffer(size * 4));
const params = shared();
const decays = new Uint8Array(size);
initialise();
const optimiser = new AdamW(size, { beta2: 0.95, weightDecay: TRAIN.weightDecay });
const progress = { step: 0, minutes: 0, tokens: 0, curve: [] as LossPoint[] };
const checkpointFile = path.join(options.work, "checkpoint");
if (existsSync(`${checkpointFile}.json`)) resume();

const workers = Array.from({ length: threads }, () => {
  const gradient = shared();
  const workerData: PretrainWorkerData = { config, params, gradient };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData });
  const run = async (task: PretrainTask): Promise<number> => {
    worker.postMessage(task);
    const [loss] = await once(worker, "message"); // rejects on the worker's error
    return loss;
  };
  return { worker, gradient, run };
});

await train();
const heldOutLoss = await evaluate(windows.heldOut);
exportModel(options.out, heldOutLoss);
for (const { worker } of workers) await worker.terminate();
console.log(`done: ${options.out}, held-out loss ${heldOutLoss.toFixed(4)}`);

async function train(): Promise<void> {
  const spentBefore = progress.minutes;
  const started = performance.now();
  let saved = started;
  let running = Number.NaN;
  for (;;) {
    const fraction = Math.max(progress.step / budget.steps, progress.minutes / budget.minutes);
    if (fraction >= 1) break;
    // The schedule follows the share of the budget spent, so a slow machine still anneals to the end.
    const cosine = (1 + Math.cos(Math.PI * fraction)) / 2;
    const peak = TRAIN.finalLearningRate + (TRAIN.learningRate - TRAIN.finalLearningRate) * cosine;
    const rate = peak * Math.min(1, (progress.step + 1) / TRAIN.warmupSteps);
    const losses = await Promise.all(workers.map(({ run }, n) => run({ windows: batch(n), train: true })));
    const loss = losses.reduce((sum, l) => sum + l, 0) / threads;
    const gradient = new Float32Array(size);
    for (const { gradient: part } of workers) for (let i = 0; i < size; i++) gradient[i]! += part[i]! / threads;
    optimiser.update(params, gradient, rate, decays);
    progress.step++;
    progress.tokens += threads * TRAIN.windowsPerThread * config.context;
    progress.minutes = spentBefore + (performance.now() - started) / 60_000;
    running = Number.isNaN(running) ? loss : 0.95 * running + 0.05 * loss;
    if (progress.step % EVALUATE_EVERY === 0) {
      const heldOut = await evaluate(windows.heldOut.slice(0, EVALUATION_WINDOWS));
      progress.curve.push({ step: progress.step, tokens: progress.tokens, train: running, heldOut });
      console.log(`  held-out loss ${heldOut.toFixed(4)}`);
    }
    if (progress.step % 25 === 0) {
      const perSecond = (progress.tokens * 60) / (progress.minutes * 3600);
      const left = (progress.minutes * (1 - fraction)) / fraction;
      console.log(
        `step ${progress.step} loss ${running.toFixed(4)} lr ${rate.toExponential(2)} ${progress.tokens} tokens`,
        `${perSecond.toFixed(0)} tokens/s, ${left.toFixed(1)} min left`,
      );
    }
    if (performance.now() - saved > CHECKPOINT_MINUTES * 60_000) {
      saved = performance.now();
      checkpoint();
      exportModel(path.join(options.work, "model"), progress.curve.at(-1)?.heldOut ?? Number.NaN);
    }
  }
  checkpoint();
}

/** The windows of thread n in this step: each epoch visits all windows once, in an order seeded by the epoch. */
function batch(n: number): Int32Array {
  const count = TRAIN.windowsPerThread;
  const first = (progress.step * threads + n) * count;
  const out = new Int32Array(count * (config.context + 1));
  for (let i = 0; i < count; i++) {
    const epoch = Math.floor((first + i) / windows.train.length);
    out.set(epochOrder(epoch)[(first + i) % windows.train.length]!, i * (config.context + 1));
  }
  return out;
}
function epochOrder(epoch: number): Int32Array[] {
  const cache = ((epochOrder as { cache?: Map<number, Int32Array[]> }).cache ??= new Map());
  let order = cache.get(epoch);
  if (order === undefined) cache.set(epoch, (order = new Random(1 + epoch).shuffle(windows.train)));
  return order;
}

/** Mean token loss over windows, in nats. */
async function evaluate(all: Int32Array[]): Promise<number> {
  const tasks: Int32Array[][] = [];
  for (let i = 0; i < all.length; i += TRAIN.windowsPerThread) tasks.push(all.slice(i, i + TRAIN.windowsPerThread));
  let sum = 0;
  const next = async ({ run }: (typeof workers)[number]): Promise<void> => {
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      const flat = Int32Array.from(task.flatMap((window) => [...window]));
      const loss = await run({ windows: flat, train: false });
      sum += loss * task.length;
    }
  };
  await Promise.all(workers.map(next));
  return sum / all.length;
}

/** The tokenizer is trained once per work folder, on the training documents. */
function prepareTokenizer(): Tokenizer {
  const file = path.join(options.work, "tokenizer.json");
  if (!existsSync(file)) {
    const texts = documents.filter((d) => !d.heldOut).map((d) => d.text);
    writeFileSync(file, JSON.stringify(trainTokenizer(texts, config.vocabSize, SPECIALS), null, 1));
    const tokenizerConfig = {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: SPECIALS[0],
      eos_token: SPECIALS[0],
      model_max_length: config.context,
      clean_up_tokenization_spaces: false,
    };
    writeFileSync(path.join(options.work, "tokenizer_config.json"), `${JSON.stringify(tokenizerConfig, null, 2)}\n`);
  }
  return loadTokenizer(options.work);
}

/** Documents, each after a separator token, joined and cut into windows of context + 1 tokens. */
function cutWindows(heldOut: boolean): Int32Array[] {
  const cache = new Map<string, number[]>();
  const ids: number[] = [];
  const order = new Random(0).shuffle(documents.filter((d) => d.heldOut === heldOut));
  for (const { text } of order) {
    ids.push(tokenizer.bos);
    for (const [word] of text.matchAll(PRETOKEN)) {
      let encoded = cache.get(word);
      if (encoded === undefined) cache.set(word, (encoded = tokenizer.encode(word)));
      for (const id of encoded) ids.push(id);
    }
  }
  const all = Int32Array.from(ids);
  const count = Math.floor((all.length - 1) / config.context);
  return Array.from({ length: count }, (_, n) => all.slice(n * config.context, (n + 1) * config.context + 1));
}

/** Normal weights, smaller where a residual branch ends; norms start at 1. Matrices decay, norms do not. */
function initialise(): void {
  const random = new Random(42);
  let offset = 0;
  for (const [name, shape] of shapes) {
    const residual = /o_proj|down_proj/.test(name) ? 1 / Math.sqrt(2 * config.layers) : 1;
    const deviation = name.includes("embed") ? 0.05 : residual / Math.sqrt(2 * (shape[1] ?? 1));
    for (let i = 0; i < sizeOf(shape); i++, offset++) {
      params[offset] = shape.length === 1 ? 1 : deviation * random.normal();
      decays[offset] = shape.length === 1 ? 0 : 1;
    }
  }
}

function checkpoint(): void {
  writeFileSync(
    `${checkpointFile}.new`,
    Buffer.concat([params, optimiser.m, optimiser.v].map((x) => Buffer.from(x.buffer))),
  );
  writeFileSync(`${checkpointFile}.json.new`, JSON.stringify({ ...progress, optimiserStep: optimiser.step }));
  renameSync(`${checkpointFile}.new`, `${checkpointFile}.bin`);
  renameSync(`${checkpointFile}.json.new`, `${checkpointFile}.json`);
}

function resume(): void {
  const { optimiserStep, ...saved } = JSON.parse(readFileSync(`${checkpointFile}.json`, "utf8"));
  const values = new Float32Array(new Uint8Array(readFileSync(`${checkpointFile}.bin`)).buffer);
  params.set(values.subarray(0, size));
  optimiser.m.set(values.subarray(size, 2 * size));
  optimiser.v.set(values.subarray(2 * size));
  optimiser.step = optimiserStep;
  Object.assign(progress, saved);
  console.log(`resumed at step ${progress.step}, ${progress.minutes.toFixed(1)} minutes spent`);
}

/** Writes the Hugging Face folder with its model card. */
function exportModel(folder: string, heldOut: number): void {
  mkdirSync(folder, { recursive: true });
  let offset = 0;
  const tensors = shapes.map(([name, shape]) => {
    const data = params.slice(offset, (offset += sizeOf(shape)));
    return [name, { shape, data }] as const;
  });
  const write = (name: string, content: string | Uint8Array) => writeFileSync(path.join(folder, name), content);
  write("config.json", `${JSON.stringify(HUGGING_FACE_CONFIG, null, 2)}\n`);
  for (const name of ["tokenizer.json", "tokenizer_config.json"])
    write(name, readFileSync(path.join(options.work, name)));
  write("model.safetensors", writeSafetensors(new Map(tensors), "F16"));
  write("loss.svg", plotLoss(progress.curve));
  const bytesPerToken = heldOutBytes / (windows.heldOut.length * config.context);
  write(
    "README.md",
    modelCard({ config, packages, ...progress, parameters: size, heldOut, bytesPerToken, ...TRAIN, threads }),
  );
}
