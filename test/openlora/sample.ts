import { join } from "node:path";
import type { Content } from "../../sdk/content.ts";
import type { ModelManifest } from "../../sdk/models.ts";
import type { Base } from "../../trainer/base.ts";
import { publishModel } from "../../trainer/publish.ts";
import { K } from "../support/world.ts";
import { someAdapter } from "../trainer/tiny.ts";

export const SAMPLE_SPLIT = { data: 5000, owner: 1500, server: 2000, operator: 1000, protocol: 500 };

/** Publishes an adapter that was not trained, and the manifest to mint it by. */
export async function publishSample(
  folder: string,
  store: Content,
  base: Base,
  rank: number,
  datanetId: bigint,
): Promise<ModelManifest> {
  const basis = { data: new Float32Array(K), shape: [1, K] as [number, number] };
  const sketches = {
    rows: new Int8Array(10 * K),
    count: 10,
    k: K,
    basis: { basis, k: K, eigenvalues: [], energyKept: 1 },
    weights: Array<number>(10).fill(1),
    leaders: [...Array(10).keys()],
    novelties: Array.from({ length: 10 }, () => ({ letters: 9, own: 9, fresh: 9, surprisal: 1 })),
    m0: 1,
    alpha: 1,
    modules: [],
  };
  const adapter = someAdapter(base, ["q_proj", "v_proj"], rank);
  return {
    name: `rank ${rank}`,
    ...(await publishModel(join(folder, `rank ${rank}`), store, base, adapter, sketches)),
    versions: [{ datanetId: String(datanetId), version: "1" }],
    training: {},
  };
}
