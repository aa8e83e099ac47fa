import { keccak256 } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";
import { AdamW } from "./adamw.ts";
import { RunFolder } from "./checkpoint.ts";
import { bucketByLength, type Example, rowExample, scoredTokens } from "./examples.ts";
import { type Adapter, type LoraConfig, newAdapter } from "./lora.ts";
import { requireMemory } from "./memory.ts";
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
  /** Rows that a thread takes at a time, default 8; a step adds up the gradients of as many parts as its rows make. */
  microBatch?: number;
  /** Largest norm of a step's gradient, default 1; a longer one is shortened to it. */
  clip?: number;
  seed: number;
  /** Keeps checkpoints and metrics there, and goes on from the last checkpoint, to the same bits. */
  run?: { folder: string; everySteps: number };
  onProgress?: (progress: FinetuneProgress) => void;
}

export interface FinetuneProgress {
  step: number;
  steps: number;
  /** Mean row loss of this step's batch, nats a token. */
  loss: number;
  /** Before clipping. */
  gradientNorm: number;
  learningRate: number;
  /** Tokens of this step. */
  tokens: number;
  /** Since the start of the run. */
  seconds: number;
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

/** Rows of one task. Not the pool's to choose, so that sums come out the same for any number of threads. */
const TASK_ROWS = 8;

/** Fine-tunes a LoRA adapter on rows with AdamW. Same options, base and backend: same adapter, however often interrupted. */
export async function finetune(pool: Pool, options: FinetuneOptions): Promise<FinetuneReport> {
  const started = performance.now();
  const { rank, alpha, targetModules, epochs, learningRate, batch, seed, onProgress } = options;
  const { microBatch = TASK_ROWS, clip = 1 } = options;
  const { config } = pool.base;
  for (const [name, value] of Object.entries({ epochs, batch, microBatch, everySteps: options.run?.everySteps ?? 1 })) {
    if (!Number.isInteger(value) || value < 1) throw bad(`${name} is ${value}; it must be an integer of at least 1`);
  }
  for (const [name, value] of Object.entries({ learningRate, clip })) {
    if (!(value > 0)) throw bad(`${name} is ${value}; it must be positive`);
  }
  const examples = encodeRows(pool, "rows", options.rows);
  if (examples.length === 0) throw bad("rows is empty; give at least one row to learn from");
  const heldOut = encodeRows(pool, "heldOut", options.heldOut);

  const longest = examples.reduce((most, { ids }) => Math.max(most, ids.length - 1), 1);
  const work = { lora: { rank, alpha, targetModules }, batch: Math.min(microBatch, batch), length: longest };
  requireMemory(pool.place, "fine-tuning", { ...work, reduce: "sum" }, { adjustableBatch: "microBatch" });

  const folder = options.run && new RunFolder(options.run.folder, describeRun(pool, options));
  const saved = folder?.resume();
  const earlier = saved?.seconds ?? 0;
  const seconds = () => earlier + (performance.now() - started) / 1000;
  const adapter = newAdapter(config, { rank, alpha, targetModules }, seed);
  const optimiser = new AdamW(adapter.params.length, { clip });
  const history = saved?.history ?? [];
  if (saved !== undefined) {
    adapter.params.set(saved.params);
    optimiser.m.set(saved.m);
    optimiser.v.set(saved.v);
    optimiser.step = history.length;
  }
  const heldOutBefore = saved ? (saved.heldOutBefore ?? Number.NaN) : await meanTokenLoss(pool, undefined, heldOut);
  const random = new Random(seed + 1);
  const order = Array.from({ length: epochs }, () => batches(examples, batch, random));
  const steps = epochs * order[0]!.length;
  for (const rows of order.flat().slice(history.length)) {
    history.push([await trainStep(rows), rows.length]);
    if (folder && (history.length % options.run!.everySteps === 0 || history.length === steps)) {
      const { m, v } = optimiser;
      folder.save({ params: adapter.params, m, v, history, heldOutBefore, seconds: seconds() });
    }
  }
  return {
    adapter,
    steps,
    tokens: epochs * examples.reduce((sum, example) => sum + scoredTokens(example), 0),
    truncatedRows: examples.filter(({ truncated }) => truncated).length,
    epochLosses: order.map(({ length }, epoch) => {
      const taken = history.slice(epoch * length, (epoch + 1) * length);
      return taken.reduce((sum, [loss, rows]) => sum + loss * rows, 0) / examples.length;
    }),
    heldOutBefore,
    heldOutAfter: await meanTokenLoss(pool, adapter, heldOut),
    seconds: seconds(),
  };

  async function trainStep(rows: Example[]): Promise<number> {
    const parts = Array.from({ length: Math.ceil(rows.length / microBatch) }, (_, n) =>
      pool.run("gradients", {
        adapter,
        examples: rows.slice(n * microBatch, (n + 1) * microBatch),
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
    const rate = learningRate * schedule(optimiser.step / steps);
    const gradientNorm = optimiser.update(adapter.params, gradient, rate);
    const tokens = rows.reduce((sum, row) => sum + scoredTokens(row), 0);
    const progress = {
      step: optimiser.step,
      steps,
      loss,
      gradientNorm,
      learningRate: rate,
      tokens,
      seconds: seconds(),
    };
    folder?.log(progress);
    onProgress?.(progress);
    return loss;
  }
}

/** Hash of all that decides a run's result, to the last bit. */
function describeRun(pool: Pool, options: FinetuneOptions): string {
  const { run: _, onProgress: __, ...decisive } = options;
  const { microBatch = TASK_ROWS, clip = 1, ...others } = decisive;
  const packed = pool.weightFormat === "f32" ? {} : { weights: pool.weightFormat };
  const base = { base: pool.base.hash, backend: pool.backend.name, ...packed };
  const fields = Object.entries({ ...others, microBatch, clip, ...base });
  return keccak256(Buffer.from(JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)))));
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
