import type { Matrix } from "../../trainer/engine.ts";
import type { Example } from "../../trainer/examples.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import type { Pool } from "../../trainer/pool.ts";
import { unitRows } from "./linear.ts";
import { cached } from "./report.ts";

/**
 * Texts as the model sees them: next-token logits, mean over positions, about their mean over the first `rows`, of unit length. Kept under
 * the name.
 */
export async function representations(
  name: string,
  { base }: Pool,
  adapter: Adapter,
  examples: readonly Example[],
  rows: number,
): Promise<Matrix> {
  const [vectors] = await cached(name, async () => {
    const engine = new OnnxEngine(base.config, base.weights);
    const out = new Float32Array(examples.length * base.config.vocabSize);
    for (const [n, { ids }] of examples.entries())
      out.set(await meanLogits(engine, adapter, ids), n * base.config.vocabSize);
    await engine.dispose();
    return [out];
  });
  const width = base.config.vocabSize;
  const centre = new Float64Array(width);
  for (let i = 0; i < rows * width; i++) centre[i % width]! += vectors![i]! / rows;
  return unitRows({ data: vectors!.map((value, i) => value - centre[i % width]!), shape: [examples.length, width] });
}

async function meanLogits(engine: OnnxEngine, adapter: Adapter, ids: Int32Array): Promise<Float32Array> {
  const logits = await engine.logits(adapter, [...ids]);
  const width = logits.length / ids.length;
  const out = new Float32Array(width);
  for (let i = 0; i < logits.length; i++) out[i % width]! += logits[i]! / ids.length;
  return out;
}
