import { keccak256 } from "ethers";
import { type Finding, Findings, requireThat } from "../../sdk/findings.ts";
import { areRecordsOf, type Novelty } from "../../sdk/row-fates.ts";
import type { Matrix } from "../engine.ts";
import { type Example, rowExample } from "../examples.ts";
import { type Adapter, loraLayout } from "../lora.ts";
import type { Pool } from "../pool.ts";
import { Random } from "../random.ts";
import type { Sketches } from "./artifact.ts";
import { type ServedQuery, sketchQueries } from "./build.ts";
import { findLeaders, SAME } from "./duplicates.ts";
import { gradientRows, type StoredGradients } from "./gradient-rows.ts";
import { storeGradients } from "./gradients.ts";
import { novelties } from "./novelty.ts";
import { energyOf, innerProducts, largestResidual, projectRows } from "./pca.ts";
import { MAX_NORM, quantise } from "./quantise.ts";
import { rowSizes, rowWeights } from "./row-weights.ts";
import { fitScales, matrixSpans, scaledRows } from "./scales.ts";
import { dampingOf, NOISE, SKETCH_SIZES, sizeFor, whitened } from "./sketch.ts";
import { leastMovementOf } from "./weights.ts";

/**
 * How far what is computed again may be from what was published, where both were computed honestly: another backend, or other
 * rows in the same batch, change the last bits of a gradient. docs/attribution-artifact.md has the figures these rest on.
 */
export const TOLERANCE = {
  /** Of an entry of a sketch, which is rounded to a whole number. */
  entry: 1,
  /** Of the cosine from which on a row counts as a copy. */
  cosine: 1e-3,
  /** Of the surprisal that noise is told by, nats. */
  surprisal: 1e-2,
  /** Of weights, of m0 and of the energy kept, as a share. */
  share: 1e-3,
  /** Of inner products of directions, which would be 1 and 0, and of the coordinates' variances. */
  basis: 1e-2,
  /** How many times the last eigenvalue kept the largest left out may be: the randomized method mixes those around the border. */
  leftOut: 1.5,
};

/** A served answer and the sketch that was claimed of it. */
export interface ClaimedQuery extends ServedQuery {
  sketch: ArrayLike<number>;
}

export interface AuditOptions {
  /** Rows to compute again, drawn by `seed`; all unless told. What only all rows together show is then said to be not checked. */
  sample?: { rows: number; seed: number };
  /** Answers whose sketches are computed again. */
  queries?: readonly ClaimedQuery[];
  /** As in BuildOptions. */
  scratch?: string;
  onProgress?: (rowsDone: number, rows: number) => void;
  /** Told of each finding as it is made. */
  onFinding?: (finding: Finding) => void;
}

/** What an audit has at hand. */
interface Subject {
  pool: Pool;
  adapter: Adapter;
  sketches: Sketches;
  texts: readonly string[];
  hashes: string[];
}

/**
 * Derives sketches again from base, adapter, rows and the published basis, and compares them with what was published.
 * @param rows the model's texts in on-chain order
 */
