/**
 * What the payout rule pays to those who try to be paid for nothing, on the tiny Llama: junk, copies, cut rows, bought
 * queries. Each under the rule that is shipped, and under what it could be instead.
 */
import { rowHash } from "../../sdk/rows.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { quantise, UNIT } from "../../trainer/attribution/quantise.ts";
import { rowWeights } from "../../trainer/attribution/row-weights.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project, type SketchBasis, whitened } from "../../trainer/attribution/sketch.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { type Adapter, loraLayout } from "../../trainer/lora.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { Random } from "../../trainer/random.ts";
import { type Kind, randomCharacters } from "./datanet.ts";
import { type LengthRule, lengthShares, norms } from "./lengths.ts";
import { rowsWhere, stack } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import {
  type Epoch,
  extraPay,
  type Market,
  moved,
  payShares,
  totals,
  unit,
  type Weighing,
  weightOf,
  worstPurchase,
} from "./payout.ts";
import { progress, writeBars, writeResult } from "./report.ts";
import { mean, median, rounded, sum } from "./statistics.ts";

const LENGTHS: LengthRule[] = ["length, at most the median", "length, at most 4 medians"];
/** What a row weighs: as shipped; without one of the two things that this is made of; or times its sketch's length. */
const RULES = ["as shipped", "whatever the size", "similar rows too", ...LENGTHS] as const;
type Rule = (typeof RULES)[number];
const SHIPPED = RULES[0];
const KAPPAS = { "κ0 = 1/3": 1 / 3, "κ0 = 1/2": 1 / 2, "κ0 = 1": 1 };
const JUNK: Kind[] = ["shuffled words", "random characters"];
const COPIES = 8;
const REPLACED_TOKENS = [0.03, 0.1, 0.2, 0.3];
const PIECES = [128, 64];
/** A bought query's fee over all honest fees. */
const FEES = [0.01, 0.1];

type Table = Record<string, Record<string, number>>;

/** A Datanet's sketches before they are weighed. */
interface Sketched {
  texts: readonly string[];
  owners: number[];
  sketches: Matrix;
  leaders: Int32Array;
}
/** An epoch, and the one that base weights come from. */
type Asked = Epoch & { evaluation: Epoch };

/** What the part of a pot is shared by that no answer decides: the committed rows' lengths, as shipped, an evaluation set, or row counts. */
const BASES = {
  "row lengths": ({ rows, queries, ...of }: Asked) => {
    const k = queries[0]!.length;
    const length = (i: number) => Math.floor(Math.hypot(...rows.subarray(i * k, (i + 1) * k)));
    return perContributor(of, length);
  },
  "an evaluation set": ({ evaluation }: Asked) => totals(evaluation).totals,
  "row counts": (of: Asked) => perContributor(of, () => 1),
};
type Base = keyof typeof BASES;
const SHIPPED_BASE: Base = "row lengths";

function perContributor({ owners, contributors }: Pick<Epoch, "owners" | "contributors">, of: (row: number) => number) {
  const sums = Array<number>(contributors).fill(0);
  owners.forEach((owner, i) => {
    sums[owner]! += of(i);
  });
  return sums;
}

const pay = (asked: Asked, kappa0 = 0.5, by: Base = SHIPPED_BASE) => payShares(asked, BASES[by](asked), kappa0);

/**
 * The Datanet and its queries: half of the references are asked and paid for, the other half is the evaluation set.
 * Adapter and basis are those of the honest Datanet, whatever is tried.
 */
