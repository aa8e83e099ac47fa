/** What the payout rule pays for junk rows on the tiny Llama, for unit rows, as shipped, and for rows that keep a capped length. */
import { rowHash } from "../../sdk/rows.ts";
import { duplicateWeights } from "../../trainer/attribution/duplicates.ts";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { Random } from "../../trainer/random.ts";
import type { Kind } from "./datanet.ts";
import { LENGTHS, type LengthRule, lengthShares, norms } from "./lengths.ts";
import { rowsWhere } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { type Epoch, payShares, totals } from "./payout.ts";
import { writeBars, writeResult } from "./report.ts";
import { median, rounded, sum } from "./statistics.ts";

const RULES = Object.keys(LENGTHS) as LengthRule[];
const KAPPAS = { "κ0 = 1/3": 1 / 3, "κ0 = 1/2": 1 / 2, "κ0 = 1": 1 };

const KINDS: Kind[] = ["shuffled words", "random characters"];

type Table = Record<string, Record<string, number>>;

/** An epoch, and the one that base weights come from. */
type Asked = Epoch & { evaluation: Epoch };

const pay = (asked: Asked, kappa0 = 0.5) => payShares(asked, totals(asked.evaluation).totals, kappa0);

/** The Datanet and its queries: half of the references are asked and paid for, the other half is the evaluation set. */
async function openStudy(llama: TinyLlama) {
  const { basis, rows: sketches } = await fitSketch(llama.pool, await llama.rowGradients());
  const sketch = async (gradients: Matrix, wanted: (t: number) => boolean) => {
    const entries = quantise(rowsWhere(await project(llama.pool, basis, gradients), wanted));
    return Array.from({ length: entries.length / basis.k }, (_, t) => entries.slice(t * basis.k, (t + 1) * basis.k));
  };
  const queries = await sketch(await llama.servedGradients(), (t) => t % 2 === 1);
  const evaluationQueries = await sketch(await llama.referenceGradients(), (t) => t % 2 === 0);
  const random = new Random(21);
  const fees = queries.map(() => BigInt(Math.round(1e15 * Math.exp(random.normal()))));
  const { weights } = await duplicateWeights(llama.pool, sketches, llama.rows.map(rowHash));

  const ask = (rule: LengthRule): Asked => {
    const shares = lengthShares(rule, sketches);
    const rows = quantise(
      sketches,
      weights.map((weight, i) => weight * shares[i]!),
    );
    const m0 = leastMovement({ rows, k: basis.k }, quantise(sketches));
    const common = { rows, owners: llama.owners, contributors: llama.contributors.length, m0 };
    const evaluation = { ...common, queries: evaluationQueries, fees: evaluationQueries.map(() => 10n ** 15n) };
    return { ...common, queries, fees, evaluation };
  };
  return { llama, basis, sketches, ask };
}
type Study = Awaited<ReturnType<typeof openStudy>>;

export async function attacks(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  try {
    const study = await openStudy(llama);
    const { basis, sketches } = study;
    const set = {
      contributors: llama.contributors.map(({ name, rows }) => ({ name, rows: rows.length })),
      k: basis.k,
      energyKept: rounded(basis.energyKept),
      medianLength: medianLengths(llama, sketches),
    };
    console.log(JSON.stringify(set));
    const table = junk(study);
    console.table(table);
    if (json) save(set, table);
  } finally {
    await llama.pool.close();
  }
}

/** Median sketch length of each kind of row, over that of the honest. */
function medianLengths({ kinds, owners }: TinyLlama, sketches: Matrix): Record<string, number> {
  const lengths = norms(sketches);
  const of = (kind: Kind) => median(lengths.filter((_, i) => kinds[owners[i]!] === kind));
  return Object.fromEntries([...new Set(kinds)].map((kind) => [kind, rounded(of(kind) / of("honest"))]));
}

/** Pay of a junk row over that of an honest one, and κ. */
function junk({ llama, ask }: Study): Table {
  const table: Table = {};
  const counts = llama.contributors.map(({ rows }) => rows.length);
  for (const rule of RULES) {
    const asked = ask(rule);
    const line: Record<string, number> = { kappa: rounded(pay(asked).kappa) };
    for (const [kappa, kappa0] of Object.entries(KAPPAS)) {
      for (const by of kappa0 === 0.5 ? ["evaluation", "row counts"] : ["evaluation"]) {
        const { shares } = by === "evaluation" ? pay(asked, kappa0) : payShares(asked, counts, kappa0);
        const perRow = (kind: Kind) => {
          const of = (values: readonly number[]) => sum(values.filter((_, c) => llama.kinds[c] === kind));
          return of(shares) / of(counts);
        };
        for (const kind of KINDS) line[`${kind}, ${kappa}, base by ${by}`] = rounded(perRow(kind) / perRow("honest"));
      }
    }
    table[rule] = line;
  }
  return table;
}

function save(set: unknown, table: Table): void {
  writeResult("attacks", { set, junk: table });
  const bars = Object.entries(table).flatMap(([rule, line]) =>
    KINDS.map((kind) => ({ label: `${kind}, ${rule}`, value: line[`${kind}, κ0 = 1/2, base by evaluation`]! })),
  );
  writeBars("attacks", "Pay of a junk row over that of an honest one, κ0 = ½", bars);
}
