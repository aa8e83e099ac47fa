/** How far a pot follows what is asked: what of a fee on questions about one package goes to those whose package it is. */
import { TinyLlama } from "./llama.ts";
import { writeResult } from "./report.ts";
import { mean, rounded, sum } from "./statistics.ts";
import { BASES, type Base, KAPPAS, openStudy, pay, SHIPPED, type Table } from "./study.ts";

/** Extra fees over all others. */
const EXTRA = 0.1;

export async function routing(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  try {
    const { ask, honest, askedFor } = await openStudy(llama);
    const packageOf = (c: number) => llama.contributors[c]!.name.split("/")[0]!;
    const people = [...llama.contributors.keys()];
    const packages = [...new Set(people.filter((c) => llama.kinds[c] === "honest").map(packageOf))];
    const asked = ask(honest, SHIPPED);
    const fees = Number(asked.fees.reduce((a, b) => a + b, 0n));
    /** Which of the paid questions are about a package. */
    const about = (name: string) => askedFor.map((owner) => packageOf(owner) === name);
    const rows = (wanted: (c: number) => boolean) =>
      sum(people.filter(wanted).map((c) => llama.contributors[c]!.rows.length));
    const owned = (name: string) => (c: number) => packageOf(c) === name;

    const lines = (name: string): Record<string, number> => {
      const [own, questions] = [owned(name), about(name)];
      const part = (shares: readonly number[]) => sum(shares.filter((_, c) => own(c)));
      const extra = BigInt(Math.round((EXTRA * fees) / questions.filter(Boolean).length));
      const more = { ...asked, fees: asked.fees.map((fee, t) => (questions[t] ? fee + extra : fee)) };
      const only = { ...asked, fees: asked.fees.map((fee, t) => (questions[t] ? fee : 0n)) };
      const line: Record<string, number> = { rows: rows(own) / rows(() => true) };
      for (const by of Object.keys(BASES) as Base[])
        for (const [kappa, kappa0] of Object.entries(KAPPAS)) {
          const share = (of: typeof asked) => part(pay(of, kappa0, by).shares);
          line[`extra fee, ${kappa}, base by ${by}`] = ((1 + EXTRA) * share(more) - share(asked)) / EXTRA;
          line[`nothing else asked, ${kappa}, base by ${by}`] = share(only);
        }
      return line;
    };
    const each = packages.map(lines);
    const table: Table = Object.fromEntries(
      Object.keys(each[0]!).map((key) => [
        key,
        {
          mean: rounded(mean(each.map((line) => line[key]!))),
          ...Object.fromEntries(packages.map((name, p) => [name, rounded(each[p]![key]!)])),
        },
      ]),
    );
    console.table(table);
    const { kappa } = pay(asked);
    if (json) writeResult("routing", { extraFee: EXTRA, kappa: rounded(kappa), packages, table });
  } finally {
    await llama.pool.close();
  }
}
