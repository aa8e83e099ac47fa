import * as tf from "@tensorflow/tfjs";
import type { LlamaConfig } from "./config.ts";
import {
  type Batch,
  batchOf,
  type Decoding,
  decode,
  type Engine,
  type Gradients,
  type LossOf,
  type Matrix,
  type Reduce,
  sumRows,
  unpadded,
} from "./engine.ts";
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
import type { StoredTensor } from "./safetensors.ts";

/** The model on this thread's tfjs backend. */
export class TfjsEngine implements Engine {
  readonly #config: LlamaConfig;
  readonly #weights: Weights;
  readonly #positions = new Map<number, Positions>();

  constructor(config: LlamaConfig, weights: ReadonlyMap<string, StoredTensor>) {
    this.#config = config;
    this.#weights = new Map([...weights].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));
  }

  async gradients(adapter: Adapter, examples: readonly Example[], alpha: number, reduce: Reduce): Promise<Gradients> {
    const layout = loraLayout(this.#config, adapter.lora);
    const count = examples.length;
    const computed = tf.tidy(() => {
      const batch = batchOf(this.#config, examples);
      const sink: GradientSink = new Map();
      const tensors = loraTensors(layout, adapter.params);
      const linear = loraLinear(this.#weights, adapter.lora, tensors, { alpha, batch: count, sink });
      const x = embed(this.#weights, batch.ids, count);
      const [at, weights] = [this.#positionsOf(batch.length), tf.tensor1d(batch.weights)];
      let losses: tf.Tensor | undefined;
      const loss = (x: tf.Tensor) => {
        losses = tf.keep(tf.mul(this.#tokenLosses(x as tf.Tensor3D, batch, at, linear), weights));
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

  async losses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array> {
    return sumRows(await this.#losses(adapter, examples, "mean"), examples.length);
  }

  async tokenLosses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array[]> {
    return unpadded(await this.#losses(adapter, examples, "tokens"), examples);
  }

  logits(adapter: Adapter | undefined, ids: readonly number[]): Promise<Float32Array> {
    const scores = tf.tidy(() => {
      const x = embed(this.#weights, Int32Array.from(ids), 1);
      const at = positions(this.#config, ids.length);
      const hidden = hiddenStates(
        this.#config,
        this.#weights,
        x,
        at,
        this.#linear(this.#adapterTensors(adapter), adapter),
      );
      return logits(this.#weights, tf.reshape(hidden, [ids.length, -1]));
    });
    return read(scores);
  }

  async generate(
    adapter: Adapter | undefined,
    prompt: readonly number[],
    decoding: Decoding,
    onLogits?: (logits: Float32Array) => void,
  ): Promise<number[]> {
    const cache: KvCache = [];
    const tensors = this.#adapterTensors(adapter);
    const linear = this.#linear(tensors, adapter);
    const step = (ids: readonly number[], seen: number) => {
      const last = tf.tidy(() => {
        const x = embed(this.#weights, Int32Array.from(ids), 1);
        const at = positions(this.#config, ids.length, seen);
        const hidden = hiddenStates(this.#config, this.#weights, x, at, linear, cache);
        return logits(this.#weights, tf.reshape(tf.slice(hidden, [0, ids.length - 1, 0], [1, 1, -1]), [1, -1]));
      });
      return read(last);
    };
    try {
      return await decode(step, this.#config.context, prompt, decoding, onLogits);
    } finally {
      tf.dispose(cache.map((layer) => ({ ...layer })));
      tf.dispose([...(tensors?.values() ?? [])]);
    }
  }

  product(a: Matrix, b: Matrix, transposeA: boolean, transposeB: boolean): Promise<Float32Array> {
    const product = tf.tidy(() =>
      tf.matMul(tf.tensor2d(a.data, a.shape), tf.tensor2d(b.data, b.shape), transposeA, transposeB),
    );
    return read(product);
  }

  async dispose(): Promise<void> {
    tf.dispose([...this.#weights.values()]);
    tf.dispose([...this.#positions.values()].map((at) => ({ ...at })));
  }

  #adapterTensors(adapter: Adapter | undefined) {
    return adapter && loraTensors(loraLayout(this.#config, adapter.lora), adapter.params);
  }

  #linear(tensors: ReturnType<typeof loraTensors> | undefined, adapter: Adapter | undefined): Linear {
    if (adapter === undefined || tensors === undefined) return baseLinear(this.#weights);
    return loraLinear(this.#weights, adapter.lora, tensors);
  }

  /** Weighted losses of every position, [B·T]. */
  #losses(adapter: Adapter | undefined, examples: readonly Example[], of: LossOf): Promise<Float32Array> {
    const losses = tf.tidy(() => {
      const batch = batchOf(this.#config, examples, of);
      const x = embed(this.#weights, batch.ids, examples.length);
      const linear = this.#linear(this.#adapterTensors(adapter), adapter);
      return tf.mul(this.#tokenLosses(x, batch, this.#positionsOf(batch.length), linear), batch.weights);
    });
    return read(losses);
  }

  /** Loss of every position, [B·T]. */
  #tokenLosses(x: tf.Tensor3D, { targets }: Batch, at: Positions, linear: Linear): tf.Tensor1D {
    const hidden = hiddenStates(this.#config, this.#weights, x, at, linear);
    return tokenLosses(logits(this.#weights, tf.reshape(hidden, [-1, this.#config.hiddenSize])), targets);
  }

  #positionsOf(length: number): Positions {
    let at = this.#positions.get(length);
    if (at === undefined) {
      at = positions(this.#config, length);
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
