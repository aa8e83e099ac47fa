import type { Matrix } from "../engine.ts";
import { bucketByLength, type Example } from "../examples.ts";
import { type Adapter, loraLayout } from "../lora.ts";
import type { Pool } from "../pool.ts";
import { type GradientRows, heldGradients } from "./gradient-rows.ts";

/** Examples of one gradient task; fixed, so that results do not depend on the number of threads. */
export const TASK_EXAMPLES = 8;

/**
 * Gradient of each example's mean token loss with respect to the adapter, [examples, P], P in the adapter's flat
 * layout (see LoraModule). An example without scored tokens has gradient 0.
 * @param alpha where the gradient is taken on the way from base (0) to adapter (1)
 */
export async function exampleGradients(
  pool: Pool,
  adapter: Adapter,
  examples: readonly Example[],
  alpha: number,
): Promise<Matrix> {
  const width = loraLayout(pool.base.config, adapter.lora).size;
  const matrix: Matrix = { data: new Float32Array(examples.length * width), shape: [examples.length, width] };
  await storeGradients(pool, adapter, examples, alpha, heldGradients(matrix));
  return matrix;
}

/** The same, each put where it belongs as soon as it is there; those that are there are not computed again. */
export async function storeGradients(
  pool: Pool,
  adapter: Adapter,
  examples: readonly Example[],
  alpha: number,
  to: GradientRows,
  onProgress?: (done: number) => void,
): Promise<void> {
  const [, width] = to.shape;
  let done = 0;
  const groups = bucketByLength(examples, TASK_EXAMPLES).map(async (group) => {
    if (group.every((row) => to.has(row))) {
      onProgress?.((done += group.length));
      return;
    }
    const batch = group.map((i) => examples[i]!);
    const { gradients } = await pool.run("gradients", { adapter, examples: batch, alpha, reduce: "none" });
    group.forEach((row, n) => {
      to.set(row, gradients.subarray(n * width, (n + 1) * width));
    });
    onProgress?.((done += group.length));
  });
  await Promise.all(groups);
}
