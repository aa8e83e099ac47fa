import { OpenLedgerError } from "../sdk/errors.ts";

/** What of a Hugging Face `config.json` decides the computation. */
export interface LlamaConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Longest sequence, in tokens. */
  context: number;
  normEps: number;
  ropeTheta: number;
  /** Llama 3.1 and later: slow rotations are slowed down further, for contexts longer than the first training's. */
  ropeScaling: Llama3Scaling | undefined;
  tiedEmbeddings: boolean;
  /** Mistral: a position sees only this many positions up to itself. */
  slidingWindow: number | undefined;
  /** The linears with a bias, for example q, k and v in Qwen2. */
  biases: LinearName[];
}

export interface Llama3Scaling {
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  /** Context of the first training, tokens. */
  originalContext: number;
}

/** The linear modules of one layer, in the fixed order in which adapters and gradients lay them out. */
export const LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
export type LinearName = (typeof LINEARS)[number];

/** What differs between the families: defaults of fields that config.json may leave out, and biases. */
const FAMILIES: Record<string, { window?: number; biases(json: Json): LinearName[] }> = {
  LlamaForCausalLM: {
    biases: (json) => [
      ...(json.attention_bias ? LINEARS.slice(0, 4) : []), // o_proj too
      ...(json.mlp_bias ? LINEARS.slice(4) : []),
    ],
  },
  MistralForCausalLM: { window: 4096, biases: () => [] },
  Qwen2ForCausalLM: { biases: () => ["q_proj", "k_proj", "v_proj"] },
};
type Json = Record<string, unknown>;

/** Fields that change the computation in a way this trainer does not know, unless they have this value or are left out. */
const REFUSED: Json = {
  hidden_act: "silu",
  quantization_config: null,
  rope_interleaved: false,
  use_mrope: false,
  use_sliding_window: false,
  partial_rotary_factor: 1,
};

/**
 * Reads a Hugging Face config of the Llama family: Llama 2 and 3, SmolLM2, Mistral, Qwen2, and DeepSeek-R1's distills of them.
 * @throws OpenLedgerError `TRAINER_CONFIG` naming the field, for anything that would be computed differently
 */
export function parseConfig(json: Json): LlamaConfig {
  const architecture = (json.architectures as string[] | undefined)?.[0] ?? "";
  const family = Object.hasOwn(FAMILIES, architecture) ? FAMILIES[architecture]! : undefined;
  if (family === undefined) {
    throw bad("architectures", `is ${JSON.stringify(json.architectures)}; supported are ${Object.keys(FAMILIES)}`);
  }
  for (const [field, only] of Object.entries(REFUSED)) {
    const value = json[field] ?? only;
    if (value !== only) throw bad(field, `is ${JSON.stringify(value)}; only ${JSON.stringify(only)} is supported`);
  }
  const number = (field: string, fallback?: number) => positive(json, field, fallback);
  const heads = number("num_attention_heads");
  const hiddenSize = number("hidden_size");
  const config: LlamaConfig = {
    vocabSize: number("vocab_size"),
    hiddenSize,
    intermediateSize: number("intermediate_size"),
    layers: number("num_hidden_layers"),
    heads,
    kvHeads: number("num_key_value_heads", architecture === "LlamaForCausalLM" ? heads : undefined),
    headDim: number("head_dim", hiddenSize / heads),
    context: number("max_position_embeddings"),
    normEps: number("rms_norm_eps", 1e-6),
    ...rope(json),
    tiedEmbeddings: json.tie_word_embeddings === true,
    slidingWindow: slidingWindow(json, family.window),
    biases: family.biases(json),
  };
  if (config.heads % config.kvHeads !== 0 || config.headDim % 2 !== 0) {
    throw bad("num_key_value_heads", "must divide num_attention_heads, and the head size must be even");
  }
  return config;
}

