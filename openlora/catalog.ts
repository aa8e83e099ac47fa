import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";
import { kept } from "./kept.ts";
import type { Meter } from "./meter.ts";
import type { Releases } from "./releases.ts";

export type Served = { modelId: bigint; meter: Meter; releases: Releases };

/** The models that a server serves, remembered over restarts. */
export class Catalog {
  readonly #path: string;
  readonly #open: (modelId: bigint) => Promise<Served>;
  readonly #served = new Map<bigint, Served>();
  readonly #opening = new Map<bigint, Promise<Served>>();
  readonly #remembered: Set<string>;

  /**
   * @param path File with the ids of the models, as JSON.
   * @param open Makes a model ready to be served.
   */
  constructor(path: string, open: (modelId: bigint) => Promise<Served>) {
    this.#path = path;
    this.#open = open;
    this.#remembered = new Set(existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as string[]) : []);
  }

  /** Ids of the models of earlier runs and of this one. */
  get remembered(): bigint[] {
    return [...this.#remembered].map(BigInt);
  }

  list(): Served[] {
    return [...this.#served.values()];
  }

  /**
   * By ModelNFT id, or by the hash of the adapter that serves now.
   * @throws OpenLedgerError `MODEL_UNKNOWN`
   */
  find(id: string | undefined): Served {
    const model = this.list().find(
      ({ modelId, releases }) => id === String(modelId) || id === releases.current.manifest.adapter.hash,
    );
    if (model === undefined)
      throw new OpenLedgerError("MODEL_UNKNOWN", `There is no model ${id} here. GET /v1/models lists those there are.`);
    return model;
  }

  /** Serves a model from now on; one that is served already stays as it is. */
  add(modelId: bigint): Promise<Served> {
    return kept(this.#opening, modelId, async () => {
      const served = await this.#open(modelId);
      this.#remember(modelId);
      this.#served.set(modelId, served);
      return served;
    });
  }

  #remember(modelId: bigint): void {
    if (this.#remembered.has(String(modelId))) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.partial`, JSON.stringify([...this.#remembered, String(modelId)]));
    renameSync(`${this.#path}.partial`, this.#path);
    this.#remembered.add(String(modelId));
  }
}
