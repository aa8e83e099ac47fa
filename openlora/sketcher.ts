import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { ModelManifest } from "../sdk/models.ts";
import type { Sketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import { Pool } from "../trainer/pool.ts";
import { fetchSketches, type LocalModel } from "./adapters.ts";
import type { Completion } from "./meter.ts";

/** Sketches served calls in threads of its own, which start with the first and stay. */
export class Sketcher {
  readonly #base: Base;
  readonly #store: Content;
  readonly #folder: string;
  readonly #sketches = new Map<bigint, Promise<Sketches>>();
  #pool: Promise<Pool> | undefined;

  /** @param folder Takes the models' sketches from the content store. */
  constructor(base: Base, store: Content, folder: string) {
    this.#base = base;
    this.#store = store;
    this.#folder = folder;
  }

  /** By the sketch that the model committed to. */
  async sketch({ modelId, manifest, adapter }: LocalModel, calls: Completion[]): Promise<Int8Array[]> {
    if (calls.length === 0) return [];
    const sketches = await this.#sketchesOf(modelId, manifest);
    this.#pool ??= Pool.start(this.#base).catch((error) => {
      this.#pool = undefined; // so that the next call tries again
      throw error;
    });
    return sketchQueries(await this.#pool, adapter, sketches, calls);
  }

  /** Fetched once: what a model committed to does not change while it is served. */
  #sketchesOf(modelId: bigint, manifest: ModelManifest): Promise<Sketches> {
    const known = this.#sketches.get(modelId);
    if (known) return known;
    const sketches = fetchSketches(this.#store, manifest, join(this.#folder, String(modelId)));
    this.#sketches.set(modelId, sketches);
    sketches.catch(() => this.#sketches.delete(modelId)); // so that the next call tries again
    return sketches;
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}
