import * as tf from "@tensorflow/tfjs";
import { type LlamaConfig, ropeFrequencies } from "./config.ts";

export type Weights = ReadonlyMap<string, tf.Tensor>;
/** How a linear module maps x [n, in] to [n, out]; LoRA puts itself here. */
export type Linear = (name: string, x: tf.Tensor2D) => tf.Tensor2D;
/** Keys and values [B·kvHeads, T, headDim] of each layer for the positions already seen. */
export type KvCache = { keys: tf.Tensor3D; values: tf.Tensor3D }[];

/** The projections of the base model: x·Wᵀ, plus a bias where there is one. */
export function baseLinear(weights: Weights): Linear {
  return (name, x) => {
    const y: tf.Tensor2D = tf.matMul(x, weights.get(`${name}.weight`) as tf.Tensor2D, false, true);
    const bias = weights.get(`${name}.bias`);
    return bias === undefined ? y : tf.add<tf.Tensor2D>(y, bias);
  };
}

/**
 * Constants of attention for queries at positions start..start+length−1 and keys at 0..start+length−1.
 * They must be made outside any function given to tf.grad, which disposes what is created inside before the backward pass.
 */
export interface Positions {
  cos: tf.Tensor2D; // [length, headDim]
  sin: tf.Tensor2D;
  /** [headDim, headDim]: (first, second)·turn = (−second, first). */
  turn: tf.Tensor2D;
  /** 0 where a query may look, −1e9 where not: [1, group·length, start + length]. */
  mask: tf.Tensor3D;
}
export function positions(config: LlamaConfig, length: number, start = 0): Positions {
  const { headDim, heads, kvHeads } = config;
  const frequencies = ropeFrequencies(config);
  const angles = new Float32Array(length * headDim);
  for (let t = 0; t < length; t++) {
    for (let j = 0; j < headDim; j++) angles[t * headDim + j] = (start + t) * frequencies[j % (headDim / 2)]!;
  }
  const turn = new Float32Array(headDim * headDim);
  for (let j = 0; j < headDim; j++) {
    const first = j < headDim / 2;
    turn[((j + headDim / 2) % headDim) * headDim + j] = first ? -1 : 1;
  }
  return {
    cos: tf.tensor2d(angles.map(Math.cos), [length, headDim]),
    sin: tf.tensor2d(angles.map(Math.sin), [length, headDim]),
    turn: tf.tensor2d(turn, [headDim, headDim]),
    mask: tf.tidy(() => {
      const mask = tf.tensor3d(attentionMask(config, length, start), [1, length, start + length]);
      return tf.tile(mask, [1, heads / kvHeads, 1]);
    }),
  };
}

/** 0 where a query of positions start..start+length−1 may look among keys 0..start+length−1, −1e9 where not, row-major. */
export function attentionMask(config: LlamaConfig, length: number, start: number): Float32Array {
  const { slidingWindow = Number.POSITIVE_INFINITY } = config;
  const keys = start + length;
  const mask = new Float32Array(length * keys);
  for (let t = 0; t < length; t++) {
    for (let s = 0; s < keys; s++) {
      if (s > start + t || s <= start + t - slidingWindow) mask[t * keys + s] = -1e9;
    }
  }
  return mask;
}

/** Token embeddings [B, T, d] of B·T ids. tfjs-wasm has no gradient for gather, so it is a product with one-hot rows. */
export function embed(weights: Weights, ids: Int32Array, batch: number): tf.Tensor3D {
  const table = weights.get("model.embed_tokens.weight") as tf.Tensor2D;
  const [vocab, hidden] = table.shape;
  const lookup = tf.customGrad((table: tf.Tensor | tf.GradSaveFunc, _save: tf.Tensor | tf.GradSaveFunc) => ({
    value: tf.gather(table as tf.Tensor2D, tf.tensor1d(ids, "int32")),
    gradFunc: (dy: tf.Tensor) => oneHot(ids, vocab).matMul(dy as tf.Tensor2D, true, false),
  }));
  return tf.reshape(lookup(table), [batch, -1, hidden]);
}

/**
 * Hidden states [B, T, d] after the last layer's norm, from embeddings x [B, T, d].
 * With a cache (B sequences in step), keys and values of earlier positions come from it and it is updated in place.
 */
export function hiddenStates(
  config: LlamaConfig,
  weights: Weights,
  x: tf.Tensor3D,
  at: Positions,
  linear: Linear = baseLinear(weights),
  cache?: KvCache,
): tf.Tensor3D {
  const [batch, length] = x.shape;
  let h = tf.reshape(x, [batch * length, config.hiddenSize]) as tf.Tensor2D;
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = rmsNorm(h, weights.get(`${name}.input_layernorm.weight`)!, config.normEps);
    h = tf.add(h, attention(config, normed, batch, at, `${name}.self_attn`, linear, layer, cache));
    const inner = rmsNorm(h, weights.get(`${name}.post_attention_layernorm.weight`)!, config.normEps);
    const gate = silu(linear(`${name}.mlp.gate_proj`, inner));
    h = tf.add(h, linear(`${name}.mlp.down_proj`, tf.mul(gate, linear(`${name}.mlp.up_proj`, inner))));
  }
  return tf.reshape(rmsNorm(h, weights.get("model.norm.weight")!, config.normEps), x.shape);
}

