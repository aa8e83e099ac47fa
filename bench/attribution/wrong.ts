/**
 * Rows that look right and are not: what they are paid, whether a low score tells them, and what the model loses without
 * them. Beside them rows of the same files as they are, by which to read the figures.
 */
import { scores } from "../../trainer/attribution/weights.ts";
import { type Kind, WRONG } from "./datanet.ts";
import { tableOf } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { net } from "./payout.ts";
import { progress, ranges, writeResult } from "./report.ts";
import { auc, mean } from "./statistics.ts";
import { BASES, type Base, openStudyAnew, pay, SHIPPED } from "./study.ts";

const SEEDS = 2;
const KINDS = Object.keys(WRONG) as (Kind & keyof typeof WRONG)[];

export async function wrongRows(json: boolean): Promise<void> {
  const llama = await TinyLlama.start("wrong rows");
  try {
    const { kinds, owners } = llama;
    const references = llama.references.map((text) => llama.example(text));
    const rows = llama.rows.map((text) => llama.example(text));
    const ofKind = (values: ArrayLike<number>, kind: Kind) =>
      Array.from(values).filter((_, i) => kinds[owners[i]!] === kind);
    const lines: Record<string, Record<string, number[]>> = {};
    const note = (kind: string, name: string, value: number) => {
      ((lines[kind] ??= {})[name] ??= []).push(value);
    };
    const tick = progress("fine-tuning with wrong rows", SEEDS * (1 + KINDS.length));
    for (let seed = 0; seed < SEEDS; seed++) {
      const name = seed === 0 ? "full" : `full-${seed}`;
      const { ask, honest } = await openStudyAnew(llama, name, llama.rows, owners, 100 + seed);
      const asked = ask(honest, SHIPPED);
      const adapter = await llama.tuned(name, llama.rows, 100 + seed);
      const whole = mean(await llama.losses(adapter, references));
      const losses = await llama.losses(adapter, rows);
      const { queries, rows: committed } = asked.evaluation;
      const votes = queries.map((query) => scores({ rows: committed, k: query.length }, query));
      const low = net(tableOf(votes)).map((score) => -score);
      tick(seed * (1 + KINDS.length) + 1);
      for (const [n, kind] of KINDS.entries()) {
        for (const by of Object.keys(BASES) as Base[]) {
          const { shares } = pay(asked, 0.5, by);
          const ratio = llama.perRow(shares, kind) / llama.perRow(shares, "honest");
          note(kind, `pay over an honest row's, base by ${by}`, ratio);
        }
        note(kind, "AUC, net score low first", auc(ofKind(low, kind), ofKind(low, "honest")));
        note(kind, "AUC, loss high first", auc(ofKind(losses, kind), ofKind(losses, "honest")));
        const present = kinds.map((each) => each !== kind);
        const without = await llama.tunedOn(`without-${n}-${seed}`, present, 100 + seed);
        note(kind, "loss of references without them", mean(await llama.losses(without, references)) - whole);
        tick(seed * (1 + KINDS.length) + n + 2);
      }
      const table = ranges(lines);
      console.log(JSON.stringify(table, null, 1));
      const rowsEach = Object.fromEntries(KINDS.map((kind) => [kind, ofKind(owners, kind).length]));
      if (json) writeResult("wrong", { rows: rowsEach, fineTunings: seed + 1, kappa0: 0.5, table });
    }
  } finally {
    await llama.pool.close();
  }
}
