import * as tf from "@tensorflow/tfjs";
import type { LlamaConfig } from "./config.ts";
import type { Example } from "./examples.ts";
import { type Adapter, type GradientSink, loraLayout, loraLinear, loraTensors } from "./lora.ts";
import {
  baseLinear,
  embed,
  hiddenStates,
  type KvCache,
  type Linear,
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

/** Examples as the model reads them, [B·T] each. */
interface Batch {
  ids: Int32Array;
  targets: Int32Array;
  weights: tf.Tensor1D;
  at: Positions;
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
  async gradients(
    adapter: Adapter,
    examples: readonly Example[],
    alpha: number,
    reduce: "none" | "sum",
  ): Promise<Gradients> {
    const layout = loraLayout(this.config, adapter.lora);
    const count = examples.length;
    const computed = tf.tidy(() => {
      const batch = this.#batch(examples);
      const sink: GradientSink = new Map();
      const tensors = loraTensors(layout, adapter.params);
      const linear = loraLinear(this.#weights, adapter.lora, tensors, { alpha, batch: count, sink });
      const x = embed(this.#weights, batch.ids, count);
      let losses: tf.Tensor | undefined;
      const loss = (x: tf.Tensor) => {
        losses = tf.keep(this.#tokenLosses(x as tf.Tensor3D, batch, linear));
        return tf.sum<tf.Scalar>(losses);
      };
      tf.grad(loss)(x); // the sink collects what is wanted; the gradient of x itself only drives the backward pass
      const parts = layout.modules.flatMap(({ name }) => {
        const { da, db } = sink.get(name)!;
        return [da, db].map((part) => {
          const rows = tf.reshape(part, [count, -1]) as tf.Tensor2D;
          part.dispose();
          return reduce === "none" ? rows : addRows(rows);
        });
      });
      return { losses: losses!, gradients: tf.concat(parts, 1) };
    });
    return { losses: sumRows(await read(computed.losses), count), gradients: await read(computed.gradients) };
  }

  /** Mean token loss of each example, nats. */
  async losses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array> {
    const losses = tf.tidy(() => {
      const batch = this.#batch(examples);
      const x = embed(this.#weights, batch.ids, examples.length);
      return this.#tokenLosses(x, batch, this.#linear(adapter));
    });
    return sumRows(await read(losses), examples.length);
  }

  /** Logits [T, vocab] of one whole sequence, without a cache. */
  logits(adapter: Adapter | undefined, ids: readonly number[]): Promise<Float32Array> {
    const scores = tf.tidy(() => {
      const x = embed(this.#weights, Int32Array.from(ids), 1);
      const at = positions(this.config, ids.length);
      const hidden = hiddenStates(this.config, this.#weights, x, at, this.#linear(adapter));
      return logits(this.#weights, tf.reshape(hidden, [ids.length, -1]));
    });
    return read(scores);
  }

  /**
   * Completes a prompt token by token with cached keys and values; stops at eos, maxTokens or the end of the context.
   * @param onLogits sees the logits each token was chosen from
   */
  async generate(
    adapter: Adapter | undefined,
    prompt: readonly number[],
    { maxTokens, temperature, seed, eos }: Decoding,
    onLogits?: (logits: Float32Array) => void,
  ): Promise<number[]> {
    const random = new Random(seed);
    const cache: KvCache = [];
    const out: number[] = [];
    const tensors = adapter && loraTensors(loraLayout(this.config, adapter.lora), adapter.params);
    const linear = tensors ? loraLinear(this.#weights, adapter.lora, tensors) : baseLinear(this.#weights);
    let next = [...prompt];
    let seen = 0;
    while (out.length < maxTokens && seen + next.length <= this.config.context) {
      const last = tf.tidy(() => {
        const x = embed(this.#weights, Int32Array.from(next), 1);
        const at = positions(this.config, next.length, seen);
        const hidden = hiddenStates(this.config, this.#weights, x, at, linear, cache);
        return logits(this.#weights, tf.reshape(tf.slice(hidden, [0, next.length - 1, 0], [1, 1, -1]), [1, -1]));
      });
      const scores = await read(last);
      onLogits?.(scores);
      seen += next.length;
      const id = choose(scores, temperature, random);
      if (id === eos) break;
      out.push(id);
      next = [id];
    }
    tf.dispose(cache.flatMap(({ keys, values }) => [keys, values]));
    tf.dispose([...(tensors?.values() ?? [])].flatMap(({ a, b }) => [a, b]));
    return out;
  }

  dispose(): void {
    tf.dispose([...this.#weights.values()]);
    tf.dispose([...this.#positions.values()].map((at) => ({ ...at })));
  }

  #linear(adapter: Adapter | undefined): Linear {
    if (adapter === undefined) return baseLinear(this.#weights);
    return loraLinear(this.#weights, adapter.lora, loraTensors(loraLayout(this.config, adapter.lora), adapter.params));
  }

  /** Loss of every position [B·T], weighted so that those of an example add up to its mean. */
  #tokenLosses(x: tf.Tensor3D, { targets, weights, at }: Batch, linear: Linear): tf.Tensor {
    const hidden = hiddenStates(this.config, this.#weights, x, at, linear);
    const scores = logits(this.#weights, tf.reshape(hidden, [-1, this.config.hiddenSize]));
    return tf.mul(tokenLosses(scores, targets), weights);
  }

  /** Examples padded on the right, where causal attention never looks from a real position. */
  #batch(examples: readonly Example[]): Batch {
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
    return { ids, targets, weights: tf.tensor1d(weights), at: this.#positionsOf(length) };
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
}

/** Values of a tensor, which is then disposed of. WebGPU cannot be read synchronously. */
async function read(tensor: tf.Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return values;
}

/** Sum [1, n] of the rows of [rows, n], one after another: the same bits on every backend and for any batch. */
function addRows(rows: tf.Tensor2D): tf.Tensor2D {
  const [first, ...others] = tf.split(rows, rows.shape[0]) as [tf.Tensor2D, ...tf.Tensor2D[]];
  return others.reduce((sum, row) => tf.add(sum, row), first);
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
