import type { Base } from "../trainer/base.ts";
import { parseConfig, weightShapes } from "../trainer/config.ts";
import { type PackedTensor, packTensor, type WeightFormat } from "../trainer/packed.ts";
import { Random } from "../trainer/random.ts";

/** config.json of well-known models, for random weights: speed does not depend on what they are. */
const SHAPES: Record<string, object> = {
  "smollm2-135m": {
    architectures: ["LlamaForCausalLM"],
    ...{ vocab_size: 49152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 8192 },
    ...{ rms_norm_eps: 1e-5, rope_theta: 100000, tie_word_embeddings: true },
  },
  /** Wider than deep, and the other way round: what memory is predicted by. */
  wide: {
    architectures: ["LlamaForCausalLM"],
    ...{ vocab_size: 8192, hidden_size: 384, intermediate_size: 1024, num_hidden_layers: 6 },
    ...{ num_attention_heads: 6, num_key_value_heads: 6, max_position_embeddings: 1024, tie_word_embeddings: true },
  },
  deep: {
    architectures: ["LlamaForCausalLM"],
    ...{ vocab_size: 2048, hidden_size: 192, intermediate_size: 512, num_hidden_layers: 24 },
    ...{ num_attention_heads: 6, num_key_value_heads: 3, max_position_embeddings: 1024, tie_word_embeddings: true },
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
  return randomPackedModel(name, "f32") as Omit<RandomModel, "weights"> & Pick<Base, "weights">;
}

interface RandomModel extends Pick<Base<PackedTensor>, "config" | "weights"> {
  json: object;
}

/** The same with its weights packed, one by one. */
export function randomPackedModel(name: string, format: WeightFormat): RandomModel {
  const json = SHAPES[name];
  if (json === undefined)
    throw new Error(`no model is called ${name}; there are tiny-llama and ${Object.keys(SHAPES)}`);
  const config = parseConfig({ ...json });
  const random = new Random(2);
  const weights = [...weightShapes(config)].map(([tensor, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const data = new Float32Array(size).fill(1); // norms
    if (shape.length === 2) for (let i = 0; i < size; i++) data[i] = (random.uniform() - 0.5) * 0.07;
    return [tensor, packTensor(tensor, { shape, data }, format)] as const;
  });
  return { json, config, weights: new Map(weights) };
}