/** Mistral's window, where null means none; the other families have none. */
function slidingWindow(json: Json, familyDefault: number | undefined): number | undefined {
  if (familyDefault === undefined || json.sliding_window === null) return undefined;
  return positive(json, "sliding_window", familyDefault);
}

/** Rotary settings, in the old style (rope_theta, rope_scaling) or in that of transformers 5 (rope_parameters). */
function rope(json: Json): Pick<LlamaConfig, "ropeTheta" | "ropeScaling"> {
  const field = json.rope_parameters ? "rope_parameters" : "rope_scaling";
  const settings = (json[field] ?? {}) as Json;
  const kind = settings.rope_type ?? settings.type ?? "default";
  const ropeTheta = positive({ ...json, ...settings }, "rope_theta", 10_000);
  if (kind === "default") return { ropeTheta, ropeScaling: undefined };
  if (kind !== "llama3") {
    throw bad(`${field}.rope_type`, `is ${JSON.stringify(kind)}; supported are "default" and "llama3"`);
  }
  const number = (name: string) => positive(settings, name, undefined, `${field}.`);
  const ropeScaling = {
    factor: number("factor"),
    lowFreqFactor: number("low_freq_factor"),
    highFreqFactor: number("high_freq_factor"),
    originalContext: number("original_max_position_embeddings"),
  };
  return { ropeTheta, ropeScaling };
}

function positive(json: Json, field: string, fallback?: number, prefix = ""): number {
  const value = json[field] ?? fallback;
  if (typeof value !== "number" || !(value > 0)) throw bad(prefix + field, `must be a positive number, not ${value}`);
  return value;
}

function bad(field: string, problem: string): OpenLedgerError {
  return new OpenLedgerError("TRAINER_CONFIG", `config.json: ${field} ${problem}; choose another base model`);
}

/** Radians a position, for each pair of a head's entries. */
export function ropeFrequencies({ headDim, ropeTheta, ropeScaling }: LlamaConfig): number[] {
  const frequencies = Array.from({ length: headDim / 2 }, (_, j) => ropeTheta ** (-(2 * j) / headDim));
  if (ropeScaling === undefined) return frequencies;
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = ropeScaling;
  return frequencies.map((frequency) => {
    const turns = (originalContext * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)));
    return frequency * (kept + (1 - kept) / factor);
  });
}

/** Name and [out, in] shape of every linear module, layer by layer in the order of LINEARS. */
export function linearModules(config: LlamaConfig): { name: string; linear: LinearName; out: number; in: number }[] {
  const { hiddenSize: d, intermediateSize: m, headDim } = config;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  const shapes: Record<LinearName, [number, number]> = {
    q_proj: [q, d],
    k_proj: [kv, d],
    v_proj: [kv, d],
    o_proj: [d, q],
    gate_proj: [m, d],
    up_proj: [m, d],
    down_proj: [d, m],
  };
  return Array.from({ length: config.layers }).flatMap((_, layer) =>
    LINEARS.map((linear) => {
      const block = linear.length > 6 ? "mlp" : "self_attn"; // gate_, up_ and down_ sit in the MLP
      const [out, input] = shapes[linear];
      return { name: `model.layers.${layer}.${block}.${linear}`, linear, out, in: input };
    }),
  );
}

/** Names and shapes of all weights in the Hugging Face layout. */
export function weightShapes(config: LlamaConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [config.vocabSize, config.hiddenSize]]]);
  for (const { name, linear, out, in: input } of linearModules(config)) {
    shapes.set(`${name}.weight`, [out, input]);
    if (config.biases.includes(linear)) shapes.set(`${name}.bias`, [out]);
  }
  for (let layer = 0; layer < config.layers; layer++) {
    shapes.set(`model.layers.${layer}.input_layernorm.weight`, [config.hiddenSize]);
    shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [config.hiddenSize]);
  }
  shapes.set("model.norm.weight", [config.hiddenSize]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [config.vocabSize, config.hiddenSize]);
  return shapes;
}