export async function auditSketches(
  pool: Pool,
  adapter: Adapter,
  rows: readonly string[],
  sketches: Sketches,
  { sample, queries, scratch, onProgress, onFinding }: AuditOptions = {},
): Promise<Finding[]> {
  const findings = new Findings(onFinding);
  const hashes = rows.map((text) => keccak256(Buffer.from(text)));
  const subject = { pool, adapter, sketches, texts: rows, hashes };
  const fits = await findings.check("form", async () => checkForm(subject));
  if (fits === undefined) return findings.all; // nothing more can be compared
  await findings.check("copies", async () => checkCopies(subject));

  const all = Array.from(rows, (_, row) => row);
  const chosen = sample === undefined ? all : new Random(sample.seed).shuffle(all).slice(0, sample.rows);
  const whole = chosen.length === rows.length;
  const { tokenizer, config } = pool.base;
  const examples = rows.map((text) => rowExample(tokenizer, config.context, text));
  const gradients = gradientRows(chosen.length, loraLayout(config, adapter.lora).size, {
    ...(scratch !== undefined && { scratch }),
  });
  try {
    const progress = (done: number) => onProgress?.(done, chosen.length);
    await storeGradients(
      pool,
      adapter,
      chosen.map((row) => examples[row]!),
      sketches.alpha,
      gradients,
      progress,
    );
    const { basis, k } = sketches.basis;
    const derived: Matrix = { data: new Float32Array(chosen.length * k), shape: [chosen.length, k] };
    await projectRows(pool, gradients, basis, derived);
    await findings.check("rows", async () => checkRows(subject, chosen, derived, sample?.seed));
    await findings.check("weights", () => checkWeights(subject, examples, chosen));
    if (whole) {
      await findings.check("leaders", () => checkLeaders(subject, derived));
      await findings.check("least movement", () => checkLeastMovement(subject, derived));
      await findings.check("basis", () => checkBasis(subject, gradients, derived));
    } else {
      const followers = sketches.leaders.filter((leader, row) => leader !== row).length;
      findings.skip("leaders", `only all rows show which are alike; ${followers} are said to be like earlier ones`);
      findings.skip("least movement", "only all rows show it");
      findings.skip("basis", "only all rows show whether its directions are the main ones");
    }
  } finally {
    gradients.close(true);
  }
  if (queries === undefined) findings.skip("queries", "no answers were given");
  else await findings.check("queries", () => checkQueries(subject, queries));
  return findings.all;
}

function checkForm({ pool, adapter, sketches, hashes }: Subject) {
  const { rows, k, count, modules, basis, alpha, weightFormat = "f32" } = sketches;
  const layout = loraLayout(pool.base.config, adapter.lora);
  requireThat(count === hashes.length, `there are sketches of ${count} rows, and the data have ${hashes.length}`);
  requireThat(
    areRecordsOf(count, sketches) && rows.length === count * k,
    "rows, weights and count do not fit each other",
  );
  requireThat((SKETCH_SIZES as readonly number[]).includes(k), `k is ${k}, not one of ${SKETCH_SIZES}`);
  const [width, columns] = basis.basis.shape;
  requireThat(width === layout.size && columns === k, `the basis is ${width} × ${columns}, not ${layout.size} × ${k}`);
  const names = layout.modules.map(({ name }) => name);
  requireThat(JSON.stringify(modules) === JSON.stringify(names), "the modules are not those of the adapter, in order");
  requireThat(
    weightFormat === pool.weightFormat,
    `they were made over weights in ${weightFormat}, and the base is loaded in ${pool.weightFormat}`,
  );
  requireThat(alpha >= 0 && alpha <= 1, `gradients are taken at ${alpha}, not between base (0) and adapter (1)`);
  for (let i = 0; i < count; i++) {
    const squares = rows.subarray(i * k, (i + 1) * k).reduce((sum, entry) => sum + entry * entry, 0);
    requireThat(squares <= MAX_NORM ** 2, `the squares of row ${i} add up to ${squares}, more than ${MAX_NORM}²`);
  }
  return { detail: `${count} rows of ${k} entries, by a basis over ${layout.size} parameters`, value: true };
}

function checkCopies({ sketches: { rows, k, weights }, texts, hashes }: Subject) {
  const seen = new Set<string>();
  let copies = 0;
  hashes.forEach((hash, i) => {
    const copy = seen.has(hash);
    seen.add(hash);
    if (copy) copies++;
    const zero = rows.subarray(i * k, (i + 1) * k).every((entry) => entry === 0);
    const why = copy ? "is an exact copy of an earlier one" : "is empty";
    const mustBeZero = copy || texts[i] === "";
    requireThat(!mustBeZero || (zero && weights[i] === 0), `row ${i} ${why}, and counts nevertheless`);
    requireThat(zero || weights[i] !== 0, `row ${i} has weight 0, and a sketch nevertheless`);
  });
  return { detail: `${copies} exact copies, which do not count` };
}