async function openStudy(llama: TinyLlama) {
  const rows = await llama.rowGradients();
  const layout = loraLayout(llama.pool.base.config, PRESETS.demo);
  const random = new Random(21);
  const [served, references] = [await llama.servedGradients(), await llama.referenceGradients()];
  const fees = Array.from({ length: served.shape[0] >> 1 }, () => BigInt(Math.round(1e15 * Math.exp(random.normal()))));

  /** The protocol's side, for rows and queries at one adapter. */
  const studyAt = async (
    texts: readonly string[],
    owners: number[],
    gradients: Matrix,
    asked: Matrix,
    judged: Matrix,
  ) => {
    const { basis, rows: sketches } = await fitSketch(llama.pool, gradients, matrixSpans(layout));
    const { k } = basis;
    const sketch = (of: Matrix) => project(llama.pool, basis, of);
    const int8Queries = (of: Matrix) => {
      const entries = quantise(of);
      return Array.from({ length: of.shape[0] }, (_, t) => entries.slice(t * k, (t + 1) * k));
    };
    const paid = rowsWhere(await sketch(asked), (t) => t % 2 === 1);
    const queries = int8Queries(paid);
    const evaluationQueries = int8Queries(rowsWhere(await sketch(judged), (t) => t % 2 === 0));

    /** @param longest rows whose owner made them as long as the rule allows */
    const ask = (of: Sketched, rule: Rule, longest: (i: number) => boolean = () => false): Asked => {
      const int8 = quantise(of.sketches, weigh(of, rule, longest));
      const m0 = leastMovement({ rows: int8, k }, quantise(of.sketches));
      const common = { rows: int8, owners: of.owners, contributors: llama.contributors.length, m0 };
      const evaluation = { ...common, queries: evaluationQueries, fees: evaluationQueries.map(() => 10n ** 15n) };
      return { ...common, queries, fees, evaluation };
    };
    const honest = await sketched(llama, basis, texts, owners, sketches);
    return { llama, basis, sketch, int8Queries, paid, ask, honest };
  };
  const study = await studyAt(llama.rows, llama.owners, rows, served, references);

  /** Everything anew, adapter and basis too, with other rows: what they are asked. */
  const fittedAnew = async (name: string, texts: readonly string[], owners: number[]) => {
    const adapter: Adapter = await llama.tuned(name, texts, 100);
    const answers = (await llama.served()).map((answer) => llama.paid(answer));
    const examples = [...texts, ...llama.references].map((text) => llama.example(text));
    const all = await exampleGradients(llama.pool, adapter, [...examples, ...answers], 1);
    const part = (from: number, to: number) => rowsWhere(all, (i) => i >= from && i < to);
    const [first, second] = [texts.length, examples.length];
    const anew = await studyAt(
      texts,
      owners,
      part(0, first),
      part(second, second + answers.length),
      part(first, second),
    );
    return anew.ask(anew.honest, SHIPPED);
  };
  return { ...study, fittedAnew };
}
type Study = Awaited<ReturnType<typeof openStudy>>;

async function sketched(
  { pool }: TinyLlama,
  { eigenvalues }: SketchBasis,
  texts: readonly string[],
  owners: number[],
  sketches: Matrix,
): Promise<Sketched> {
  const leaders = await findLeaders(pool, whitened(sketches, eigenvalues), texts.map(rowHash));
  return { texts, owners, sketches, leaders };
}

function weigh({ texts, sketches, leaders }: Sketched, rule: Rule, longest: (i: number) => boolean): Float64Array {
  const shipped = rowWeights(texts, leaders);
  switch (rule) {
    case "as shipped":
      return shipped;
    case "whatever the size":
      return shipped.map((weight) => Math.sign(weight));
    case "similar rows too":
      return rowWeights(
        texts,
        leaders.map((leader, i) => (leader === -1 ? -1 : i)),
      );
    default: {
      const shares = lengthShares(rule, sketches);
      return shipped.map((weight, i) => weight * (longest(i) ? 1 : shares[i]!));
    }
  }
}

