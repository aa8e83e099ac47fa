import type { Model } from "./base.ts";
import { type Adapter, loraLayout } from "./lora.ts";

/**
 * The model that base and adapter are together: W + (alpha / rank)·B·A in the place of each adapted W, as PEFT's
 * `merge_and_unload`. Weights that the adapter leaves alone are the base's own, not copies.
 */
export function mergeAdapter(base: Model, { lora, params }: Adapter): Model {
  const { rank, alpha } = lora;
  const weights = new Map(base.weights);
  for (const { name, in: input, out, offset } of loraLayout(base.config, lora).modules) {
    const { shape, data } = base.weights.get(`${name}.weight`)!;
    const b = params.subarray(offset + rank * input, offset + rank * (input + out));
    const merged = new Float32Array(data);
    const row = new Float64Array(input); // rounded once, after the last addend
    for (let o = 0; o < out; o++) {
      row.set(data.subarray(o * input, (o + 1) * input));
      for (let r = 0; r < rank; r++) {
        const factor = (alpha / rank) * b[o * rank + r]!;
        const a = offset + r * input;
        for (let i = 0; i < input; i++) row[i]! += factor * params[a + i]!;
      }
      merged.set(row, o * input);
    }
    weights.set(`${name}.weight`, { shape, data: merged });
  }
  return { ...base, weights };
}
