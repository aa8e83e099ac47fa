import { lettersOf, type NewText, Said } from "../../sdk/new-text.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import type { TinyLlama } from "./llama.ts";

/**
 * What is new in each row and likely: letters of tokens that the adapter, which has learned the rows, finds no less likely than a
 * blind guess. Noise and random characters mostly are not.
 */
export async function likelyNew({ pool }: TinyLlama, adapter: Adapter, texts: readonly string[]): Promise<NewText[]> {
  const { tokenizer, config, weights } = pool.base;
  const engine = new OnnxEngine(config, weights);
  const chance = Math.log(config.vocabSize);
  const said = new Said();
  const out: NewText[] = [];
  for (const text of texts) {
    const known = said.mark(text);
    const ids = [tokenizer.bos, ...tokenizer.encode(text)].slice(0, config.context + 1);
    const logits = ids.length > 1 ? await engine.logits(adapter, ids.slice(0, -1)) : new Float32Array();
    let [at, fresh] = [0, 0];
    for (const [t, id] of ids.slice(1).entries()) {
      const end = at + lettersOf(tokenizer.decode([id])).length;
      const own = logits.subarray(t * config.vocabSize, (t + 1) * config.vocabSize);
      if (lossOf(own, id) <= chance) fresh += known.subarray(at, end).filter((one) => one === 0).length;
      at = end;
    }
    out.push({ letters: known.length, fresh });
  }
  await engine.dispose();
  return out;
}

/** Rows at least half of which was said before, if less than half of what is new in them is likely. */
export const madeByNoise = (said: readonly NewText[], likely: readonly NewText[]): boolean[] =>
  said.map(({ letters, fresh }, i) => 2 * fresh <= letters && 2 * likely[i]!.fresh < fresh);

/** So many times what counts of each row, at most the row. */
export const timesFresh = (of: readonly NewText[], times: number): number[] =>
  of.map(({ letters, fresh }) => Math.min(times * fresh, letters));

/** −log softmax(logits)[id] */
function lossOf(logits: Float32Array, id: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b));
  return most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) - logits[id]!;
}
