import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { Sketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import { type PackedTensor, packTensor, type WeightFormat } from "../trainer/packed.ts";
import { Pool } from "../trainer/pool.ts";
import { fetchSketches, type Release } from "./adapters.ts";
import { kept } from "./kept.ts";
import type { Completion } from "./meter.ts";

/** Sketches served calls in threads of its own, which start with the first of a weight format and stay. */
export class Sketcher {
  readonly #base: Base;
  readonly #store: Content;
  readonly #folder: string;
  readonly #sketches = new Map<string, Promise<Sketches>>();
  readonly #pools = new Map<WeightFormat, Promise<Pool>>();

  /** @param folder Takes the models' sketches from the content store. */
  constructor(base: Base, store: Content, folder: string) {
    this.#base = base;
    this.#store = store;
    this.#folder = folder;
  }

  /** By the sketch that the release committed to. */
  async sketch(release: Release, calls: Completion[]): Promise<Int8Array[]> {
    if (calls.length === 0) return [];
    const name = `${release.modelId}-${release.number}`;
    const sketches = await kept(this.#sketches, name, () =>
      fetchSketches(this.#store, release.manifest, join(this.#folder, name)),
    );
    const { weightFormat = "f32" } = sketches;
    const pool = await kept(this.#pools, weightFormat, () => Pool.start(this.#baseAs(weightFormat)));
    return sketchQueries(pool, release.adapter, sketches, calls);
  }

  async close(): Promise<void> {
    for (const pool of this.#pools.values()) await (await pool).close();
  }

  #baseAs(format: WeightFormat): Base<PackedTensor> {
    if (format === "f32") return this.#base;
    const weights = [...this.#base.weights].map(([name, tensor]) => [name, packTensor(name, tensor, format)] as const);
    return { ...this.#base, weights: new Map(weights) };
  }
}
