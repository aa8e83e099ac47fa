/**
 * What the payout rule pays to those who try to be paid for nothing, on the tiny Llama: junk, copies, cut rows, bought
 * queries. Each under the rule that is shipped, and under what it could be instead.
 */
import type { Matrix } from "../../trainer/engine.ts";
import { Random } from "../../trainer/random.ts";
import { attackersOf, attemptsOf, copiesName, REPLACED_TOKENS, rowsOfAttempt, tried } from "./attempts.ts";
import { type Kind, randomCharacters } from "./datanet.ts";
import { norms } from "./lengths.ts";
import { rowsWhere, stack } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { payShares } from "./payout.ts";
import { purchases } from "./purchases.ts";
import { progress, writeBars, writeResult } from "./report.ts";
import { mean, median, rounded, sum } from "./statistics.ts";
import {
  BASES,
  type Base,
  KAPPAS,
  openStudy,
  pay,
  RULES,
  type Rule,
  SHIPPED,
  SHIPPED_BASE,
  type Sketched,
  type Study,
  type Table,
} from "./study.ts";

const JUNK: Kind[] = ["shuffled words", "random characters"];

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
  for (const rule of RULES) {
    const asked = ask(honest, rule);
    const line: Record<string, number> = { kappa: rounded(pay(asked).kappa) };
    for (const [kappa, kappa0] of Object.entries(KAPPAS)) {
      for (const by of kappa0 === 0.5 ? (Object.keys(BASES) as Base[]) : [SHIPPED_BASE]) {
        const { shares } = pay(asked, kappa0, by);
        const honestly = llama.perRow(shares, "honest");
        for (const kind of JUNK)
          line[`${kind}, ${kappa}, base by ${by}`] = rounded(llama.perRow(shares, kind) / honestly);
      }
    }
    table[rule] = line;
  }
  return table;
}

const replacedGradients = async (llama: TinyLlama, name: string, c: number) =>
  llama.gradients(
    `attack-${name.replaceAll(/\W+/g, "-")}-${c}`,
    (await rowsOfAttempt(llama, name, c)).map((text) => llama.example(text)),
  );

/** The honest Datanet without somebody's rows, and with these in their place, after all others. */
async function replaced({ llama, sketch, sketched, honest }: Study, name: string, c: number): Promise<Sketched> {
  const { others, texts, owners } = await tried(llama, name, c);
  const kept = rowsWhere(honest.sketches, (i) => others[i]!);
  return sketched(texts, owners, stack(kept, await sketch(await replacedGradients(llama, name, c))));
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

/** What somebody gains, and his victim keeps, who contributes noisy copies of another's rows after them; over the victim's pay. */
async function theft({ llama, sketch, sketched, ask, honest }: Study): Promise<Table> {
  const thief = llama.contributors.length - 1;
  const table: Table = {};
  for (const share of REPLACED_TOKENS) {
    const lines: Record<string, number[]> = {};
    for (const victim of attackersOf(llama)) {
      const count = llama.contributors[victim]!.rows.length;
      const texts = (await rowsOfAttempt(llama, copiesName(share), victim)).slice(count);
      const all = await replacedGradients(llama, copiesName(share), victim);
      const stolen = await sketch(rowsWhere(all, (i) => i >= count));
      const tried = await sketched(
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

/** What junk is paid by rule, and how much each attack with rows multiplies pay under the shipped one. */
function plot(junk: Table, rows: Table): void {
  const bars = Object.entries(junk).flatMap(([rule, line]) =>
    JUNK.map((kind) => ({ label: `${kind}, ${rule}`, value: line[`${kind}, κ0 = 1/2, base by ${SHIPPED_BASE}`]! })),
  );
  writeBars("attacks", "Pay of a junk row over that of an honest one, κ0 = ½", bars);
  const multiples = Object.entries(rows).map(([label, line]) => ({ label, value: line[SHIPPED]! }));
  writeBars("attack-rows", "Pay with the attack over pay without it (κ0 = ½)", multiples);
}
