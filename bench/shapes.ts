import { parseConfig, weightShapes } from "../trainer/config.ts";
import { Random } from "../trainer/random.ts";

/** config.json of well-known models, for random weights: speed does not depend on what they are. */
const SHAPES: Record<string, object> = {
  "smollm2-135m": {
    architectures: ["LlamaForCausalLM"],
    ...{ vocab_size: 49152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 8192 },
    ...{ rms_norm_eps: 1e-5, rope_theta: 100000, tie_word_embeddings: true },
  },
  /** The same family in small: nine heads over three, a tied head, tiny-llama's vocabulary. */
  "smollm2-small": {
    architectures: ["LlamaForCausalLM"],
    ...{ vocab_size: 2048, hidden_size: 72, intermediate_size: 192, num_hidden_layers: 4 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 256 },
    ...{ rms_norm_eps: 1e-5, rope_theta: 100000, tie_word_embeddings: true },
  },
};

export function randomModel(name: string) {
  const json = SHAPES[name];
  if (json === undefined)
    throw new Error(`no model is called ${name}; there are tiny-llama and ${Object.keys(SHAPES)}`);
  const config = parseConfig({ ...json });
  const random = new Random(2);
  const weights = [...weightShapes(config)].map(([tensor, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const data = new Float32Array(new SharedArrayBuffer(4 * size)).fill(1); // norms
    if (shape.length === 2) for (let i = 0; i < size; i++) data[i] = (random.uniform() - 0.5) * 0.07;
    return [tensor, { shape, data }] as const;
  });
  return { json, config, weights: new Map(weights) };
}
