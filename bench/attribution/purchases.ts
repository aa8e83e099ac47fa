/** What somebody gets back who buys queries for the sake of his rows, at most. */
import { UNIT } from "../../trainer/attribution/quantise.ts";
import { Random } from "../../trainer/random.ts";
import { norms } from "./lengths.ts";
import { type Epoch, extraPay, type Market, moved, unit, type Weighing, weightOf, worstPurchase } from "./payout.ts";
import { progress } from "./report.ts";
import { median, rounded, sum } from "./statistics.ts";
import { type Asked, KAPPAS, LENGTHS, type Rule, SHIPPED, type Study, type Table } from "./study.ts";

/** A bought query's fee over all honest fees. */
const FEES = [0.01, 0.1];

/** Most extra pay found per unit of fee for somebody who buys one query, with half of the fees in the data pot. */
export async function purchases({ llama, basis, ask, honest }: Study): Promise<Table> {
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
