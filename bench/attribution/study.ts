/** Datanets on the tiny Llama and what the payout rule is asked about them, as shipped and as it could be instead. */
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { rowSizes, rowWeights } from "../../trainer/attribution/row-weights.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import type { Example } from "../../trainer/examples.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { Random } from "../../trainer/random.ts";
import { type LengthRule, lengthShares } from "./lengths.ts";
import { rowsWhere } from "./linear.ts";
import type { TinyLlama } from "./llama.ts";
import { type Epoch, payShares, totals } from "./payout.ts";
import { type Known, knownOf, noveltiesOf, OTHER_SIZES, shippedSizes, VERSION_2 } from "./sizes.ts";

export const LENGTHS: LengthRule[] = ["length, at most the median", "length, at most 4 medians"];
/** What a row weighs: as shipped; as before; without one of the things that this is made of; or times its sketch's length. */
export const RULES = ["as shipped", VERSION_2, "whatever the size", "similar rows too", ...LENGTHS] as const;
export type Rule = (typeof RULES)[number];
export const SHIPPED = RULES[0];
export const KAPPAS = { "κ0 = 1/3": 1 / 3, "κ0 = 1/2": 1 / 2, "κ0 = 1": 1 };

export type Table = Record<string, Record<string, number>>;

/** A Datanet's sketches before they are weighed. */
export interface Sketched {
  owners: number[];
  sketches: Matrix;
  known: Known;
}
/** An epoch, and the one that base weights come from. */
export type Asked = Epoch & { evaluation: Epoch };

/** What the part of a pot is shared by that no answer decides: the committed rows' lengths, as shipped, an evaluation set, or row counts. */
export const BASES = {
  "row lengths": ({ rows, queries, ...of }: Asked) => {
    const k = queries[0]!.length;
    const length = (i: number) => Math.floor(Math.hypot(...rows.subarray(i * k, (i + 1) * k)));
    return perContributor(of, length);
  },
  "an evaluation set": ({ evaluation }: Asked) => totals(evaluation).totals,
  "row counts": (of: Asked) => perContributor(of, () => 1),
};
export type Base = keyof typeof BASES;
export const SHIPPED_BASE: Base = "row lengths";

export function perContributor(
  { owners, contributors }: Pick<Epoch, "owners" | "contributors">,
  of: (row: number) => number,
) {
  const sums = Array<number>(contributors).fill(0);
  owners.forEach((owner, i) => {
    sums[owner]! += of(i);
  });
  return sums;
}

export const pay = (asked: Asked, kappa0 = 0.5, by: Base = SHIPPED_BASE) => payShares(asked, BASES[by](asked), kappa0);

/** Whose rows, and gradients of rows and queries at one adapter. */
interface Measured {
  adapter: Adapter;
  texts: readonly string[];
  owners: number[];
  rows: Matrix;
  /** Answers that are paid for: those to the odd references. */
  asked: Matrix;
  /** The even references: the evaluation set. */
  judged: Matrix;
}
const isAsked = (t: number) => t % 2 === 1;
const isJudged = (t: number) => !isAsked(t);

/** The Datanet and its queries: half of the references are asked and paid for, the other half is the evaluation set. */
export async function openStudy(llama: TinyLlama) {
  return studyOf(llama, {
    adapter: await llama.full(),
    texts: llama.rows,
    owners: llama.owners,
    rows: await llama.rowGradients(),
    asked: rowsWhere(await llama.servedGradients(), isAsked),
    judged: rowsWhere(await llama.referenceGradients(), isJudged),
  });
}
export type Study = Awaited<ReturnType<typeof studyOf>>;

/** The same where adapter, answers and basis are those of these rows, whoever they are of. */
export async function openStudyAnew(
  llama: TinyLlama,
  name: string,
  texts: readonly string[],
  owners: number[],
  seed: number,
) {
  const adapter = await llama.tuned(name, texts, seed);
  const answers = await llama.answers(
    adapter,
    llama.references.filter((_, t) => isAsked(t)),
  );
  const gradients = (of: Example[]) => exampleGradients(llama.pool, adapter, of, 1);
  const examples = (of: readonly string[]) => of.map((text) => llama.example(text));
  return studyOf(llama, {
    adapter,
    texts,
    owners,
    rows: await gradients(examples(texts)),
    asked: await gradients(answers.map((answer) => llama.paid(answer))),
    judged: await gradients(examples(llama.references.filter((_, t) => isJudged(t)))),
  });
}

/** The protocol's side: a basis, and what an epoch of these queries is asked, for these rows or others. */
async function studyOf(llama: TinyLlama, { adapter, texts, owners, rows, asked, judged }: Measured) {
  const { basis, rows: sketches } = await fitSketch(llama.pool, rows, llama.matrices);
  const { k } = basis;
  const sketch = (of: Matrix) => project(llama.pool, basis, of);
  const int8Queries = (of: Matrix) => {
    const entries = quantise(of);
    return Array.from({ length: of.shape[0] }, (_, t) => entries.slice(t * k, (t + 1) * k));
  };
  const paid = await sketch(asked);
  const queries = int8Queries(paid);
  const evaluationQueries = int8Queries(await sketch(judged));
  const random = new Random(21);
  const fees = queries.map(() => BigInt(Math.round(1e15 * Math.exp(random.normal()))));

  const askWith = (of: Sketched, weights: ArrayLike<number>): Asked => {
    const int8 = quantise(of.sketches, weights);
    const m0 = leastMovement({ rows: int8, k }, quantise(of.sketches));
    const common = { rows: int8, owners: of.owners, contributors: llama.contributors.length, m0 };
    const evaluation = { ...common, queries: evaluationQueries, fees: evaluationQueries.map(() => 10n ** 15n) };
    return { ...common, queries, fees, evaluation };
  };
  /** @param longest rows whose owner made them as long as the rule allows */
  const ask = (of: Sketched, rule: Rule, longest: (i: number) => boolean = () => false) =>
    askWith(of, weigh(of, rule, longest));
  const sketched = async (texts: readonly string[], owners: number[], sketches: Matrix): Promise<Sketched> => ({
    owners,
    sketches,
    known: await knownOf(llama, texts, await noveltiesOf(llama, adapter, texts), sketches, basis.eigenvalues),
  });
  const honest = await sketched(texts, owners, sketches);
  /** Whose files the questions are about. */
  const askedFor = llama.referenceOwners.filter((_, t) => isAsked(t));
  return { llama, rows, basis, sketch, int8Queries, paid, ask, askWith, sketched, honest, askedFor };
}

function weigh({ sketches, known }: Sketched, rule: Rule, longest: (i: number) => boolean): Float64Array {
  const { novelties, leaders, vocabulary } = known;
  const shipped = rowWeights(shippedSizes(known));
  switch (rule) {
    case SHIPPED:
      return shipped;
    case VERSION_2:
      return rowWeights(OTHER_SIZES[rule]!(known));
    case "whatever the size":
      return shipped.map((weight) => Math.sign(weight));
    case "similar rows too": {
      const but = leaders.map((leader, i) => (leader === -1 ? -1 : i)); // but the same row again
      return rowWeights(rowSizes(novelties, but, vocabulary));
    }
    default: {
      const shares = lengthShares(rule, sketches);
      return shipped.map((weight, i) => weight * (longest(i) ? 1 : shares[i]!));
    }
  }
}
