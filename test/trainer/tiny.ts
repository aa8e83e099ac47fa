import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { type Base, loadBase } from "../../trainer/base.ts";
import { type LinearName, parseConfig, weightShapes } from "../../trainer/config.ts";
import { finetune } from "../../trainer/finetune.ts";
import { type Adapter, newAdapter } from "../../trainer/lora.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import type { Pool } from "../../trainer/pool.ts";
import { trainTokenizer } from "../../trainer/pretrain/bpe.ts";
import { Random } from "../../trainer/random.ts";
import { writeSafetensors } from "../../trainer/safetensors.ts";
import { TfjsEngine } from "../../trainer/tfjs-engine.ts";

/** Three kinds of text that a model can tell apart. */
export const KINDS = [
  (n: number) => `function transfer${n}(address to, uint256 amount) external returns (bool) { return true; }`,
  (n: number) => `import { item${n} } from "./module${n}.js"; export const value = item${n};`,
  (n: number) => `# Heading ${n}\n\nThe quick brown fox jumps over the lazy dog, ${n} times a day.`,
];
export const rowsOf = (kind: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => KINDS[kind]!(from + i));

const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  vocab_size: 400,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};

/** Each way to run a model. */
export const ENGINES = { tfjs: TfjsEngine, onnx: OnnxEngine };

export const temporaryFolder = () => mkdtempSync(path.join(tmpdir(), "openledger-trainer-"));

/** A random Llama of 30,000 parameters with a real tokenizer, through the same files as any base, which lie in `folder`. */
export function tinyBase({ chat_template, ...overrides }: Record<string, unknown> = {}): Base & { folder: string } {
  const folder = path.join(temporaryFolder(), "tiny");
  mkdirSync(folder);
  const json = { ...CONFIG, ...overrides };
  const texts = [0, 1, 2].flatMap((kind) => rowsOf(kind, 5));
  const random = new Random(3);
  const weights = [...weightShapes(parseConfig(json))].map(([name, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const value = () => (shape.length === 1 ? 1 + 0.1 * random.normal() : 0.3 * random.normal());
    return [name, { shape, data: Float32Array.from({ length: size }, value) }] as const;
  });
  const write = (name: string, content: string | Uint8Array) => writeFileSync(path.join(folder, name), content);
  write("config.json", JSON.stringify(json));
  write("tokenizer.json", JSON.stringify(trainTokenizer(texts, CONFIG.vocab_size, ["<|endoftext|>"])));
  const special = { bos_token: "<|endoftext|>", eos_token: "<|endoftext|>" };
  write("tokenizer_config.json", JSON.stringify({ ...special, chat_template }));
  write("model.safetensors", writeSafetensors(new Map(weights), "F32"));
  return { ...loadBase(folder), folder };
}

/** An adapter away from its start, where B is not zero. */
export function someAdapter(base: Base, targetModules: LinearName[], rank = 4): Adapter {
  const adapter = newAdapter(base.config, { rank, alpha: 8, targetModules }, 1);
  const random = new Random(2);
  for (let i = 0; i < adapter.params.length; i++) adapter.params[i]! += 0.1 * random.normal();
  return adapter;
}

/** An adapter that finds these rows likely, over a base that knows nothing. */
export async function tunedAdapter(
  pool: Pool,
  rows: readonly string[],
  targetModules: LinearName[],
  rank = 4,
): Promise<Adapter> {
  const options = { rank, alpha: 8, targetModules, epochs: 4, learningRate: 0.02, batch: 16, seed: 1 };
  return (await finetune(pool, { ...options, rows: rows.filter((row) => row !== ""), heldOut: [] })).adapter;
}

/** The OpenLedgerError that the action throws. */
export async function failure(action: () => unknown): Promise<OpenLedgerError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof OpenLedgerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** |a − b| / |b| over whole vectors. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}
