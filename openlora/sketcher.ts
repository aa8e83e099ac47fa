import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import { loadSketches, type Sketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import { Pool } from "../trainer/pool.ts";
import type { Release } from "./adapters.ts";
import { kept } from "./kept.ts";
import type { Completion } from "./meter.ts";

/** Sketches served calls in threads of its own, which start with the first and stay. */
export class Sketcher {
  readonly #base: Base;
  readonly #store: Content;
  readonly #folder: string;
  readonly #sketches = new Map<string, Promise<Sketches>>();
  #pool: Promise<Pool> | undefined;

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
    const sketches = await kept(this.#sketches, name, () => this.#fetch(name, release));
    this.#pool ??= Pool.start(this.#base).catch((error) => {
      this.#pool = undefined; // so that the next call tries again
      throw error;
    });
    return sketchQueries(await this.#pool, release.adapter, sketches, calls);
  }

  async #fetch(name: string, { manifest }: Release): Promise<Sketches> {
    const { rows, basis, description } = manifest.sketches;
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    for (const [file, id] of Object.entries({ "rows.int8": rows, "basis.f32": basis, "sketches.json": description }))
      writeFileSync(join(folder, file), await this.#store.get(id));
    return loadSketches(folder);
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}
