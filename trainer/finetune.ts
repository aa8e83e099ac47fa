import { OpenLedgerError } from "../sdk/errors.ts";
import { AdamW } from "./adamw.ts";
import { bucketByLength, type Example, rowExample, scoredTokens } from "./examples.ts";
import { type Adapter, type LoraConfig, newAdapter } from "./lora.ts";
import type { Pool } from "./pool.ts";
import { Random } from "./random.ts";

export interface FinetuneOptions extends LoraConfig {
  rows: readonly string[];
  /** Rows that are only measured on; may be empty. */
  heldOut: readonly string[];
  epochs: number;
  /** Peak; warms up over the first tenth of the steps, then falls as a cosine to a tenth of it. */
  learningRate: number;
  /** Rows a step. */
  batch: number;
  seed: number;
  onProgress?: (progress: FinetuneProgress) => void;
}

export interface FinetuneProgress {
  step: number;
  steps: number;
  /** Mean row loss of this step's batch, nats a token. */
  loss: number;
  /** Tokens trained on so far. */
  tokens: number;
}

export interface FinetuneReport {
  adapter: Adapter;
  steps: number;
  /** Tokens trained on, over all epochs. */
  tokens: number;
  /** Rows longer than the context, of which the rest was not learned from. */
  truncatedRows: number;
  /** Mean row loss of the batches, one for each epoch. */
  epochLosses: number[];
  /** Mean token loss over the held-out rows, nats; NaN when there are none. */
  heldOutBefore: number;
  heldOutAfter: number;
  seconds: number;
}

/** Rows of one gradient task. Fixed, so that sums come out the same for any number of threads. */
const TASK_ROWS = 8;

/** Fine-tunes a LoRA adapter on rows with AdamW. Same options, base and backend: same adapter. */
export async function finetune(pool: Pool, options: FinetuneOptions): Promise<FinetuneReport> {
  const started = performance.now();
  const { rank, alpha, targetModules, epochs, learningRate, batch, seed, onProgress } = options;
  const { config } = pool.base;
  for (const [name, value] of Object.entries({ epochs, batch })) {
    if (!Number.isInteger(value) || value < 1) throw bad(`${name} is ${value}; it must be an integer of at least 1`);
  }
  if (!(learningRate > 0)) throw bad(`learningRate is ${learningRate}; it must be positive`);
  const examples = encodeRows(pool, "rows", options.rows);
  if (examples.length === 0) throw bad("rows is empty; give at least one row to learn from");
  const heldOut = encodeRows(pool, "heldOut", options.heldOut);

  const adapter = newAdapter(config, { rank, alpha, targetModules }, seed);
  const heldOutBefore = await meanTokenLoss(pool, undefined, heldOut);
  const random = new Random(seed + 1);
  const optimiser = new AdamW(adapter.params.length);
  const steps = epochs * Math.ceil(examples.length / batch);
  const epochLosses: number[] = [];
  let tokens = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    let epochLoss = 0;
    for (const rows of batches(examples, batch, random)) {
      const loss = await trainStep(rows);
      epochLoss += loss * rows.length;
    }
    epochLosses.push(epochLoss / examples.length);
  }
  return {
    adapter,
    steps,
    tokens,
    truncatedRows: examples.filter(({ truncated }) => truncated).length,
    epochLosses,
    heldOutBefore,
    heldOutAfter: await meanTokenLoss(pool, adapter, heldOut),
    seconds: (performance.now() - started) / 1000,
  };

  async function trainStep(rows: Example[]): Promise<number> {
    const parts = Array.from({ length: Math.ceil(rows.length / TASK_ROWS) }, (_, n) =>
      pool.run("gradients", {
        adapter,
        examples: rows.slice(n * TASK_ROWS, (n + 1) * TASK_ROWS),
        alpha: 1,
        reduce: "sum",
      }),
    );
    const gradient = new Float32Array(adapter.params.length);
    let loss = 0;
    for (const part of await Promise.all(parts)) {
      for (let i = 0; i < gradient.length; i++) gradient[i]! += part.gradients[i]! / rows.length;
      for (const each of part.losses) loss += each / rows.length;
    }
    if (!Number.isFinite(loss)) {
      throw bad(`the loss is ${loss} at step ${optimiser.step + 1} of ${steps}; lower learningRate (${learningRate})`);
    }
    optimiser.update(adapter.params, gradient, learningRate * schedule(optimiser.step / steps));
    for (const row of rows) tokens += scoredTokens(row);
    onProgress?.({ step: optimiser.step, steps, loss, tokens });
    return loss;
  }
}

/** Mean loss over all scored tokens of the examples, nats. */
export async function meanTokenLoss(
  pool: Pool,
  adapter: Adapter | undefined,
  examples: readonly Example[],
): Promise<number> {
  const groups = bucketByLength(examples, TASK_ROWS).map((group) => group.map((i) => examples[i]!));
  const losses = await Promise.all(groups.map((group) => pool.run("losses", { adapter, examples: group })));
  const flat = groups.flatMap((group, n) =>
    group.map((example, i) => ({ tokens: scoredTokens(example), loss: losses[n]![i]! })),
  );
  return (
    flat.reduce((sum, { tokens, loss }) => sum + tokens * loss, 0) / flat.reduce((sum, { tokens }) => sum + tokens, 0)
  );
}

function encodeRows(pool: Pool, field: string, rows: readonly string[]) {
  return rows.map((text, i) => {
    const example = rowExample(pool.base.tokenizer, pool.base.config.context, text);
    if (text.trim() === "") throw bad(`${field}[${i}] is empty; leave it out`);
    return example;
  });
}

/** One epoch in seeded order: batches of rows of similar length, since a batch is padded to its longest row. */
function batches(examples: readonly Example[], size: number, random: Random): Example[][] {
  const shuffled = random.shuffle(examples);
  return random.shuffle(bucketByLength(shuffled, size)).map((group) => group.map((i) => shuffled[i]!));
}

function schedule(fraction: number): number {
  const warm = Math.min(1, (fraction + 0.01) / 0.1);
  return warm * (0.1 + 0.45 * (1 + Math.cos(Math.PI * fraction)));
}

function bad(problem: string): OpenLedgerError {
  return new OpenLedgerError("TRAINER_FINETUNE", `fine-tuning: ${problem}`);
}
