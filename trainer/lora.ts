import * as tf from "@tensorflow/tfjs";
import { OpenLedgerError } from "../sdk/errors.ts";
import { LINEARS, type LinearName, type LlamaConfig, linearModules } from "./config.ts";
import { baseLinear, type Linear, type Weights } from "./model.ts";
import { Random } from "./random.ts";

/** W + (alpha / rank)·B·A on every linear of the named kinds, as PEFT defines it. */
export interface LoraConfig {
  rank: number;
  alpha: number;
  targetModules: LinearName[];
}

/**
 * An adapter's parameters, and its gradients, are one flat vector: module after module in the model's order
 * (layer by layer; q, k, v, o, gate, up, down), each as A [rank, in] then B [out, rank], row-major.
 */
export interface LoraModule {
  name: string;
  in: number;
  out: number;
  /** Where A starts; B follows it. */
  offset: number;
}
export interface LoraLayout {
  lora: LoraConfig;
  modules: LoraModule[];
  /** Length of the flat vector. */
  size: number;
}

export interface Adapter {
  lora: LoraConfig;
  params: Float32Array;
}

export function loraLayout(config: LlamaConfig, lora: LoraConfig): LoraLayout {
  const { rank, alpha, targetModules } = lora;
  if (!Number.isInteger(rank) || rank < 1 || rank > config.hiddenSize) {
    throw new OpenLedgerError("TRAINER_LORA", `rank is ${rank}; it must be an integer from 1 to ${config.hiddenSize}`);
  }
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new OpenLedgerError("TRAINER_LORA", `alpha is ${alpha}; it must be positive`);
  const unknown = targetModules.filter((name) => !LINEARS.includes(name));
  if (targetModules.length === 0 || unknown.length > 0) {
    const names = `targetModules is [${targetModules}]; name at least one of ${LINEARS.join(", ")}`;
    throw new OpenLedgerError("TRAINER_LORA", names);
  }
  let size = 0;
  const modules = linearModules(config)
    .filter(({ linear }) => targetModules.includes(linear))
    .map(({ name, in: input, out }) => {
      const module = { name, in: input, out, offset: size };
      size += rank * (input + out);
      return module;
    });
  return { lora, modules, size };
}

/** A uniform in ±1/√in (PEFT's default), B zero: the adapter starts as the base model. */
export function newAdapter(config: LlamaConfig, lora: LoraConfig, seed: number): Adapter {
  const layout = loraLayout(config, lora);
  const params = new Float32Array(layout.size);
  const random = new Random(seed);
  for (const module of layout.modules) {
    const bound = 1 / Math.sqrt(module.in);
    for (let i = 0; i < lora.rank * module.in; i++) params[module.offset + i] = bound * (2 * random.uniform() - 1);
  }
  return { lora, params };
}

export type LoraTensors = ReadonlyMap<string, { a: tf.Tensor2D; b: tf.Tensor2D }>;

export function loraTensors({ lora: { rank }, modules }: LoraLayout, params: Float32Array): LoraTensors {
  return new Map(
    modules.map(({ name, in: input, out, offset }) => {
      const [middle, end] = [offset + rank * input, offset + rank * (input + out)];
      const a = tf.tensor2d(params.slice(offset, middle), [rank, input]);
      return [name, { a, b: tf.tensor2d(params.slice(middle, end), [out, rank]) }];
    }),
  );
}

/** Per-example gradients of one module: da [batch, rank, in], db [batch, out, rank]. */
export type GradientSink = Map<string, { da: tf.Tensor3D; db: tf.Tensor3D }>;

/**
 * The model's linears with the adapter on top: y = x·Wᵀ + α·s·(x·Aᵀ)·Bᵀ, s = lora.alpha / rank.
 *
 * With a sink, the backward pass leaves the gradients of every example there, instead of their sum over the batch.
 * α moves the point at which the gradient is taken along the way from base (0) to adapter (1): it scales the forward
 * pass only, dA and dB are taken without it, since else they would vanish at the base.
 * @param batch number of examples; x is [batch·length, in]
 */
export function loraLinear(
  weights: Weights,
  lora: LoraConfig,
  tensors: LoraTensors,
  { alpha = 1, batch = 1, sink }: { alpha?: number; batch?: number; sink?: GradientSink } = {},
): Linear {
  const base = baseLinear(weights);
  const scale = lora.alpha / lora.rank;
  return (name, x) => {
    const module = tensors.get(name);
    if (module === undefined) return base(name, x);
    const { a, b } = module;
    // All factors are put on the narrow [n, rank] side.
    const forward = (x: tf.Tensor2D, u: tf.Tensor2D) =>
      tf.add<tf.Tensor2D>(base(name, x), tf.matMul(tf.mul(u, alpha * scale), b, false, true));
    if (sink === undefined) return forward(x, tf.matMul(x, a, false, true));
    const weight = weights.get(`${name}.weight`) as tf.Tensor2D;
    const perExample = (t: tf.Tensor) => tf.reshape(t, [batch, -1, t.shape[1]!]) as tf.Tensor3D;
    const linear = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
      const [x, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
      const u = tf.matMul(x, a, false, true) as tf.Tensor2D;
      save([x, u]);
      return {
        value: forward(x, u),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
          const [x, u] = saved as [tf.Tensor2D, tf.Tensor2D];
          const v = tf.matMul(dy as tf.Tensor2D, tf.mul(b, scale));
          const da: tf.Tensor3D = tf.matMul(perExample(v), perExample(x), true, false);
          const db: tf.Tensor3D = tf.matMul(perExample(dy), perExample(tf.mul(u, scale)), true, false);
          sink.set(name, { da: tf.keep(da), db: tf.keep(db) });
          return tf.add(tf.matMul(dy as tf.Tensor2D, weight), tf.matMul(tf.mul(v, alpha), a));
        },
      };
    });
    return linear(x) as tf.Tensor2D;
  };
}
