import type { Example } from "../../trainer/examples.ts";
import type { TinyLlama } from "./llama.ts";
import { progress } from "./report.ts";
import { mean } from "./statistics.ts";

/** For each seed, losses of the model trained on all, then of those without each contributor. */
export async function leftOutLosses(llama: TinyLlama, targets: readonly Example[], seeds: number) {
  const tick = progress("fine-tuning without each contributor", seeds * (llama.contributors.length + 1));
  const all: Float32Array[][] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const lines: Float32Array[] = [];
    for (let out = -1; out < llama.contributors.length; out++) {
      const name = `without-${out}-${seed}`;
      const measured = async () => {
        const present = llama.contributors.map((_, c) => c !== out);
        return [await llama.losses(await llama.tunedOn(name, present, 600 + seed), targets)];
      };
      lines.push((await llama.cached(`losses-${name}`, measured))[0]!);
      tick(seed * (llama.contributors.length + 1) + out + 2);
    }
    all.push(lines);
  }
  return all;
}

/** By how much the mean loss grows without each contributor. */
export function leftOutEffects([whole, ...without]: readonly Float32Array[], targets: readonly number[]): number[] {
  const over = (losses: Float32Array) => mean(targets.map((t) => losses[t]!));
  return without.map((losses) => over(losses) - over(whole!));
}

/** Entry by entry. */
export const meanOf = (lines: readonly number[][]): number[] =>
  lines[0]!.map((_, c) => mean(lines.map((line) => line[c]!)));
