import { OpenLedgerError } from "../sdk/errors.ts";
import type { Model } from "./base.ts";
import { type LinearName, type LlamaConfig, linearModules, ropeFrequencies } from "./config.ts";
import { type Adapter, loraLayout } from "./lora.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Bases and adapters as GGUF (version 3) files, which llama.cpp runs. All tensors are float32.
 *
 * llama.cpp rotates neighbouring entries of a head where Hugging Face rotates the two halves, so the rows of q and k
 * change places on the way, in the base and in B of an adapter.
 */
type Tensor = { name: string /** Row-major. */; shape: number[]; data: Float32Array };
type Value = string | number | boolean | { float: number } | { strings: string[] } | { integers: number[] };

const NAMES: Record<LinearName, string> = {
  q_proj: "attn_q",
  k_proj: "attn_k",
  v_proj: "attn_v",
  o_proj: "attn_output",
  gate_proj: "ffn_gate",
  up_proj: "ffn_up",
  down_proj: "ffn_down",
};
const ALIGNMENT = 32;
const MAGIC_VERSION = [0x46554747, 3] as const; // "GGUF"
const TYPES = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const TOKEN_TYPES = { normal: 1, control: 3 } as const;

/**
 * A model as a GGUF file, its tokenizer included.
 * @throws OpenLedgerError `GGUF_UNSUPPORTED` for what llama.cpp's `llama` architecture would compute differently.
 */
export function encodeBase(base: Model): Uint8Array {
  const { config, weights } = base;
  if (config.biases.length > 0 || config.slidingWindow !== undefined) {
    const what = config.biases.length > 0 ? `a bias in ${config.biases}` : "a sliding window";
    const message = `base ${base.name} has ${what}, which the gateway cannot serve; use a base of the Llama architecture`;
    throw new OpenLedgerError("GGUF_UNSUPPORTED", message);
  }
  const tensor = (name: string, from: string): Tensor => ({ name, ...weights.get(from)! });
  const tensors = [
    tensor("token_embd.weight", "model.embed_tokens.weight"),
    ...linearModules(config).map(({ name, linear, in: input }) => {
      const { shape, data } = weights.get(`${name}.weight`)!;
      return { name: `${blockName(name, linear)}.weight`, shape, data: rotated(config, linear, data, input) };
    }),
    ...Array.from({ length: config.layers }, (_, i) => [
      tensor(`blk.${i}.attn_norm.weight`, `model.layers.${i}.input_layernorm.weight`),
      tensor(`blk.${i}.ffn_norm.weight`, `model.layers.${i}.post_attention_layernorm.weight`),
    ]).flat(),
    tensor("output_norm.weight", "model.norm.weight"),
    ...(config.tiedEmbeddings ? [] : [tensor("output.weight", "lm_head.weight")]),
    ...(config.ropeScaling === undefined ? [] : [slowedRotations(config)]),
  ];
  return encode(
    {
      "general.architecture": "llama",
      "general.name": base.name,
      "llama.block_count": config.layers,
      "llama.context_length": config.context,
      "llama.embedding_length": config.hiddenSize,
      "llama.feed_forward_length": config.intermediateSize,
      "llama.attention.head_count": config.heads,
      "llama.attention.head_count_kv": config.kvHeads,
      "llama.attention.key_length": config.headDim,
      "llama.attention.value_length": config.headDim,
      "llama.attention.layer_norm_rms_epsilon": { float: config.normEps },
      "llama.rope.freq_base": { float: config.ropeTheta },
      "llama.rope.dimension_count": config.headDim,
      "llama.vocab_size": config.vocabSize,
      ...tokenizerKeys(base.tokenizer, config.vocabSize),
    },
    tensors,
  );
}

/** What llama.cpp divides the unscaled frequency of each pair of entries by. */
function slowedRotations(config: LlamaConfig): Tensor {
  const unscaled = ropeFrequencies({ ...config, ropeScaling: undefined });
  const data = Float32Array.from(ropeFrequencies(config), (frequency, j) => unscaled[j]! / frequency);
  return { name: "rope_freqs.weight", shape: [data.length], data };
}

