/**
 * Attacks with rows where everything is made anew from what is tried: adapter, answers, basis and weights. Several
 * fine-tunings of each, two attackers.
 */
import { rowHash } from "../../sdk/rows.ts";
import { findLeaders, SAME } from "../../trainer/attribution/duplicates.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { fitSketch, project, whitened } from "../../trainer/attribution/sketch.ts";
import { loraLayout } from "../../trainer/lora.ts";
import { attackersOf, CONTROL, COPIES, copiesName, piecesName, RANDOM_CHARACTERS, rowsOfAttempt } from "./attempts.ts";
import { rowsWhere } from "./linear.ts";
import { TinyLlama } from "./llama.ts";
import { mapped, progress, ranges, writeResult } from "./report.ts";
import { BASES, type Base, openStudyAnew, pay, SHIPPED } from "./study.ts";

const SEEDS = 2;
const COPIED = [copiesName(0.03), copiesName(0.1)];
const ATTEMPTS = [CONTROL, ...COPIED, copiesName(0.2), piecesName(64), RANDOM_CHARACTERS];
/** Cosines from which rows are alike: as shipped, and lower. */
const LIMITS = [SAME, 0.5];

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
    const copies: Record<string, unknown> = {};
    for (const name of COPIED) copies[name] = await copiesThatCount(llama, name, attackers[0]!);
    console.log(JSON.stringify(copies, null, 1));
    const ratios: Record<string, Record<string, number[]>> = {};
    const tick = progress("attacks, all anew", SEEDS * attackers.length * ATTEMPTS.length);
    let done = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const before = await shares(seed === 0 ? "full" : `full-${seed}`, llama.rows, llama.owners, seed);
      for (const c of attackers)
        for (const name of ATTEMPTS) {
          const { kept, texts, owners } = tried(llama, name, c, seed);
          const after = await shares(kept, texts, owners, seed);
          const line = (ratios[name] ??= {});
          for (const [b, by] of bases.entries()) (line[`base by ${by}`] ??= []).push(after[b]![c]! / before[b]![c]!);
          tick(++done);
          const runs = mapped(ratios, (line) => Object.values(line)[0]!.length);
          if (json)
            writeResult("anew", {
              attackers: names,
              kappa0: 0.5,
              copiesThatCount: copies,
              runs,
              table: ranges(ratios),
            });
        }
    }
    console.log(JSON.stringify(ranges(ratios), null, 1));
  } finally {
    await llama.pool.close();
  }
}

/** All rows where somebody tries something, and what the cache keeps of it under. */
function tried(llama: TinyLlama, name: string, c: number, seed: number) {
  const others = llama.owners.map((owner) => owner !== c);
  const own = rowsOfAttempt(llama, name, c, seed);
  return {
    kept: `anew-${name.replaceAll(/\W+/g, "-")}-${c}-${seed}`,
    texts: [...llama.rows.filter((_, i) => others[i]), ...own],
    owners: [...llama.owners.filter((_, i) => others[i]), ...own.map(() => c)],
  };
}

/** How many noisy copies pass for rows of their own at the adapter that learned them, by what the basis is fitted on. */
async function copiesThatCount(llama: TinyLlama, name: string, c: number) {
  const { kept, texts } = tried(llama, name, c, 0);
  const adapter = await llama.tuned(kept, texts, 100);
  const examples = texts.map((text) => llama.example(text));
  const rows = await exampleGradients(llama.pool, adapter, examples, 1);
  const copies = COPIES * llama.contributors[c]!.rows.length;
  const counts: Record<string, number> = { copies };
  for (const [label, fitted] of Object.entries({
    "all rows": rows.shape[0],
    "rows without copies": rows.shape[0] - copies,
  })) {
    const { basis } = await fitSketch(
      llama.pool,
      rowsWhere(rows, (i) => i < fitted),
      matrixSpans(loraLayout(llama.pool.base.config, llama.preset)),
    );
    const sketches = whitened(await project(llama.pool, basis, rows), basis.eigenvalues);
    for (const limit of LIMITS) {
      const leaders = await findLeaders(llama.pool, sketches, texts.map(rowHash), limit);
      const leading = (i: number) => leaders[i] === i;
      const last = [...texts.keys()].slice(-copies);
      counts[`basis of ${label}, cosine ${limit}`] = last.filter(leading).length;
    }
  }
  return counts;
}
