import * as tf from "@tensorflow/tfjs";
import type { LlamaConfig } from "./config.ts";
import type { Example } from "./examples.ts";
import { type Adapter, type GradientSink, loraLayout, loraLinear, loraTensors } from "./lora.ts";
import {
  baseLinear,
  embed,
  hiddenStates,
  type KvCache,
  logits,
  type Positions,
  positions,
  tokenLosses,
  type Weights,
} from "./model.ts";
import { Random } from "./random.ts";
import type { StoredTensor } from "./safetensors.ts";

export interface Gradients {
  /** Mean token loss of each example, nats; 0 where nothing is scored. */
  losses: Float32Array;
  /** One row for each example in the adapter's flat layout, or their sum. */
  gradients: Float32Array;
}

export interface Decoding {
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  seed: number;
  /** Token that ends the completion; it is not part of the result. */
  eos: number;
}

/** Sequence lengths are rounded up to a multiple of this, so that a few attention masks serve all batches. */
const LENGTH_STEP = 16;

/** The model on the selected backend of this thread: losses, per-example gradients and decoding, with or without an adapter. */
export class Engine {
  readonly config: LlamaConfig;
  readonly #weights: Weights;
  readonly #positions = new Map<number, Positions>();

  constructor(config: LlamaConfig, weights: ReadonlyMap<string, StoredTensor>) {
    this.config = config;
    this.#weights = new Map([...weights].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));
  }

