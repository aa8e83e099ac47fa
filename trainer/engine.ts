import type { LlamaConfig } from "./config.ts";
import { type Example, isScored, scoredTokens } from "./examples.ts";
import type { Adapter } from "./lora.ts";
import { Random } from "./random.ts";

export interface Gradients {
  /** Mean token loss of each example, nats; 0 where nothing is scored. */
  losses: Float32Array;
  /** One row for each example in the adapter's flat layout, or their sum. */
  gradients: Float32Array;
}
export type Reduce = "none" | "sum";

export interface Decoding {
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  seed: number;
  /** Token that ends the completion; it is not part of the result. */
  eos: number;
}

/** A row-major matrix. */
export interface Matrix {
  data: Float32Array;
  shape: [number, number];
}

/** One base model on one thread: losses, per-example gradients and decoding, with or without an adapter. */
export interface Engine {
  /**
   * Gradient of each example's mean token loss with respect to the adapter, at the point base + alpha·adapter.
   * @param reduce "none" keeps one row per example, "sum" adds them up
   * @param recompute each layer's values are computed again on the way back: less memory, more time, the same bits; an engine that cannot goes on without
   */
  gradients(
    adapter: Adapter,
    examples: readonly Example[],
    alpha: number,
    reduce: Reduce,
    recompute?: boolean,
  ): Promise<Gradients>;

  /** Mean token loss of each example, nats. */
  losses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array>;

  /** Loss of every token but the first, scored or not, nats: for each example ids.length − 1. */
  tokenLosses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array[]>;

  /** Logits [T, vocab] of one whole sequence, without a cache. */
  logits(adapter: Adapter | undefined, ids: readonly number[]): Promise<Float32Array>;

  /**
   * Completes a prompt token by token with cached keys and values; stops at eos, maxTokens or the end of the context.
   * @param onLogits sees the logits each token was chosen from
   */
  generate(
    adapter: Adapter | undefined,
    prompt: readonly number[],
    decoding: Decoding,
    onLogits?: (logits: Float32Array) => void,
  ): Promise<number[]>;

  /** a·b, with either side transposed. */
  product(a: Matrix, b: Matrix, transposeA: boolean, transposeB: boolean): Promise<Float32Array>;

  dispose(): Promise<void>;
}

/** Sequence lengths are rounded up to a multiple of this, so that a few attention masks serve all batches. */
const LENGTH_STEP = 16;

/** What is computed of the losses: each example's mean, or every token's own. */
export type LossOf = "mean" | "tokens";

/** Examples as the model reads them: B sequences of T positions, [B·T] each. */
export interface Batch {
  length: number;
  ids: Int32Array;
  targets: Int32Array;
  /** Of each position's loss in what is computed of them. */
  weights: Float32Array;
}

/** Length that a batch whose longest example is read in so many positions is padded to. */
export function paddedLength(config: LlamaConfig, longest: number): number {
  return Math.min(Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP, Math.max(longest, config.context));
}

/** Pads examples on the right, where causal attention never looks from a real position. */
export function batchOf(config: LlamaConfig, examples: readonly Example[], of: LossOf = "mean"): Batch {
  const longest = Math.max(...examples.map(({ ids }) => ids.length - 1), 1);
  const length = paddedLength(config, longest);
  const ids = new Int32Array(examples.length * length);
  const targets = new Int32Array(ids.length);
  const weights = new Float32Array(ids.length);
  examples.forEach((example, row) => {
    const scored = scoredTokens(example);
    for (let t = 0; t + 1 < example.ids.length; t++) {
      ids[row * length + t] = example.ids[t]!;
      targets[row * length + t] = example.ids[t + 1]!;
      weights[row * length + t] = of === "tokens" ? 1 : isScored(example, t + 1) ? 1 / scored : 0;
    }
  });
  return { length, ids, targets, weights };
}

/** What a padded batch gave for each example's tokens but the first. */
export function unpadded(values: Float32Array, examples: readonly Example[]): Float32Array[] {
  const length = values.length / examples.length;
  return examples.map(({ ids }, row) => values.slice(row * length, row * length + ids.length - 1));
}

/** Sums of `rows` equal parts of the values. */
export function sumRows(values: Float32Array, rows: number): Float32Array {
  const length = values.length / rows;
  return Float32Array.from({ length: rows }, (_, row) =>
    values.subarray(row * length, (row + 1) * length).reduce((sum, value) => sum + value, 0),
  );
}

/**
 * Decodes with `step`, which is given the tokens that the model has not seen yet and how many it has seen, and returns
 * the logits of the last of them.
 */
export async function decode(
  step: (ids: readonly number[], seen: number) => Promise<Float32Array>,
  context: number,
  prompt: readonly number[],
  { maxTokens, temperature, seed, eos }: Decoding,
  onLogits?: (logits: Float32Array) => void,
): Promise<number[]> {
  const random = new Random(seed);
  const out: number[] = [];
  let next = prompt;
  let seen = 0;
  while (out.length < maxTokens && seen + next.length <= context) {
    const scores = await step(next, seen);
    onLogits?.(scores);
    seen += next.length;
    const id = choose(scores, temperature, random);
    if (id === eos) break;
    out.push(id);
    next = [id];
  }
  return out;
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
