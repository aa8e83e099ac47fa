/**
 * A model of SmolLM2-135M's shape (random weights, tiny-llama's tokenizer) through the whole path: written as a Hugging Face
 * folder, fine-tuned for 50 steps, exported, run by llama.cpp. `node bench/serve.ts` prints what it saw as one line of JSON.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getLlama, type Token } from "node-llama-cpp";
import { loadBase } from "../trainer/base.ts";
import { LINEARS } from "../trainer/config.ts";
import { finetune } from "../trainer/finetune.ts";
import { encodeBase, encodeLora } from "../trainer/gguf.ts";
import { OnnxEngine } from "../trainer/onnx/engine.ts";
import { loadAdapter, saveAdapter } from "../trainer/peft.ts";
import { Pool } from "../trainer/pool.ts";
import { writeSafetensors } from "../trainer/safetensors.ts";
import { randomModel } from "./shapes.ts";

const MODEL = "smollm2-135m";
const [STEPS, BATCH, ROW_BYTES] = [50, 2, 256];

const root = path.join(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "openledger-bench-"));
const at = (name: string) => path.join(folder, name);
const started = performance.now();
try {
  const { json, weights } = randomModel(MODEL);
  writeFileSync(at("config.json"), JSON.stringify(json));
  writeFileSync(at("model.safetensors"), writeSafetensors(weights, "F16"));
  for (const name of ["tokenizer.json", "tokenizer_config.json"])
    copyFileSync(path.join(root, "models/tiny-llama", name), at(name));
  const base = loadBase(folder);

  const text = readFileSync(path.join(root, "node_modules/solady/src/utils/LibString.sol"), "utf8");
  const rows = Array.from({ length: STEPS * BATCH }, (_, i) => text.slice(i * ROW_BYTES, (i + 1) * ROW_BYTES));
  const pool = await Pool.start(base, { threads: 1, backend: "onnx" });
  const options = {
    rank: 8,
    alpha: 16,
    targetModules: [...LINEARS],
    epochs: 1,
    learningRate: 1e-3,
    batch: BATCH,
    seed: 1,
  };
  const report = await finetune(pool, { ...options, rows, heldOut: rows.slice(0, 4) });
  await pool.close();
  saveAdapter(at("adapter"), report.adapter, base);
  const { adapter } = loadAdapter(at("adapter"), base);

  const ids = [base.tokenizer.bos, ...base.tokenizer.encode("function transfer(address to, uint256 amount)")];
  const engine = new OnnxEngine(base.config, base.weights);
  const trained = {
    base: probabilities(await engine.logits(undefined, ids), base.config.vocabSize),
    adapter: probabilities(await engine.logits(adapter, ids), base.config.vocabSize),
  };
  writeFileSync(at("base.gguf"), encodeBase(base));
  writeFileSync(at("adapter.gguf"), encodeLora(base, adapter));
  const served = {
    base: await serve(ids, base.config.vocabSize),
    adapter: await serve(ids, base.config.vocabSize, at("adapter.gguf")),
  };
  const apart = (a: Float64Array, b: Float64Array) =>
    Number(Math.max(...a.map((p, id) => Math.abs(p - b[id]!))).toPrecision(2));
  const result = {
    model: MODEL,
    ...{ steps: report.steps, tokens: report.tokens, seconds: Math.round((performance.now() - started) / 1000) },
    trainingSeconds: Math.round(report.seconds),
    heldOutLoss: { before: report.heldOutBefore, after: report.heldOutAfter },
    largestProbability: { base: Math.max(...trained.base), adapter: Math.max(...trained.adapter) },
    adapterChanges: apart(trained.base, trained.adapter),
    differenceToLlamaCpp: { base: apart(trained.base, served.base), adapter: apart(trained.adapter, served.adapter) },
  };
  console.log(JSON.stringify(result));
  writeFileSync(path.join(root, "bench/results/serve-smollm2-135m.json"), `${JSON.stringify(result, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Of the token after the last. */
function probabilities(logits: Float32Array, vocab: number): Float64Array {
  const last = Float64Array.from(logits.slice(-vocab));
  const largest = last.reduce((a, b) => Math.max(a, b));
  const powers = last.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The same by llama.cpp. */
async function serve(ids: number[], vocab: number, lora?: string): Promise<Float64Array> {
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 2 });
  const model = await llama.loadModel({ modelPath: at("base.gguf") });
  const context = await model.createContext({ threads: 2, contextSize: 64, ...(lora ? { lora } : {}) });
  const next = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1 } };
  const [last] = (
    await context
      .getSequence()
      .controlledEvaluate([...(ids.slice(0, -1) as Token[]), [ids.at(-1) as Token, { generateNext: next }]])
  ).slice(-1);
  const out = new Float64Array(vocab);
  for (const [id, p] of last!.next.probabilities!) out[id] = p;
  await llama.dispose();
  return out;
}
