import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import { loadSketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import { Pool } from "../trainer/pool.ts";
import type { LocalModel } from "./adapters.ts";
import type { Completion } from "./meter.ts";

/** Sketches served calls in threads of its own, which start with the first and stay. */
export class Sketcher {
  readonly #base: Base;
  readonly #store: Content;
  readonly #folder: string;
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
    const folder = join(this.#folder, String(modelId));
    mkdirSync(folder, { recursive: true });
    const { rows, basis, description } = manifest.sketches;
    for (const [name, id] of Object.entries({ "rows.int8": rows, "basis.f32": basis, "sketches.json": description }))
      writeFileSync(join(folder, name), await this.#store.get(id));
    this.#pool ??= Pool.start(this.#base).catch((error) => {
      this.#pool = undefined; // so that the next call tries again
      throw error;
    });
    return sketchQueries(await this.#pool, adapter, loadSketches(folder), calls);
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}
