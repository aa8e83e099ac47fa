import { keccak256 } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";
import { AdamW } from "./adamw.ts";
import { RunFolder } from "./checkpoint.ts";
import { bucketByLength, type Example, type RowExample, rowExample, sampleExample, scoredTokens } from "./examples.ts";
import { type Adapter, type LoraConfig, newAdapter } from "./lora.ts";
import { type MemoryForecast, requireMemory } from "./memory.ts";
import type { Pool } from "./pool.ts";
import { Random } from "./random.ts";
import { SAMPLE_KINDS, type Sample, type SampleKind } from "./samples.ts";

export interface FinetuneOptions extends LoraConfig {
  /** Texts of rows, read as attribution reads them; or samples, of which each must be one that the base can be given. */
  rows: readonly (string | Sample)[];
  /** Rows that are only measured on; may be empty. */
  heldOut: readonly (string | Sample)[];
  epochs: number;
  /** Peak, see `warmup` and `schedule`. */
  learningRate: number;
  /** Part of the steps in which the learning rate rises to its peak, default 0.1. */
  warmup?: number;
  /** How the learning rate goes to a tenth of its peak, or stays; default cosine. */
  schedule?: Schedule;
  /** Measures on the held-out rows after every so many steps and after the last; the result is then the best adapter so measured. */
  evaluateEvery?: number;
  /** Stops after so many measurements in a row that are no better than the best. */
  patience?: number;
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
  /** Told what memory the run will take, before it begins. */
  onMemory?: (forecast: MemoryForecast) => void;
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
  /** Mean token loss on the held-out rows after this step, where it was measured. */
  heldOut?: number;
}

export interface FinetuneReport {
  adapter: Adapter;
  /** Steps taken. */
  steps: number;
  /** After this many steps the adapter was as it is; fewer than `steps` where a later one was worse on the held-out rows. */
  bestStep: number;
  /** Whether `patience` ended it before the last step. */
  stoppedEarly: boolean;
  /** Numbers of the rows of each step that was taken, in the order in which they were taken. */
  order: number[][];
  /** Rows by what they were read as. */
  kinds: Record<SampleKind, number>;
  /** Measurements on the held-out rows: step and mean token loss. */
  evaluations: [step: number, loss: number][];
  /** Scored tokens that were trained on, in all steps. */
  tokens: number;
  /** Rows longer than the context, of which the rest was not learned from. */
  truncatedRows: number;
  /** Mean row loss of the batches, one for each epoch that was begun. */
  epochLosses: number[];
  /** Mean token loss over the held-out rows, nats; NaN when there are none. */
  heldOutBefore: number;
  heldOutAfter: number;
  seconds: number;
}

export const SCHEDULES = ["cosine", "linear", "constant"] as const;
export type Schedule = (typeof SCHEDULES)[number];

/** Rows of one task. Not the pool's to choose, so that sums come out the same for any number of threads. */
const TASK_ROWS = 8;

/** Fine-tunes a LoRA adapter on rows with AdamW. Same options, base and backend: same adapter, however often interrupted. */
export async function finetune(pool: Pool, options: FinetuneOptions): Promise<FinetuneReport> {
  const started = performance.now();
  const { rank, alpha, targetModules, epochs, learningRate, batch, seed, onProgress } = options;
  const { microBatch = TASK_ROWS, clip = 1, warmup = 0.1, schedule = "cosine", evaluateEvery, patience } = options;
  checkOptions(options);
  const { config } = pool.base;
  const examples = encodeRows(pool, "rows", options.rows);
  if (examples.length === 0) throw bad("rows is empty; give at least one row to learn from");
  const heldOut = encodeRows(pool, "heldOut", options.heldOut);
  if (heldOut.length === 0 && (evaluateEvery ?? patience) !== undefined)
    throw bad("evaluateEvery and patience need heldOut rows; give some, or leave them out");

  const longest = examples.reduce((most, { ids }) => Math.max(most, ids.length - 1), 1);
  const work = { lora: { rank, alpha, targetModules }, batch: Math.min(microBatch, batch), length: longest };
  const adjustable = { adjustableBatch: "microBatch" };
  const forecast = requireMemory(pool.place, "fine-tuning", { ...work, reduce: "sum" }, adjustable);
  options.onMemory?.(forecast);

  const folder = options.run && new RunFolder(options.run.folder, describeRun(pool, options));
  const saved = folder?.resume();
  const earlier = saved?.seconds ?? 0;
  const seconds = () => earlier + (performance.now() - started) / 1000;
  const adapter = newAdapter(config, { rank, alpha, targetModules }, seed);
  const optimiser = new AdamW(adapter.params.length, { clip });
  const history = saved?.history ?? [];
  const evaluations = saved?.evaluations ?? [];
  let best = saved?.best;
  if (saved !== undefined) {
    adapter.params.set(saved.params);
    optimiser.m.set(saved.m);
    optimiser.v.set(saved.v);
    optimiser.step = history.length;
  }
  const heldOutBefore = saved ? (saved.heldOutBefore ?? Number.NaN) : await meanTokenLoss(pool, undefined, heldOut);
  const random = new Random(seed + 1);
  const epochsOrder = Array.from({ length: epochs }, () => batches(examples, batch, random));
  const order = epochsOrder.flat();
  const steps = order.length;
  const ended = () =>
    patience !== undefined && evaluations.length - 1 - evaluations.indexOf(bestOf(evaluations)!) >= patience;
  while (history.length < steps && !ended()) {
    const rows = order[history.length]!.map((row) => examples[row]!);
    const progress = await trainStep(rows);
    history.push([progress.loss, rows.length]);
    const done = history.length;
    if (evaluateEvery !== undefined && (done % evaluateEvery === 0 || done === steps)) {
      progress.heldOut = await meanTokenLoss(pool, adapter, heldOut);
      evaluations.push([done, progress.heldOut]);
      if (bestOf(evaluations)![0] === done) best = adapter.params.slice();
    }
    progress.seconds = seconds();
    folder?.log(progress);
    onProgress?.(progress);
    if (folder && (done % options.run!.everySteps === 0 || done === steps || ended())) {
      const { m, v } = optimiser;
      folder.save({
        ...{ params: adapter.params, m, v, history, evaluations, heldOutBefore, seconds: seconds() },
        ...(best && { best }),
      });
    }
  }
  if (best !== undefined) adapter.params.set(best);
  const taken = order.slice(0, history.length);
  const size = epochsOrder[0]!.length;
  return {
    adapter,
    steps: history.length,
    bestStep: bestOf(evaluations)?.[0] ?? history.length,
    stoppedEarly: history.length < steps,
    order: taken,
    kinds: Object.fromEntries(
      SAMPLE_KINDS.map((kind) => [kind, examples.filter((example) => example.kind === kind).length]),
    ) as Record<SampleKind, number>,
    evaluations,
    tokens: taken.flat().reduce((sum, row) => sum + scoredTokens(examples[row]!), 0),
    truncatedRows: examples.filter(({ truncated }) => truncated).length,
    epochLosses: Array.from({ length: Math.ceil(history.length / size) }, (_, epoch) => {
      const own = history.slice(epoch * size, (epoch + 1) * size);
      const rows = own.reduce((sum, [, rows]) => sum + rows, 0);
      return own.reduce((sum, [loss, rows]) => sum + loss * rows, 0) / rows;
    }),
    heldOutBefore,
    heldOutAfter: bestOf(evaluations)?.[1] ?? (await meanTokenLoss(pool, adapter, heldOut)),
    seconds: seconds(),
  };

  async function trainStep(rows: Example[]): Promise<FinetuneProgress> {
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
    const rate = learningRate * factor(schedule, warmup, optimiser.step / steps);
    const gradientNorm = optimiser.update(adapter.params, gradient, rate);
    const tokens = rows.reduce((sum, row) => sum + scoredTokens(row), 0);
    return { step: optimiser.step, steps, loss, gradientNorm, learningRate: rate, tokens, seconds: seconds() };
  }
}