/** Next-token logits [n, vocab] of hidden states [n, d]. */
export function logits(weights: Weights, hidden: tf.Tensor2D): tf.Tensor2D {
  const head = weights.get("lm_head.weight") ?? weights.get("model.embed_tokens.weight")!; // tied
  return tf.matMul(hidden, head as tf.Tensor2D, false, true);
}

/** Grouped-query attention; the query heads that share a key head are folded into its rows, so nothing is repeated. */
function attention(
  config: LlamaConfig,
  x: tf.Tensor2D,
  batch: number,
  at: Positions,
  name: string,
  linear: Linear,
  layer: number,
  cache?: KvCache,
): tf.Tensor2D {
  const { heads, kvHeads, headDim } = config;
  const length = x.shape[0] / batch;
  const split = (t: tf.Tensor2D, n: number) => tf.transpose(tf.reshape(t, [batch, length, n, headDim]), [0, 2, 1, 3]);
  const q = tf.mul(rotate(split(linear(`${name}.q_proj`, x), heads), at), 1 / Math.sqrt(headDim));
  let keys = tf.reshape(rotate(split(linear(`${name}.k_proj`, x), kvHeads), at), [-1, length, headDim]) as tf.Tensor3D;
  let values = tf.reshape(split(linear(`${name}.v_proj`, x), kvHeads), [-1, length, headDim]) as tf.Tensor3D;
  if (cache !== undefined) {
    const past = cache[layer];
    if (past !== undefined) {
      keys = tf.concat([past.keys, keys], 1);
      values = tf.concat([past.values, values], 1);
      tf.dispose(past);
    }
    cache[layer] = { keys: tf.keep(keys), values: tf.keep(values) };
  }
  const folded = tf.reshape(q, [batch * kvHeads, (heads / kvHeads) * length, headDim]) as tf.Tensor3D;
  const scores = tf.softmax(tf.add(tf.matMul(folded, keys, false, true), at.mask));
  const mixed = tf.reshape(tf.matMul(scores, values), [batch, heads, length, headDim]);
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * length, heads * headDim]);
  return linear(`${name}.o_proj`, joined as tf.Tensor2D);
}

/**
 * Rotary position embedding of x [B, heads, T, headDim], halves paired as in Hugging Face's Llama: x·cos + turned·sin.
 * Turning (first, second) to (−second, first) is a product with a constant matrix, far faster than split and concat.
 */
function rotate(x: tf.Tensor, { cos, sin, turn }: Positions): tf.Tensor {
  const turned = tf.reshape(tf.matMul(tf.reshape(x, [-1, turn.shape[0]]), turn), x.shape);
  return tf.add(tf.mul(x, cos), tf.mul(turned, sin));
}

/** x / rms(x) · g over the last axis, with its gradient written out: tfjs' own takes five times the passes. */
function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor, eps: number): tf.Tensor2D {
  const norm = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, gain, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
    const unit = tf.mul(x, scale);
    save([unit, scale, gain]);
    return {
      value: tf.mul(unit, gain),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [unit, scale, gain] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const du = tf.mul(dy, gain);
        const along = tf.mean(tf.mul(du, unit), -1, true);
        return [tf.mul(scale, tf.sub(du, tf.mul(unit, along))), tf.sum(tf.mul(dy, unit), 0)];
      },
    };
  });
  return norm(x, gain) as tf.Tensor2D;
}

/** x·sigmoid(x). */
function silu(x: tf.Tensor2D): tf.Tensor2D {
  const activate = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const gate = tf.sigmoid(x);
    const value = tf.mul(x, gate);
    save([gate, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [gate, value] = saved as [tf.Tensor, tf.Tensor];
        return tf.mul(dy, tf.add(gate, tf.mul(value, tf.sub(1, gate)))); // σ + xσ(1−σ)
      },
    };
  });
  return activate(x) as tf.Tensor2D;
}

/** Loss of each position, −log softmax(logits_n)[target_n], [n], from logits [n, vocab] and n token ids. */
export function tokenLosses(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  const losses = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [logits, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const hot = oneHot(targets, logits.shape[1]);
    const shifted = tf.sub(logits, tf.max(logits, 1, true));
    const logSum = tf.log(tf.sum(tf.exp(shifted), 1));
    save([logits, hot]);
    return {
      value: tf.sub(logSum, tf.sum(tf.mul(shifted, hot), 1)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logits, hot] = saved as [tf.Tensor2D, tf.Tensor2D];
        return tf.mul(tf.sub(tf.softmax(logits), hot), tf.reshape(dy, [-1, 1]));
      },
    };
  });
  return losses(logits) as tf.Tensor1D;
}

/** One-hot rows [n, depth] of ids; tfjs' own kernel takes twice as long. */
function oneHot(ids: Int32Array, depth: number): tf.Tensor2D {
  const places = Int32Array.from({ length: 2 * ids.length }, (_, i) => (i % 2 === 0 ? i / 2 : ids[(i - 1) / 2]!));
  const at = tf.tensor2d(places, [ids.length, 2], "int32");
  return tf.scatterND(at, tf.ones([ids.length]), [ids.length, depth]) as tf.Tensor2D;
}