function checkRows({ sketches }: Subject, chosen: readonly number[], derived: Matrix, seed: number | undefined) {
  const { rows, k, weights } = sketches;
  const again = quantise(
    derived,
    chosen.map((row) => weights[row]!),
  );
  let changed = 0;
  const wrong = chosen.filter((row, n) => {
    const [published, own] = [rows.subarray(row * k, (row + 1) * k), again.subarray(n * k, (n + 1) * k)];
    const off = furthest(published, own);
    if (off > 0) changed++;
    return off > TOLERANCE.entry;
  });
  const which = seed === undefined ? `all ${chosen.length} rows` : `${chosen.length} rows drawn by seed ${seed}`;
  requireThat(
    wrong.length === 0,
    `of ${which}, ${wrong.length} give other sketches than the published: ${someOf(wrong)}`,
  );
  return {
    detail: `${which} give the published sketches, ${changed} of them with entries that differ by ${TOLERANCE.entry}`,
  };
}

/** Weights are arithmetic on what is published beside them; of that, what rows say needs their texts alone, and how likely it is the model. */
async function checkWeights(subject: Subject, examples: readonly Example[], chosen: readonly number[]) {
  const { pool, adapter, sketches } = subject;
  const { weights, leaders, novelties: published } = sketches;
  const own = await novelties(pool, adapter, examples, chosen);
  const same = ({ letters, own, fresh }: Novelty, other: Novelty) =>
    letters === other.letters && own === other.own && fresh === other.fresh;
  const said = own.flatMap((row, i) => (same(row, published[i]!) ? [] : [i]));
  requireThat(said.length === 0, `${said.length} rows say something else than is published of them: ${someOf(said)}`);
  const near = (row: number) => Math.abs(own[row]!.surprisal - published[row]!.surprisal) <= TOLERANCE.surprisal;
  const likely = chosen.filter((row) => !near(row));
  requireThat(
    likely.length === 0,
    `${likely.length} rows are more or less likely than is published: ${someOf(likely)}`,
  );
  const sizes = rowSizes(published, leaders, pool.base.config.vocabSize);
  const ruled = rowWeights(sizes);
  const off = weights.flatMap((weight, row) => (weight === ruled[row] ? [] : [row]));
  requireThat(off.length === 0, `${off.length} rows have another weight than the rule gives: ${someOf(off)}`);
  const which = chosen.length === examples.length ? "all rows" : `${chosen.length} rows`;
  return {
    detail: `${sizes.filter((size) => size > 0).length} rows count, with the weights of the rule, which was told of ${which} how likely they are`,
  };
}

/** Rows within the tolerance of the rule's border may follow either way. */
async function checkLeaders({ pool, sketches, hashes }: Subject, derived: Matrix) {
  const { leaders, basis } = sketches;
  const compared = whitened(derived, basis.eigenvalues);
  const own: Int32Array[] = [];
  for (const same of [SAME - TOLERANCE.cosine, SAME, SAME + TOLERANCE.cosine])
    own.push(await findLeaders(pool, compared, hashes, same));
  const clear = leaders.map((_, row) => own.every((leader) => leader[row] === own[0]![row]));
  const off = leaders.flatMap((leader, row) => (clear[row] && leader !== own[0]![row] ? [row] : []));
  requireThat(off.length === 0, `${off.length} rows follow others than the rule says: ${someOf(off)}`);
  const unclear = clear.filter((is) => !is).length;
  return {
    detail: `${leaders.filter((leader, row) => leader === row).length} rows are like none before them; ${unclear} are too close to the border to say`,
  };
}

async function checkLeastMovement({ pool, sketches: { rows, k, m0 } }: Subject, derived: Matrix) {
  const own = await leastMovementOf(pool, { rows, k }, quantise(derived));
  requireThat(Math.abs(own - m0) <= TOLERANCE.share * own, `m0 is ${m0}, and the sketches give ${own}`);
  return { detail: `m0 is ${m0}, the sketches give ${own}` };
}