/** The measurement of least loss, the first of equals. */
const bestOf = (evaluations: readonly [number, number][]): [number, number] | undefined =>
  evaluations.reduce<[number, number] | undefined>((best, one) => (best && best[1] <= one[1] ? best : one), undefined);

function checkOptions(options: FinetuneOptions): void {
  const {
    epochs,
    batch,
    microBatch = 1,
    evaluateEvery = 1,
    patience = 1,
    learningRate,
    clip = 1,
    warmup = 0.1,
  } = options;
  const integers = { epochs, batch, microBatch, evaluateEvery, patience, everySteps: options.run?.everySteps ?? 1 };
  for (const [name, value] of Object.entries(integers)) {
    if (!Number.isInteger(value) || value < 1) throw bad(`${name} is ${value}; it must be an integer of at least 1`);
  }
  for (const [name, value] of Object.entries({ learningRate, clip })) {
    if (!(value > 0)) throw bad(`${name} is ${value}; it must be positive`);
  }
  if (!(warmup >= 0 && warmup <= 1)) throw bad(`warmup is ${warmup}; it must be a part of the steps, from 0 to 1`);
  if (!SCHEDULES.includes(options.schedule ?? "cosine"))
    throw bad(`schedule is ${options.schedule}; it must be one of ${SCHEDULES.join(", ")}`);
  if (options.patience !== undefined && options.evaluateEvery === undefined)
    throw bad("patience needs evaluateEvery; say after how many steps to measure");
}

/** Hash of all that decides a run's result, to the last bit. */
function describeRun(pool: Pool, options: FinetuneOptions): string {
  const { run: _, onProgress: __, onMemory: ___, ...decisive } = options;
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

function encodeRows(pool: Pool, field: string, rows: readonly (string | Sample)[]): RowExample[] {
  const { tokenizer, config } = pool.base;
  return rows.map((row, i) => {
    if (typeof row !== "string") return sampleExample(tokenizer, config.context, row);
    if (row.trim() === "") throw bad(`${field}[${i}] is empty; leave it out`);
    return rowExample(tokenizer, config.context, row);
  });
}

/** One epoch in seeded order: batches of numbers of rows of similar length, since a batch is padded to its longest row. */
function batches(examples: readonly Example[], size: number, random: Random): number[][] {
  const shuffled = random.shuffle([...examples.keys()]);
  const groups = bucketByLength(
    shuffled.map((row) => examples[row]!),
    size,
  );
  return random.shuffle(groups).map((group) => group.map((i) => shuffled[i]!));
}

/** What the peak of the learning rate is multiplied by after a part of the steps. */
function factor(schedule: Schedule, warmup: number, done: number): number {
  const warm = warmup === 0 ? 1 : Math.min(1, (done + 0.01) / warmup);
  if (schedule === "constant") return warm;
  return warm * (0.1 + (schedule === "linear" ? 0.9 * (1 - done) : 0.45 * (1 + Math.cos(Math.PI * done))));
}

function bad(problem: string): OpenLedgerError {
  return new OpenLedgerError("TRAINER_FINETUNE", `fine-tuning: ${problem}`);
}