  /**
   * Gradient of each example's mean token loss with respect to the adapter, at the point base + alpha·adapter.
   * @param reduce "none" keeps one row per example, "sum" adds them up in order
   */
  gradients(adapter: Adapter, examples: readonly Example[], alpha: number, reduce: "none" | "sum"): Gradients {
    const layout = loraLayout(this.config, adapter.lora);
    const count = examples.length;
    const gradients = new Float32Array((reduce === "sum" ? 1 : count) * layout.size);
    const losses = tf.tidy(() => {
      const batch = this.#batch(examples);
      const sink: GradientSink = new Map();
      const tensors = loraTensors(layout, adapter.params);
      const linear = loraLinear(this.#weights, adapter.lora, tensors, { alpha, batch: count, sink });
      const x = embed(this.#weights, batch.ids);
      let all: Float32Array | undefined;
      const loss = (x: tf.Tensor) => {
        const hidden = hiddenStates(this.config, this.#weights, x as tf.Tensor3D, batch.at, linear);
        const scores = logits(this.#weights, tf.reshape(hidden, [-1, this.config.hiddenSize]));
        const weighted = tf.mul(tokenLosses(scores, batch.targets), batch.weights);
        all = weighted.dataSync() as Float32Array;
        return tf.sum<tf.Scalar>(weighted);
      };
      tf.grad(loss)(x); // the sink collects what is wanted; the gradient of x itself only drives the backward pass
      for (const { name, offset, in: input } of layout.modules) {
        const { da, db } = sink.get(name)!;
        this.#collect(da, gradients, offset, layout.size, reduce);
        this.#collect(db, gradients, offset + adapter.lora.rank * input, layout.size, reduce);
      }
      return sumRows(all!, count);
    });
    return { losses, gradients };
  }

  /** Mean token loss of each example, nats. */
  losses(adapter: Adapter | undefined, examples: readonly Example[]): Float32Array {
    return tf.tidy(() => {
      const batch = this.#batch(examples);
      const x = embed(this.#weights, batch.ids);
      const hidden = hiddenStates(this.config, this.#weights, x, batch.at, this.#linear(adapter));
      const scores = logits(this.#weights, tf.reshape(hidden, [-1, this.config.hiddenSize]));
      const weighted = tf.mul(tokenLosses(scores, batch.targets), batch.weights);
      return sumRows(weighted.dataSync() as Float32Array, examples.length);
    });
  }

  /** Logits [T, vocab] of one whole sequence, without a cache. */
  logits(adapter: Adapter | undefined, ids: readonly number[]): Float32Array {
    return tf.tidy(() => {
      const x = embed(this.#weights, tf.tensor2d([...ids], [1, ids.length], "int32"));
      const at = positions(this.config, ids.length);
      const hidden = hiddenStates(this.config, this.#weights, x, at, this.#linear(adapter));
      return logits(this.#weights, tf.reshape(hidden, [ids.length, -1])).dataSync() as Float32Array;
    });
  }

  /**
   * Completes a prompt token by token with cached keys and values; stops at eos, maxTokens or the end of the context.
   * @param onLogits sees the logits each token was chosen from
   */
  generate(
    adapter: Adapter | undefined,
    prompt: readonly number[],
    { maxTokens, temperature, seed, eos }: Decoding,
    onLogits?: (logits: Float32Array) => void,
  ): number[] {
    const random = new Random(seed);
    const cache: KvCache = [];
    const out: number[] = [];
    tf.engine().startScope();
    const linear = this.#linear(adapter);
    let next = [...prompt];
    let seen = 0;
    while (out.length < maxTokens && seen + next.length <= this.config.context) {
      const scores = tf.tidy(() => {
        const x = embed(this.#weights, tf.tensor2d(next, [1, next.length], "int32"));
        const at = positions(this.config, next.length, seen);
        const hidden = hiddenStates(this.config, this.#weights, x, at, linear, cache);
        const last = tf.slice(hidden, [0, next.length - 1, 0], [1, 1, -1]);
        return logits(this.#weights, tf.reshape(last, [1, -1])).dataSync() as Float32Array;
      });
      onLogits?.(scores);
      seen += next.length;
      const id = choose(scores, temperature, random);
      if (id === eos) break;
      out.push(id);
      next = [id];
    }
    tf.dispose(cache.flatMap(({ keys, values }) => [keys, values]));
    tf.engine().endScope();
    return out;
  }

  dispose(): void {
    tf.dispose([...this.#weights.values()]);
    tf.dispose([...this.#positions.values()].map((at) => ({ ...at })));
  }

  #linear(adapter: Adapter | undefined) {
    if (adapter === undefined) return baseLinear(this.#weights);
    const tensors = loraTensors(loraLayout(this.config, adapter.lora), adapter.params);
    return loraLinear(this.#weights, adapter.lora, tensors);
  }

  /** Examples padded on the right, where causal attention never looks from a real position. */
  #batch(examples: readonly Example[]) {
    const longest = Math.max(...examples.map(({ ids }) => ids.length - 1), 1);
    const length = Math.min(Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP, Math.max(longest, this.config.context));
    const ids = new Int32Array(examples.length * length);
    const targets = new Int32Array(ids.length);
    const weights = new Float32Array(ids.length);
    examples.forEach((example, row) => {
      const scored = example.ids.length - example.lossFrom;
      for (let t = 0; t + 1 < example.ids.length; t++) {
        ids[row * length + t] = example.ids[t]!;
        targets[row * length + t] = example.ids[t + 1]!;
        weights[row * length + t] = t + 1 >= example.lossFrom ? 1 / scored : 0;
      }
    });
    return {
      ids: tf.tensor2d(ids, [examples.length, length], "int32"),
      targets: tf.tensor1d(targets, "int32"),
      weights: tf.tensor1d(weights),
      at: this.#positionsOf(length),
    };
  }

  #positionsOf(length: number): Positions {
    let at = this.#positions.get(length);
    if (at === undefined) {
      at = positions(this.config, length);
      for (const tensor of Object.values(at)) tf.keep(tensor);
      this.#positions.set(length, at);
    }
    return at;
  }

  /** Copies (or adds up) per-example values [batch, ...] to their place in the flat layout. */
  #collect(tensor: tf.Tensor, into: Float32Array, offset: number, stride: number, reduce: "none" | "sum"): void {
    const values = tensor.dataSync() as Float32Array;
    const size = values.length / tensor.shape[0]!;
    for (let row = 0; row < tensor.shape[0]!; row++) {
      const part = values.subarray(row * size, (row + 1) * size);
      if (reduce === "none") into.set(part, row * stride + offset);
      else for (let i = 0; i < size; i++) into[offset + i]! += part[i]!;
    }
    tensor.dispose();
  }
}

/** Sums of `rows` equal parts of the values. */
function sumRows(values: Float32Array, rows: number): Float32Array {
  const length = values.length / rows;
  return Float32Array.from({ length: rows }, (_, row) =>
    values.subarray(row * length, (row + 1) * length).reduce((sum, value) => sum + value, 0),
  );
}

/** The most likely token (the first of equals), or at a temperature one drawn from softmax(logits / temperature). */
function choose(logits: Float32Array, temperature: number, random: Random): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  if (temperature === 0) return best;
  const weights = logits.map((logit) => Math.exp((logit - logits[best]!) / temperature));
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = weights.findIndex((weight) => (left -= weight) < 0);
  return drawn === -1 ? best : drawn;
}
