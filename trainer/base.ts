import { readFileSync } from "node:fs";
import path from "node:path";
import { keccak256 } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type LlamaConfig, parseConfig, weightShapes } from "./config.ts";
import { requireWeightMemory } from "./memory.ts";
import { type PackedTensor, packTensor, type WeightFormat } from "./packed.ts";
import { readWeights, type StoredTensor } from "./safetensors.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer.ts";

/** A model in memory, on no backend yet. */
export interface Model<Weight extends PackedTensor = StoredTensor> {
  name: string;
  config: LlamaConfig;
  weights: Map<string, Weight>;
  tokenizer: Tokenizer;
}

/** A model as its files say. */
export interface Base<Weight extends PackedTensor = StoredTensor> extends Model<Weight> {
  /** keccak256 over what decides the computation: config.json, tokenizer.json, weights, and the chat template if there is one. */
  hash: string;
}

/**
 * Loads a Hugging Face folder: config.json, tokenizer.json, tokenizer_config.json, model.safetensors (or shards).
 * @throws OpenLedgerError `TRAINER_BASE`, `TRAINER_CONFIG`, `TRAINER_SAFETENSORS`, `TRAINER_MEMORY`
 */
export function loadBase(folder: string): Base {
  return loadPackedBase(folder, "f32") as Base;
}

/**
 * The same with its weights in a smaller format, tensor by tensor as they are read, so that the whole is never in float32. Its hash is that of
 * the files.
 * @param memory bytes that there are; weights that need more are refused before any is read
 */
export function loadPackedBase(folder: string, format: WeightFormat, memory?: number): Base<PackedTensor> {
  return reading(folder, () => read(folder, format, memory));
}

/** The architecture alone. */
export function loadConfig(folder: string): LlamaConfig {
  return reading(folder, () => parseConfig(readJson(folder)));
}

function reading<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof OpenLedgerError) throw cause;
    const message = `base ${folder} cannot be read (${(cause as Error).message}); name a Hugging Face model folder`;
    throw new OpenLedgerError("TRAINER_BASE", message, { cause });
  }
}

const readJson = (folder: string) =>
  JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as Record<string, unknown>;

function read(folder: string, format: WeightFormat, memory?: number): Base<PackedTensor> {
  const json = readJson(folder);
  const config = parseConfig(json);
  const name = path.basename(folder);
  requireWeightMemory(name, config, format, memory);
  const hashes = new Map<string, string>();
  const weights = readWeights(folder, (name, tensor) => {
    const { buffer, byteLength } = tensor.data;
    hashes.set(name, keccak256(new Uint8Array(buffer, 0, byteLength)));
    return packTensor(name, tensor, format);
  });
  checkWeights(config, weights);
  const weightHashes = [...weights.keys()].map((name) => [name, hashes.get(name)]);
  const tokenizer = loadTokenizer(folder);
  const chat = tokenizer.chat === undefined ? [] : [tokenizer.chat.source];
  const parts = [json, readFileSync(path.join(folder, "tokenizer.json"), "utf8"), weightHashes, ...chat];
  const hash = keccak256(Buffer.from(JSON.stringify(parts)));
  return { name, config, weights, tokenizer, hash };
}

/** Weights that some folders hold and no computation needs: constants of old Llama files, and a head that is the embedding. */
const NEEDLESS = /^(lm_head\.weight|model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq)$/;

/** Refuses weights that are missing, misshapen or unknown, and drops the needless ones. */
function checkWeights(config: LlamaConfig, weights: Map<string, PackedTensor>): void {
  const shapes = weightShapes(config);
  for (const [name, shape] of shapes) {
    const found = weights.get(name)?.shape;
    if (JSON.stringify(found) !== JSON.stringify(shape)) {
      const problem = found === undefined ? "is missing" : `has shape [${found}], config.json says [${shape}]`;
      throw new OpenLedgerError("TRAINER_BASE", `base weights: ${name} ${problem}; get the model again`);
    }
  }
  for (const name of [...weights.keys()].filter((name) => !shapes.has(name))) {
    if (!NEEDLESS.test(name)) {
      const message = `base weights: ${name} is not a weight of the architecture in config.json; choose another base model`;
      throw new OpenLedgerError("TRAINER_BASE", message);
    }
    weights.delete(name);
  }
}
