import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { Sketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import type { Base } from "../trainer/base.ts";
import { Pool } from "../trainer/pool.ts";
import { fetchSketches, type Release } from "./adapters.ts";
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
    const sketches = await kept(this.#sketches, name, () =>
      fetchSketches(this.#store, release.manifest, join(this.#folder, name)),
    );
    this.#pool ??= Pool.start(this.#base).catch((error) => {
      this.#pool = undefined; // so that the next call tries again
      throw error;
    });
    return sketchQueries(await this.#pool, release.adapter, sketches, calls);
  }

  async close(): Promise<void> {
    await (await this.#pool)?.close();
  }
}
