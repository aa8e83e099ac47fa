import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { LlamaEngine } from "../openlora/engine.ts";
import { type Base, loadBase } from "../trainer/base.ts";
import { LINEARS } from "../trainer/config.ts";
import type { ExportKind } from "../trainer/export.ts";
import { main as exportCommand } from "../trainer/export-cli.ts";
import { type FinetuneProgress, finetune } from "../trainer/finetune.ts";
import type { Adapter } from "../trainer/lora.ts";
import { OnnxEngine } from "../trainer/onnx/engine.ts";
import { loadAdapter, saveAdapter } from "../trainer/peft.ts";
import { Pool } from "../trainer/pool.ts";
import { writeSafetensors } from "../trainer/safetensors.ts";
import { randomModel } from "./shapes.ts";

const root = path.join(import.meta.dirname, "..");
const TOKENIZER = path.join(root, "models/tiny-llama");
const TEXT = path.join(root, "node_modules/solady/src/utils/LibString.sol");
const PROMPT = "function transfer(address to, uint256 amount)";
const [BATCH, ROW_BYTES, CHECKPOINT_STEPS, ANSWER_TOKENS] = [2, 256, 10, 16];

/**
 * A model with random weights through the whole path: written as a Hugging Face folder, fine-tuned by the ONNX engine, exported
 * by `openledger export`, served by llama.cpp. Says how far llama.cpp is from the trainer. What stands in the folder is kept, and a
 * run that was stopped goes on from its last checkpoint.
 * @param model a name of shapes.ts
 */
export async function wholePath(folder: string, model: string, steps: number) {
  const at = (name: string) => path.join(folder, name);
  const base = randomBase(at("base"), model);
  const { adapter, ...trained } = await train(base, folder, steps);
  for (const kind of ["gguf", "gguf-lora", "gguf-merged"] satisfies ExportKind[]) {
    const command = ["--as", kind, "--base", at("base"), "--adapter", at("adapter"), "--out", at(kind)];
    if (!existsSync(at(kind))) await exportCommand(command);
  }

  const engine = new OnnxEngine(base.config, base.weights);
  const prompt = [base.tokenizer.bos, ...base.tokenizer.encode(PROMPT)];
  const bare = logProbabilities(await engine.logits(undefined, prompt), base);
  const tuned = logProbabilities(await engine.logits(adapter, prompt), base);
  const answer = await serve(base, at("gguf-lora"), prompt);
  const differences = {
    base: apart(bare, await llamaCpp(prompt, base, at("gguf"))),
    adapter: apart(tuned, await llamaCpp(prompt, base, at("gguf"), at("gguf-lora"))),
    merged: apart(tuned, await llamaCpp(prompt, base, at("gguf-merged"))),
  };
  return {
    ...trained,
    largestProbability: { base: Math.exp(largest(bare)), adapter: Math.exp(largest(tuned)) },
    adapterChanges: apart(bare, tuned),
    differenceToLlamaCpp: differences,
    served: {
      tokens: answer.length,
      /** How much less likely than the trainer's own choice the least likely served token is, in log-probability. */
      furthestFromBest: regret(await engine.logits(adapter, [...prompt, ...answer]), base, prompt.length, answer),
    },
  };
}

function randomBase(folder: string, model: string): Base {
  if (!existsSync(folder)) {
    const { json, weights } = randomModel(model);
    const partial = `${folder}.partial`;
    mkdirSync(partial, { recursive: true });
    writeFileSync(path.join(partial, "config.json"), JSON.stringify(json));
    writeFileSync(path.join(partial, "model.safetensors"), writeSafetensors(weights, "F16"));
    for (const name of ["tokenizer.json", "tokenizer_config.json"])
      copyFileSync(path.join(TOKENIZER, name), path.join(partial, name));
    renameSync(partial, folder);
  }
  return loadBase(folder);
}

async function train(base: Base, folder: string, steps: number) {
  const text = readFileSync(TEXT, "utf8");
  const rows = Array.from({ length: steps * BATCH }, (_, i) => text.slice(i * ROW_BYTES, (i + 1) * ROW_BYTES));
  const run = { folder: path.join(folder, "run"), everySteps: CHECKPOINT_STEPS };
  const lora = { rank: 8, alpha: 16, targetModules: [...LINEARS] };
  const pool = await Pool.start(base, { threads: 1, backend: "onnx" });
  try {
    const options = { ...lora, rows, heldOut: rows.slice(0, 4), epochs: 1, learningRate: 1e-3, batch: BATCH, seed: 1 };
    const report = await finetune(pool, { ...options, run });
    saveAdapter(path.join(folder, "adapter"), report.adapter, base);
    const metrics = readFileSync(path.join(run.folder, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    return {
      adapter: loadAdapter(path.join(folder, "adapter"), base).adapter as Adapter,
      steps: report.steps,
      tokens: report.tokens,
      trainingSeconds: Math.round(report.seconds),
      heldOutLoss: { before: report.heldOutBefore, after: report.heldOutAfter },
      losses: metrics.map((line) => Number((JSON.parse(line) as FinetuneProgress).loss.toFixed(4))),
    };
  } finally {
    await pool.close();
  }
}

/** What the gateway's engine answers, greedily. */
async function serve(base: Base, adapter: string, promptIds: number[]): Promise<number[]> {
  const engine = await LlamaEngine.start(base, { threads: 1, slots: 1, ready: 1 });
  try {
    const { signal } = new AbortController();
    const decoding = { adapter, promptIds, maxTokens: ANSWER_TOKENS, temperature: 0, seed: 0, signal };
    return (await engine.decode({ ...decoding, onToken: () => {} })).ids;
  } finally {
    await engine.close();
  }
}

/** Of the token after the last, by llama.cpp. */
async function llamaCpp(ids: number[], { config }: Base, modelPath: string, lora?: string): Promise<Float64Array> {
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error });
  try {
    const model = await llama.loadModel({ modelPath });
    const context = await model.createContext({ threads: 1, contextSize: 64, ...(lora ? { lora } : {}) });
    const next = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1 } };
    const [seen, last] = [ids.slice(0, -1) as Token[], ids.at(-1) as Token];
    const evaluated = await context.getSequence().controlledEvaluate([...seen, [last, { generateNext: next }]]);
    const out = new Float64Array(config.vocabSize).fill(Number.NEGATIVE_INFINITY);
    for (const [id, p] of evaluated.at(-1)!.next.probabilities!) out[id] = Math.log(p);
    return out;
  } finally {
    await llama.dispose();
  }
}

/** Of the token after the last, by the trainer. */
function logProbabilities(logits: Float32Array, { config }: Base): Float64Array {
  const last = Float64Array.from(logits.slice(-config.vocabSize));
  const top = largest(last);
  const logSum = top + Math.log(last.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  return last.map((logit) => logit - logSum);
}

function regret(logits: Float32Array, { config }: Base, prompt: number, answer: number[]): number {
  const behind = answer.map((id, n) => {
    const of = logits.subarray((prompt + n - 1) * config.vocabSize, (prompt + n) * config.vocabSize);
    return largest(of) - of[id]!;
  });
  return Number(Math.max(...behind).toPrecision(2));
}

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => Math.max(a, b));

/** Largest difference of two log-probabilities, and of the probabilities. */
function apart(a: Float64Array, b: Float64Array) {
  const over = (difference: (id: number) => number) =>
    Number(largest(a.map((_, id) => Math.abs(difference(id)))).toPrecision(2));
  return {
    logProbability: over((id) => a[id]! - b[id]!),
    probability: over((id) => Math.exp(a[id]!) - Math.exp(b[id]!)),
  };
}