export async function attacks(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  try {
    const study = await openStudy(llama);
    const { basis, honest } = study;
    const set = {
      contributors: llama.contributors.map(({ name, rows }) => ({ name, rows: rows.length })),
      k: basis.k,
      energyKept: rounded(basis.energyKept),
      medianLength: medianLengths(llama, honest.sketches),
    };
    console.log(JSON.stringify(set));
    const result: Record<string, unknown> = { set };
    for (const [name, part] of Object.entries({
      junk,
      rows: rowAttacks,
      anew: attacksFittedAnew,
      theft,
      queries: hugeQueries,
      purchases,
    })) {
      const table: Table = await part(study);
      console.log(name);
      console.table(table);
      result[name] = table;
      if (json) writeResult("attacks", result);
    }
    if (json) plot(result.junk as Table, result.rows as Table);
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
async function junk({ llama, ask, honest }: Study): Promise<Table> {
  const table: Table = {};
  const counts = llama.contributors.map(({ rows }) => rows.length);
  for (const rule of RULES) {
    const asked = ask(honest, rule);
    const line: Record<string, number> = { kappa: rounded(pay(asked).kappa) };
    for (const [kappa, kappa0] of Object.entries(KAPPAS)) {
      for (const by of kappa0 === 0.5 ? (Object.keys(BASES) as Base[]) : [SHIPPED_BASE]) {
        const { shares } = pay(asked, kappa0, by);
        const perRow = (kind: Kind) => {
          const of = (values: readonly number[]) => sum(values.filter((_, c) => llama.kinds[c] === kind));
          return of(shares) / of(counts);
        };
        for (const kind of JUNK) line[`${kind}, ${kappa}, base by ${by}`] = rounded(perRow(kind) / perRow("honest"));
      }
    }
    table[rule] = line;
  }
  return table;
}

/** Two honest contributors of middle size. */
function attackersOf(llama: TinyLlama): number[] {
  const size = (c: number) => llama.contributors[c]!.rows.length;
  return [...llama.contributors.keys()]
    .filter((c) => llama.kinds[c] === "honest")
    .sort((a, b) => size(a) - size(b))
    .slice(9, 11);
}

const LICENCE =
  "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation " +
  "files, to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, " +
  "publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished " +
  "to do so, subject to the following conditions: the above copyright notice shall be included";

/** Rows in the place of somebody's own, or beside them. */
function attemptsOf({ pool }: TinyLlama): Record<string, (own: string[], random: Random) => string[]> {
  const { tokenizer } = pool.base;
  const noisy = (text: string, share: number, random: Random) =>
    tokenizer.decode(
      tokenizer.encode(text).map((id) => (random.uniform() < share ? 1 + Math.floor(2047 * random.uniform()) : id)),
    );
  const copies = (texts: string[], change: (text: string) => string) =>
    texts.flatMap((text) => Array.from({ length: COPIES }, () => change(text)));
  const filled = (text: string, by: string) => text + by.repeat(Math.ceil(500 / by.length)).slice(0, 500 - text.length);
  const cut = (own: string[], bytes: number) => own.flatMap((text) => pieces(text, bytes));
  return {
    [`${COPIES} exact copies more`]: (own) => [...own, ...copies(own, (text) => text)],
    ...Object.fromEntries(
      REPLACED_TOKENS.map((share) => [
        copiesName(share),
        (own: string[], random: Random) => [...own, ...copies(own, (text) => noisy(text, share, random))],
      ]),
    ),
    ...Object.fromEntries(
      PIECES.map((bytes) => [`the same text, ${bytes} bytes a row`, (own: string[]) => cut(own, bytes)]),
    ),
    ...Object.fromEntries(
      Object.entries({ blanks: " ", slashes: "/", "a licence": LICENCE }).map(([name, by]) => [
        `64 bytes a row, filled up with ${name}`,
        (own: string[]) => cut(own, 64).map((text) => filled(text, by)),
      ]),
    ),
    "as many rows of random characters more": (own, random) => [
      ...own,
      ...own.map((text) => randomCharacters(text.length, random)),
    ],
    "control: the same rows, standing last": (own) => own,
  };
}
const copiesName = (share: number) => `${COPIES} copies more, ${100 * share}% of the tokens replaced`;
const rowsOfAttempt = (llama: TinyLlama, name: string, c: number) =>
  attemptsOf(llama)[name]!(llama.contributors[c]!.rows, new Random(31 + c));

const replacedGradients = (llama: TinyLlama, name: string, c: number) =>
  llama.gradients(
    `attack-${name.replaceAll(/\W+/g, "-")}-${c}`,
    rowsOfAttempt(llama, name, c).map((text) => llama.example(text)),
  );

/** The honest Datanet without somebody's rows, and with these in their place, after all others. */
async function replaced({ llama, basis, sketch, honest }: Study, name: string, c: number): Promise<Sketched> {
  const own = rowsOfAttempt(llama, name, c);
  const others = llama.owners.map((owner) => owner !== c);
  return sketched(
    llama,
    basis,
    [...llama.rows.filter((_, i) => others[i]), ...own],
    [...llama.owners.filter((_, i) => others[i]), ...own.map(() => c)],
    stack(
      rowsWhere(honest.sketches, (i) => others[i]!),
      await sketch(await replacedGradients(llama, name, c)),
    ),
  );
}

/** Pay of a contributor who tries something over his pay without it (κ0 = ½), mean over two of middle size. */
async function rowAttacks(study: Study): Promise<Table> {
  const { llama, ask, honest } = study;
  const attackers = attackersOf(llama);
  const attempts = Object.keys(attemptsOf(llama));
  /** The mean by rule, and each attacker's under the shipped one. */
  const line = (values: number[][]): Record<string, number> => ({
    ...Object.fromEntries(RULES.map((rule, r) => [rule, rounded(mean(values[r]!))])),
    ...Object.fromEntries(attackers.map((c, m) => [llama.contributors[c]!.name, rounded(values[0]![m]!)])),
  });
  const table: Table = {};
  const tick = progress("attacks with rows", attempts.length * attackers.length);
  const before = new Map<Rule, number[]>();
  for (const rule of RULES) before.set(rule, pay(ask(honest, rule)).shares);
  const otherBases = (Object.keys(BASES) as Base[]).filter((by) => by !== SHIPPED_BASE);
  for (const [n, name] of attempts.entries()) {
    const ratios = RULES.map((): number[] => []);
    const ofBases: number[][] = [];
    for (const [m, c] of attackers.entries()) {
      const tried = await replaced(study, name, c);
      for (const [r, rule] of RULES.entries())
        ratios[r]!.push(pay(ask(tried, rule)).shares[c]! / before.get(rule)![c]!);
      for (const [b, by] of otherBases.entries()) {
        const share = (of: Sketched) => pay(ask(of, SHIPPED), 0.5, by).shares[c]!;
        (ofBases[b] ??= []).push(share(tried) / share(honest));
      }
      tick(n * attackers.length + m + 1);
    }
    table[name] = {
      ...line(ratios),
      ...Object.fromEntries(otherBases.map((by, b) => [`base by ${by}`, rounded(mean(ofBases[b]!))])),
    };
  }
  const lengthened: number[][] = RULES.map(() => []);
  const split: number[][] = RULES.map(() => []);
  for (const c of attackers) {
    for (const [r, rule] of RULES.entries()) {
      const asked = ask(honest, rule);
      const own = before.get(rule)![c]!;
      lengthened[r]!.push(pay(ask(honest, rule, (i) => honest.owners[i] === c)).shares[c]! / own);
      // A name for each of his rows, after all others.
      let contributors = llama.contributors.length;
      const named = { owners: honest.owners.map((owner) => (owner === c ? contributors++ : owner)), contributors: 0 };
      named.contributors = contributors;
      const many = pay({ ...asked, ...named, evaluation: { ...asked.evaluation, ...named } });
      split[r]!.push(sum(many.shares.slice(llama.contributors.length)) / own);
    }
  }
  return { ...table, "every row as long as the rule allows": line(lengthened), "one name for each row": line(split) };
}

/** The same for one contributor, where the model is fine-tuned and its basis fitted on what he tries, too. */
async function attacksFittedAnew({ llama, ask, honest, fittedAnew }: Study): Promise<Table> {
  const [c] = attackersOf(llama);
  const before = pay(ask(honest, SHIPPED)).shares[c!]!;
  const others = llama.owners.map((owner) => owner !== c);
  const table: Table = {};
  for (const name of [copiesName(0.1), `the same text, ${PIECES.at(-1)} bytes a row`]) {
    const own = rowsOfAttempt(llama, name, c!);
    const asked = await fittedAnew(
      `anew-${name.replaceAll(/\W+/g, "-")}`,
      [...llama.rows.filter((_, i) => others[i]), ...own],
      [...llama.owners.filter((_, i) => others[i]), ...own.map(() => c!)],
    );
    table[name] = { [SHIPPED]: rounded(pay(asked).shares[c!]! / before) };
  }
  return table;
}

/** What somebody gains, and his victim keeps, who contributes noisy copies of another's rows after them; over the victim's pay. */
async function theft({ llama, basis, sketch, ask, honest }: Study): Promise<Table> {
  const thief = llama.contributors.length - 1;
  const table: Table = {};
  for (const share of REPLACED_TOKENS) {
    const lines: Record<string, number[]> = {};
    for (const victim of attackersOf(llama)) {
      const count = llama.contributors[victim]!.rows.length;
      const texts = rowsOfAttempt(llama, copiesName(share), victim).slice(count);
      const all = await replacedGradients(llama, copiesName(share), victim);
      const stolen = await sketch(rowsWhere(all, (i) => i >= count));
      const tried = await sketched(
        llama,
        basis,
        [...llama.rows, ...texts],
        [...llama.owners, ...texts.map(() => thief)],
        stack(honest.sketches, stolen),
      );
      for (const rule of RULES) {
        const [before, after] = [pay(ask(honest, rule)).shares, pay(ask(tried, rule)).shares];
        (lines[`thief, ${rule}`] ??= []).push((after[thief]! - before[thief]!) / before[victim]!);
        (lines[`victim, ${rule}`] ??= []).push(after[victim]! / before[victim]!);
      }
    }
    table[copiesName(share)] = Object.fromEntries(
      Object.entries(lines).map(([name, values]) => [name, rounded(mean(values))]),
    );
  }
  return table;
}

/** A text in pieces of at most so many bytes, cut at line ends where there are any. */
function pieces(text: string, bytes: number): string[] {
  const out: string[] = [];
  for (const line of text.split(/(?<=\n)/).flatMap((line) => line.match(new RegExp(`[^]{1,${bytes}}`, "g")) ?? [])) {
    if (out.length > 0 && out.at(-1)!.length + line.length <= bytes) out[out.length - 1] += line;
    else out.push(line);
  }
  return out.filter((piece) => piece.trim() !== "");
}

/** How far a tenth of all fees, spent on prompts of random characters, moves the pay of all (total variation), and gains for their likes. */
async function hugeQueries({ llama, ask, honest, sketch, int8Queries, paid }: Study): Promise<Table> {
  const random = new Random(41);
  const texts = Array.from({ length: 20 }, () => randomCharacters(400, random));
  const examples = texts.map((text) => llama.example(text));
  const sketches = await sketch(await llama.gradients("huge-queries", examples));
  const bought = int8Queries(sketches);
  const table: Table = {};
  for (const rule of RULES) {
    const asked = ask(honest, rule);
    const fee = asked.fees.reduce((a, b) => a + b, 0n) / 10n / BigInt(texts.length);
    const base = BASES[SHIPPED_BASE](asked);
    const before = payShares(asked, base, 0.5).shares;
    const after = payShares(
      { ...asked, queries: [...asked.queries, ...bought], fees: [...asked.fees, ...bought.map(() => fee)] },
      base,
      0.5,
    ).shares;
    const part = (shares: number[]) => sum(shares.filter((_, c) => llama.kinds[c] === "random characters"));
    table[rule] = {
      lengthOfTheirSketch: rounded(median(norms(sketches)) / median(norms(paid))),
      totalVariation: rounded(sum(after.map((share, c) => Math.abs(share - before[c]!))) / 2),
      randomCharactersBefore: rounded(part(before)),
      randomCharactersAfter: rounded(part(after)),
    };
  }
  return table;
}

/** Most extra pay found per unit of fee for somebody who buys one query, with half of the fees in the data pot. */
async function purchases({ llama, basis, ask, honest }: Study): Promise<Table> {
  const count = llama.rows.length;
  const order = new Random(51).shuffle([...Array(count).keys()]);
  const some = (share: number) => new Set(order.slice(0, Math.round(share * count)));
  const rowsOf = (test: (name: string) => boolean) =>
    new Set([...Array(count).keys()].filter((i) => test(llama.contributors[llama.owners[i]!]!.name)));
  const buyers: [string, Set<number>, "as they are" | "private" | "tight"][] = [
    ["random rows, 5%", some(0.05), "as they are"],
    ["a contributor", rowsOf((name) => name === "solidstate/proxy"), "as they are"],
    ["a package's contributors", rowsOf((name) => name.startsWith("chainlink")), "as they are"],
    ["private directions, 1%", some(0.01), "private"],
    ["private directions, 50%", some(0.5), "private"],
    ["one tight direction, 5%", some(0.05), "tight"],
    ["one tight direction, 20%", some(0.2), "tight"],
    ["one tight direction, 50%", some(0.5), "tight"],
  ];
  /** The shipped rule, what it was chosen over, and other lengths of rows. */
  const variants: [string, Rule, number, Weighing][] = [
    ...Object.entries(KAPPAS).map(([name, k0]): [string, Rule, number, Weighing] => [
      `${SHIPPED}, ${name}`,
      SHIPPED,
      k0,
      "f/max(L, m0)",
    ]),
    ...LENGTHS.map((rule): [string, Rule, number, Weighing] => [`${rule}, κ0 = 1/2`, rule, 0.5, "f/max(L, m0)"]),
    ["no floor", SHIPPED, 0, "f/max(L, m0)"],
    ["no floor, ω = f/L", SHIPPED, 0, "f/L"],
    ["no floor, ω = f", SHIPPED, 0, "f"],
  ];
  const table: Table = {};
  const tick = progress("bought queries", variants.length * buyers.length);
  for (const [v, [name, rule, kappa0, weighing]] of variants.entries()) {
    const asked = ask(honest, rule);
    table[name] = {};
    for (const [b, [buyer, rows, shape]] of buyers.entries()) {
      const { market, starts, own } = marketOf(asked, basis.k, rows, shape, kappa0, weighing);
      const returns = FEES.map((fee) => worstPurchase(market, fee, starts));
      table[name][buyer] = rounded(Math.max(...returns));
      if (shape === "as they are")
        table[name][`${buyer}, own rows only`] = rounded(
          Math.max(...FEES.flatMap((fee) => own.map((row) => extraPay(market, fee, unit(row)).value))),
        );
      tick(v * buyers.length + b + 1);
    }
  }
  return table;
}

/** New directions that a buyer's rows may lie in. */
const EXTRA = 8;

/** The epoch with the buyer's rows at full length, where he wants them, and what ascent starts from. */
function marketOf(
  asked: Asked,
  k: number,
  buyers: ReadonlySet<number>,
  shape: "as they are" | "private" | "tight",
  kappa0: number,
  weighing: Weighing,
) {
  const count = asked.rows.length / k;
  const random = new Random(61);
  const width = k + EXTRA;
  const rows = { data: new Float32Array(count * width), shape: [count, width] as [number, number] };
  const own = Array.from({ length: count }, (_, i) => buyers.has(i));
  const rowOf = (i: number) => Float64Array.from(rows.data.subarray(i * width, (i + 1) * width));
  for (let i = 0; i < count; i++) {
    const committed = new Float64Array(width);
    committed.set(asked.rows.subarray(i * k, (i + 1) * k));
    if (!own[i])
      rows.data.set(
        committed.map((value) => value / UNIT),
        i * width,
      );
    else if (shape === "as they are") rows.data.set(unit(committed), i * width);
    else {
      const noise = (from: number, to: number) =>
        unit(Float64Array.from({ length: width }, (_, j) => (j >= from && j < to ? random.normal() : 0)));
      const inside = noise(0, k).map((value) => value * Math.sqrt(0.15));
      inside[k] = Math.sqrt(0.85);
      rows.data.set(shape === "private" ? noise(k, width) : inside, i * width);
    }
  }
  const queriesOf = ({ queries }: Epoch) =>
    queries.map((query) => {
      const out = new Float64Array(width);
      out.set(query);
      return unit(out);
    });
  const lengths: number[] = [];
  for (let i = 0; i < count; i++) lengths.push(sum(moved(rows, unit(rowOf(i))).map(Math.abs)));
  const m0 = median(lengths.filter((length) => length > 0));
  const scoresOf = (epoch: Epoch) => {
    const scores = new Float64Array(count);
    const all = Number(epoch.fees.reduce((a, b) => a + b, 0n));
    for (const [t, query] of queriesOf(epoch).entries()) {
      const move = moved(rows, query);
      const weight = weightOf(Number(epoch.fees[t]!) / all, move, m0, weighing);
      for (let i = 0; i < count; i++) scores[i]! += weight * move[i]!;
    }
    return scores;
  };
  const held = norms(rows);
  const base = sum(held.filter((_, i) => own[i])) / sum(held);
  const market: Market = { rows, own, scores: scoresOf(asked), m0, base, kappa0, weighing };
  const ownRows = [...buyers].map(rowOf);
  const total = (wanted: boolean) => {
    const out = new Float64Array(width);
    for (let i = 0; i < count; i++)
      if (own[i] === wanted) for (let j = 0; j < width; j++) out[j]! += rows.data[i * width + j]!;
    return out;
  };
  const against = total(false).map((value) => -value);
  const scored = Float64Array.from(total(true), (value, j) => value + 0.1 * against[j]!);
  const anywhere = () => Float64Array.from({ length: width }, () => random.normal());
  return { market, own: ownRows, starts: [total(true), against, scored, ownRows[0]!, anywhere()] };
}

/** What junk is paid by rule, and how much each attack with rows multiplies pay under the shipped one. */
function plot(junk: Table, rows: Table): void {
  const bars = Object.entries(junk).flatMap(([rule, line]) =>
    JUNK.map((kind) => ({ label: `${kind}, ${rule}`, value: line[`${kind}, κ0 = 1/2, base by ${SHIPPED_BASE}`]! })),
  );
  writeBars("attacks", "Pay of a junk row over that of an honest one, κ0 = ½", bars);
  const multiples = Object.entries(rows).map(([label, line]) => ({ label, value: line[SHIPPED]! }));
  writeBars("attack-rows", "Pay with the attack over pay without it (κ0 = ½)", multiples);
}
