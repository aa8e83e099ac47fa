import { keccak256 } from "ethers";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { type Example, queryExample, rowExample, type Scored } from "../examples.ts";
import { type Adapter, loraLayout } from "../lora.ts";
import { requireMemory } from "../memory.ts";
import { adapterHash } from "../peft.ts";
import type { Pool } from "../pool.ts";
import type { Sketches } from "./artifact.ts";
import { AHEAD, ROW_BLOCK_BYTES, spans } from "./blocks.ts";
import { findLeaders } from "./duplicates.ts";
import { gradientRows, IN_MEMORY } from "./gradient-rows.ts";
import { exampleGradients, storeGradients, TASK_EXAMPLES } from "./gradients.ts";
import { novelties } from "./novelty.ts";
import { quantise } from "./quantise.ts";
import { rowSizes, rowWeights } from "./row-weights.ts";
import { matrixSpans } from "./scales.ts";
import { fitSketch, project, SKETCH_SIZES, whitened } from "./sketch.ts";
import { leastMovementOf } from "./weights.ts";

export interface BuildOptions {
  /** Where gradients are taken on the way from base (0) to adapter (1), for rows and queries alike. Default 1. */
  alpha?: number;
  /** Where gradients that do not fit into memory are kept meanwhile; the system's folder for temporary files unless told. */
  scratch?: string;
  /** Keeps gradients in this folder until the sketches are done: after a crash the same call goes on with them. */
  run?: string;
  onProgress?: (rowsDone: number) => void;
  /** Told when each part is done. */
  onPart?: (part: SketchPart) => void;
}
export type SketchPart = "gradients" | "components" | "duplicates" | "novelty" | "least movement";

/** Sketches of all training rows, in their on-chain order (design section 3, steps 1 to 3). Empty rows get the zero sketch. */
export async function buildSketches(
  pool: Pool,
  adapter: Adapter,
  rows: readonly string[],
  { alpha = 1, scratch, run, onProgress, onPart }: BuildOptions = {},
): Promise<Sketches> {
  const { tokenizer, config } = pool.base;
  const layout = loraLayout(config, adapter.lora);
  const examples = rows.map((text) => rowExample(tokenizer, config.context, text));
  const hashes = rows.map((text) => keccak256(Buffer.from(text)));
  requireSketchMemory(pool, adapter, examples);
  const gradients = gradientRows(rows.length, layout.size, {
    ...(scratch !== undefined && { scratch }),
    ...(run !== undefined && { run: { folder: run, hash: describeRun(pool, adapter, alpha, hashes) } }),
  });
  let done = false;
  try {
    await storeGradients(pool, adapter, examples, alpha, gradients, onProgress);
    onPart?.("gradients");
    const { basis, rows: sketches } = await fitSketch(pool, gradients, matrixSpans(layout));
    onPart?.("components");
    const leaders = await findLeaders(pool, whitened(sketches, basis.eigenvalues), hashes);
    onPart?.("duplicates");
    const said = await novelties(pool, adapter, examples);
    const sizes = rowSizes(said, leaders, config.vocabSize);
    onPart?.("novelty");
    if (!sizes.some((size) => size > 0)) {
      const cause = "no row counts: the adapter finds all of them less likely than a blind guess";
      throw new OpenLedgerError("TRAINER_SKETCH", `sketch: ${cause}; give the rows that it was trained on`);
    }
    const weights = rowWeights(sizes);
    const quantised = quantise(sketches, weights);
    const m0 = await leastMovementOf(pool, { rows: quantised, k: basis.k }, quantise(sketches));
    onPart?.("least movement");
    done = true;
    return {
      rows: quantised,
      count: rows.length,
      k: basis.k,
      basis,
      weights: [...weights],
      leaders: [...leaders],
      novelties: said,
      m0,
      alpha,
      ...(pool.weightFormat === "f32" ? {} : { weightFormat: pool.weightFormat }),
      modules: layout.modules.map(({ name }) => name),
    };
  } finally {
    gradients.close(done);
  }
}

/** Hash of all that decides the gradients, to the last bit. */
function describeRun({ base, backend, weightFormat }: Pool, adapter: Adapter, alpha: number, hashes: string[]): string {
  const { rank, alpha: scale } = adapter.lora;
  const parts = [base.hash, weightFormat, backend.name, adapterHash(adapter, base.config), rank, scale, alpha, hashes];
  return keccak256(Buffer.from(JSON.stringify(parts)));
}

/** Of a block of gradients: that on the way to its thread, that there, and one not yet collected. */
const COPIES = 3;

/** That it takes to tell what is new, for a token. */
const NOVELTY_BYTES = 100;

/**
 * Of gradients, and of what is made of them: blocks on their way, and a few matrices of N or P rows, at most a bit wider than the
 * largest sketch. Or, later, of what the rows say.
 */
function requireSketchMemory(pool: Pool, { lora }: Adapter, examples: readonly Example[]): void {
  const length = examples.reduce((most, { ids }) => Math.max(most, ids.length - 1), 1);
  const work = { lora, batch: TASK_EXAMPLES, length, reduce: "none" } as const;
  const { size } = loraLayout(pool.base.config, lora);
  const [held, widest] = [4 * examples.length * size, 1.2 * SKETCH_SIZES.at(-1)!];
  const blocks = COPIES * AHEAD * Math.min(held, ROW_BLOCK_BYTES);
  const components = blocks + 4 * widest * (2 * size + 3 * examples.length);
  const novelty = NOVELTY_BYTES * examples.reduce((sum, { ids }) => sum + ids.length, 0);
  const extra = Math.min(held, IN_MEMORY) + Math.max(components, novelty + 8 * widest * examples.length);
  requireMemory(pool.place, "sketching", work, { extra });
}

/** Answers whose gradients are in memory at a time. */
const QUERIES = 512;

/** Token ids of a served answer. */
export interface ServedQuery {
  promptIds: readonly number[];
  completionIds: readonly number[];
}

/**
 * Sketch q_t of each served answer as int8 (design section 3, step 4): the same gradient as a row's, of prompt and
 * completion as one text, since the fee pays for both. With `scored` "completion" only the answer's tokens count, given
 * the prompt: shown beside it, never paid by. An answer without a token moves nothing: its sketch is zero.
 */
export async function sketchQueries(
  pool: Pool,
  adapter: Adapter,
  sketches: Sketches,
  queries: readonly ServedQuery[],
  scored: Scored = "prompt+completion",
): Promise<Int8Array[]> {
  const { k, basis, alpha, weightFormat = "f32" } = sketches;
  if (weightFormat !== pool.weightFormat) {
    const formats = `were made over weights in ${weightFormat}, and the base is loaded in ${pool.weightFormat}`;
    throw new OpenLedgerError("TRAINER_SKETCHES", `sketches: they ${formats}; load it in ${weightFormat}`);
  }
  const answered = queries.filter(({ completionIds }) => completionIds.length > 0);
  const sketch = new Map<ServedQuery, Int8Array>();
  for (const [from, end] of spans(answered.length, QUERIES)) {
    const part = answered.slice(from, end);
    const examples = part.map(({ promptIds, completionIds }) =>
      queryExample(pool.base.config.context, promptIds, completionIds, scored),
    );
    const gradients = await exampleGradients(pool, adapter, examples, alpha);
    const quantised = quantise(await project(pool, basis, gradients));
    part.forEach((query, t) => {
      sketch.set(query, quantised.slice(t * k, (t + 1) * k));
    });
  }
  return queries.map((query) => sketch.get(query) ?? new Int8Array(k));
}