/** An adapter as a GGUF file for `base`. */
export function encodeLora(base: { config: LlamaConfig }, adapter: Adapter): Uint8Array {
  const { rank, alpha } = adapter.lora;
  const linears = new Map(linearModules(base.config).map(({ name, linear }) => [name, linear]));
  const tensors = loraLayout(base.config, adapter.lora).modules.flatMap(
    ({ name, in: input, out, offset }): Tensor[] => {
      const linear = linears.get(name)!;
      const [middle, end] = [offset + rank * input, offset + rank * (input + out)];
      const b = rotated(base.config, linear, adapter.params.subarray(middle, end), rank);
      const block = `${blockName(name, linear)}.weight`;
      return [
        { name: `${block}.lora_a`, shape: [rank, input], data: adapter.params.subarray(offset, middle) },
        { name: `${block}.lora_b`, shape: [out, rank], data: b },
      ];
    },
  );
  return encode(
    {
      "general.type": "adapter",
      "general.architecture": "llama",
      "adapter.type": "lora",
      "adapter.lora.alpha": { float: alpha },
    },
    tensors,
  );
}

const blockName = (module: string, linear: LinearName) => `blk.${module.split(".")[2]}.${NAMES[linear]}`;

/** The rows of a [out, columns] matrix of q or k in llama.cpp's order; others as they are. */
function rotated(config: LlamaConfig, linear: LinearName, data: Float32Array, columns: number): Float32Array {
  if (linear !== "q_proj" && linear !== "k_proj") return data;
  const out = new Float32Array(data.length);
  const half = config.headDim / 2;
  for (let head = 0; head * config.headDim * columns < data.length; head++)
    for (let i = 0; i < half; i++)
      for (let side = 0; side < 2; side++) {
        const from = (head * config.headDim + side * half + i) * columns;
        out.set(data.subarray(from, from + columns), (head * config.headDim + 2 * i + side) * columns);
      }
  return out;
}

/** The vocabulary as a byte-level BPE ("gpt2"): texts are tokenised by our own tokenizer, so llama.cpp only needs the ids. */
function tokenizerKeys({ vocabulary, bos, eos }: Tokenizer, size: number): Record<string, Value> {
  const { tokens, merges, special } = vocabulary;
  const padded = Array.from({ length: size }, (_, id) => tokens[id] ?? `<|unused ${id}|>`);
  const control = (id: number) => special.has(id) || tokens[id] === undefined;
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": { strings: padded },
    "tokenizer.ggml.token_type": {
      integers: padded.map((_, id) => (control(id) ? TOKEN_TYPES.control : TOKEN_TYPES.normal)),
    },
    "tokenizer.ggml.merges": { strings: merges },
    "tokenizer.ggml.bos_token_id": bos,
    "tokenizer.ggml.eos_token_id": eos,
    "tokenizer.ggml.add_bos_token": false,
  };
}

/** Header, keys, tensor infos, then the tensors, each aligned. */
function encode(keys: Record<string, Value>, tensors: Tensor[]): Uint8Array {
  const head: Buffer[] = [];
  const u32 = (n: number) => head.push(Buffer.from(Uint32Array.of(n).buffer));
  const u64 = (n: number) => head.push(Buffer.from(BigUint64Array.of(BigInt(n)).buffer));
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    u64(bytes.length);
    head.push(bytes);
  };
  const value = (entry: Value) => {
    if (typeof entry === "string") {
      u32(TYPES.string);
      text(entry);
    } else if (typeof entry === "number") {
      u32(TYPES.u32);
      u32(entry);
    } else if (typeof entry === "boolean") {
      u32(TYPES.bool);
      head.push(Buffer.of(entry ? 1 : 0));
    } else if ("float" in entry) {
      u32(TYPES.f32);
      head.push(Buffer.from(Float32Array.of(entry.float).buffer));
    } else if ("strings" in entry) {
      u32(TYPES.array);
      u32(TYPES.string);
      u64(entry.strings.length);
      entry.strings.forEach(text);
    } else {
      u32(TYPES.array);
      u32(TYPES.i32);
      u64(entry.integers.length);
      head.push(Buffer.from(Int32Array.from(entry.integers).buffer));
    }
  };
  MAGIC_VERSION.forEach(u32);
  u64(tensors.length);
  u64(Object.keys(keys).length);
  for (const [key, entry] of Object.entries(keys)) {
    text(key);
    value(entry);
  }
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    text(name);
    u32(shape.length);
    for (const size of shape.toReversed()) u64(size); // GGUF names the fastest dimension first
    u32(0); // float32
    u64(offset);
    offset += align(data.byteLength);
  }
  const start = align(head.reduce((sum, { length }) => sum + length, 0));
  const out = new Uint8Array(start + offset);
  out.set(Buffer.concat(head));
  let at = start;
  for (const { data } of tensors) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += align(data.byteLength);
  }
  return out;
}

const align = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;
