import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { LocalModel } from "./adapters.ts";
import type { Meter } from "./meter.ts";

export type Served = LocalModel & { meter: Meter };

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
   * By ModelNFT id or by adapter hash.
   * @throws OpenLedgerError `MODEL_UNKNOWN`
   */
  find(id: string | undefined): Served {
    const model = this.list().find(({ modelId, manifest }) => id === String(modelId) || id === manifest.adapter.hash);
    if (model === undefined)
      throw new OpenLedgerError("MODEL_UNKNOWN", `There is no model ${id} here. GET /v1/models lists those there are.`);
    return model;
  }

  /** Serves a model from now on; one that is served already stays as it is. */
  add(modelId: bigint): Promise<Served> {
    const known = this.#opening.get(modelId);
    if (known) return known;
    const opening = this.#open(modelId).then((served) => {
      this.#remember(modelId);
      this.#served.set(modelId, served);
      return served;
    });
    this.#opening.set(modelId, opening);
    opening.catch(() => this.#opening.delete(modelId)); // so that it can be tried again
    return opening;
  }

  #remember(modelId: bigint): void {
    if (this.#remembered.has(String(modelId))) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.partial`, JSON.stringify([...this.#remembered, String(modelId)]));
    renameSync(`${this.#path}.partial`, this.#path);
    this.#remembered.add(String(modelId));
  }
}