/**
 * The basis is the PCA of scaled gradients that the method prescribes if its directions are orthonormal, the coordinates along them
 * uncorrelated with the variances stated, and no direction that it leaves out holds more than those it has.
 */
async function checkBasis({ pool, adapter, sketches }: Subject, gradients: StoredGradients, derived: Matrix) {
  const { basis, eigenvalues, energyKept, k } = sketches.basis;
  const [count] = gradients.shape;
  const kept = eigenvalues.filter((value) => value > 0).length;
  const scales = fitScales(gradients, matrixSpans(loraLayout(pool.base.config, adapter.lora)));
  const scaled = scaledRows(gradients, scales);
  const directions = { ...basis, data: basis.data.slice() };
  for (let i = 0; i < directions.data.length; i++) {
    const scale = scales[Math.floor(i / k)]!;
    requireThat(
      scale > 0 || basis.data[i] === 0,
      `parameter ${Math.floor(i / k)} has no gradient, and a place in the basis`,
    );
    if (scale > 0) directions.data[i]! /= scale;
  }

  const lengths = await innerProducts(pool, directions);
  const coordinates = await innerProducts(pool, whitened(derived, eigenvalues));
  const damping = dampingOf(eigenvalues);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) {
      const expected = i < kept && i === j ? 1 : 0;
      const length = lengths[i * k + j]!;
      requireThat(
        Math.abs(length - expected) <= TOLERANCE.basis,
        `columns ${i} and ${j} of the basis have the inner product ${length.toFixed(3)}, not ${expected}`,
      );
      const variance = coordinates[i * k + j]! / count;
      const stated = expected * (eigenvalues[i]! / (eigenvalues[i]! + damping));
      requireThat(
        Math.abs(variance - stated) <= TOLERANCE.basis,
        `coordinates ${i} and ${j} have the mean product ${variance.toFixed(3)}, not ${stated.toFixed(3)}`,
      );
    }

  const total = energyOf(scaled) / count;
  const share = eigenvalues.reduce((sum, value) => sum + value, 0) / total;
  requireThat(
    Math.abs(share - energyKept) <= TOLERANCE.share,
    `the basis keeps ${percent(share)} of the energy, not ${percent(energyKept)} as stated`,
  );
  const size = sizeFor(eigenvalues, total, count, SKETCH_SIZES);
  requireThat(size === k, `k is ${k}, where the rule gives ${size}`);
  const left = await largestResidual(pool, scaled, directions, kept);
  const last = kept === k ? eigenvalues[k - 1]! : NOISE * eigenvalues[0]!;
  requireThat(
    left <= TOLERANCE.leftOut * last,
    `a direction that the basis leaves out holds ${(left / last).toFixed(1)} times as much as the last that it may leave out`,
  );
  return { detail: `the ${kept} main directions of the rows' gradients, with ${percent(share)} of their energy` };
}

async function checkQueries({ pool, adapter, sketches }: Subject, queries: readonly ClaimedQuery[]) {
  const again = await sketchQueries(pool, adapter, sketches, queries);
  const wrong = queries.flatMap(({ sketch }, t) =>
    sketch.length !== sketches.k || furthest(sketch, again[t]!) > TOLERANCE.entry ? [t] : [],
  );
  requireThat(
    wrong.length === 0,
    `${wrong.length} of ${queries.length} answers give other sketches than claimed: ${someOf(wrong)}`,
  );
  return { detail: `${queries.length} answers give the sketches claimed, to within ${TOLERANCE.entry} an entry` };
}

function furthest(a: ArrayLike<number>, b: Int8Array): number {
  return b.reduce((most, entry, j) => Math.max(most, Math.abs(entry - a[j]!)), 0);
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
const someOf = (indices: readonly number[]) =>
  `${indices.slice(0, 5).join(", ")}${indices.length > 5 ? ` and ${indices.length - 5} more` : ""}`;
