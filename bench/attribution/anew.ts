/**
 * Attacks with rows where everything is made anew from what is tried: adapter, answers, basis and weights. Several
 * fine-tunings of each, two attackers.
 */
import { attackersOf, CONTROL, copiesName, piecesName, RANDOM_CHARACTERS, rowsOfAttempt } from "./attempts.ts";
import { TinyLlama } from "./llama.ts";
import { progress, ranges, writeResult } from "./report.ts";
import { BASES, type Base, openStudyAnew, pay, SHIPPED } from "./study.ts";

const SEEDS = 3;
const ATTEMPTS = [CONTROL, copiesName(0.03), copiesName(0.1), copiesName(0.2), piecesName(64), RANDOM_CHARACTERS];

export async function attacksAnew(json: boolean): Promise<void> {
  const llama = await TinyLlama.start();
  try {
    const bases = Object.keys(BASES) as Base[];
    /** What each contributor is paid, by what base weights are. */
    const shares = (name: string, texts: readonly string[], owners: number[], seed: number) =>
      llama.cached(`shares-${name}`, async () => {
        const { ask, honest } = await openStudyAnew(llama, name, texts, owners, 100 + seed);
        const asked = ask(honest, SHIPPED);
        return bases.map((by) => Float32Array.from(pay(asked, 0.5, by).shares));
      });
    const attackers = attackersOf(llama);
    const ratios: Record<string, Record<string, number[]>> = {};
    const tick = progress("attacks, all anew", SEEDS * attackers.length * ATTEMPTS.length);
    let done = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const before = await shares(seed === 0 ? "full" : `full-${seed}`, llama.rows, llama.owners, seed);
      for (const c of attackers)
        for (const name of ATTEMPTS) {
          const others = llama.owners.map((owner) => owner !== c);
          const own = rowsOfAttempt(llama, name, c, seed);
          const after = await shares(
            `anew-${name.replaceAll(/\W+/g, "-")}-${c}-${seed}`,
            [...llama.rows.filter((_, i) => others[i]), ...own],
            [...llama.owners.filter((_, i) => others[i]), ...own.map(() => c)],
            seed,
          );
          const line = (ratios[name] ??= {});
          for (const [b, by] of bases.entries()) (line[`base by ${by}`] ??= []).push(after[b]![c]! / before[b]![c]!);
          tick(++done);
        }
      const table = ranges(ratios);
      console.log(JSON.stringify(table, null, 1));
      const names = attackers.map((c) => llama.contributors[c]!.name);
      if (json) writeResult("anew", { attackers: names, fineTunings: seed + 1, kappa0: 0.5, table });
    }
  } finally {
    await llama.pool.close();
  }
}
