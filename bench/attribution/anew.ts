/**
 * Attacks with rows where everything is made anew from what is tried: adapter, answers, basis and weights. Several
 * fine-tunings of each, two attackers.
 */
import {
  attackersOf,
  CONTROL,
  COPIES_ANEW,
  keptAnew,
  piecesName,
  RANDOM_CHARACTERS,
  SAID_AGAIN,
  tried,
} from "./attempts.ts";
import { TinyLlama } from "./llama.ts";
import { mapped, progress, ranges, writeResult } from "./report.ts";
import { BASES, type Base, openStudyAnew, pay, SHIPPED } from "./study.ts";

const SEEDS = 2;
const ATTEMPTS = [CONTROL, ...COPIES_ANEW, piecesName(64), SAID_AGAIN, RANDOM_CHARACTERS];

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
    const names = attackers.map((c) => llama.contributors[c]!.name);
    const ratios: Record<string, Record<string, number[]>> = {};
    const tick = progress("attacks, all anew", SEEDS * attackers.length * ATTEMPTS.length);
    let done = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const before = await shares(seed === 0 ? "full" : `full-${seed}`, llama.rows, llama.owners, seed);
      for (const c of attackers)
        for (const name of ATTEMPTS) {
          const { texts, owners } = await tried(llama, name, c, seed);
          const after = await shares(keptAnew(name, c, seed), texts, owners, seed);
          const line = (ratios[name] ??= {});
          for (const [b, by] of bases.entries()) (line[`base by ${by}`] ??= []).push(after[b]![c]! / before[b]![c]!);
          tick(++done);
          const runs = mapped(ratios, (line) => Object.values(line)[0]!.length);
          if (json) writeResult("anew", { attackers: names, kappa0: 0.5, runs, table: ranges(ratios) });
        }
    }
    console.log(JSON.stringify(ranges(ratios), null, 1));
  } finally {
    await llama.pool.close();
  }
}
