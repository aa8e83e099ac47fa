import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { downloadBase } from "../../trainer/hub.ts";
import { apart } from "./apart.ts";

/** A base model on this machine. */
export type Base = {
  id: string;
  name: string;
  hash: string;
  parameters: number;
  /** Tokens. */
  context: number;
  folder: string;
};

/** A download under way, in bytes. */
export type Download = { source: string; received: number; total: number };

const TINY = new URL("../../models/tiny-llama", import.meta.url).pathname;

/** The bases that models can be made on: the tiny one, and what people add. */
export class Bases {
  readonly #file: string;
  readonly #cache: string;
  readonly #bases: Base[];
  readonly #adding = new Map<string, Promise<Base>>();
  readonly #downloads = new Map<string, Download>();

  private constructor(folder: string, bases: Base[]) {
    this.#file = join(folder, "bases.json");
    this.#cache = join(folder, "hub");
    this.#bases = bases;
  }

  /** @param folder Keeps the list and what is downloaded. */
  static async open(folder: string): Promise<Bases> {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "bases.json");
    const known: Base[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
    const bases = new Bases(
      folder,
      known.filter((base) => existsSync(base.folder)),
    );
    if (!bases.#bases.some(({ folder: one }) => one === TINY)) await bases.#read(TINY, "tiny-llama");
    return bases;
  }

  list(): Base[] {
    return this.#bases;
  }

  downloads(): Download[] {
    return [...this.#downloads.values()];
  }

  /** @throws OpenLedgerError `BASE_UNKNOWN` */
  get(id: string): Base {
    return this.#find((base) => base.id === id, `base ${id}`);
  }

  /** @throws OpenLedgerError `BASE_UNKNOWN` */
  byHash(hash: string): Base {
    return this.#find((base) => base.hash === hash, `base with hash ${hash}`);
  }

  /**
   * Adds a local Hugging Face folder, or a model of the hub by its id. Asked for the same twice at once, it works once.
   * @throws OpenLedgerError `TRAINER_…`, `GGUF_UNSUPPORTED`, `HUB_…`
   */
  add(source: string): Promise<Base> {
    const adding = this.#adding.get(source) ?? this.#add(source).finally(() => this.#adding.delete(source));
    this.#adding.set(source, adding);
    return adding;
  }

  async #add(source: string): Promise<Base> {
    if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) return this.#read(resolve(source), undefined);
    try {
      const folder = await downloadBase(source, this.#cache, {
        onProgress: (received, total) => this.#downloads.set(source, { source, received, total }),
      });
      return await this.#read(folder, source);
    } finally {
      this.#downloads.delete(source);
    }
  }

  /** @param id Its name in the hub; a folder's last part where there is none. */
  async #read(folder: string, id: string | undefined): Promise<Base> {
    const read = await apart<Omit<Base, "id" | "folder">>(new URL("./base-child.ts", import.meta.url), { folder });
    const known = this.#bases.find(({ hash }) => hash === read.hash);
    if (known) return known;
    const base = { ...read, id: this.#freeId(id ?? read.name), folder };
    this.#bases.push(base);
    writeFileSync(`${this.#file}.partial`, JSON.stringify(this.#bases));
    renameSync(`${this.#file}.partial`, this.#file);
    return base;
  }

  #freeId(id: string, n = 1): string {
    const candidate = n === 1 ? id : `${id}-${n}`;
    return this.#bases.some((base) => base.id === candidate) ? this.#freeId(id, n + 1) : candidate;
  }

  #find(matches: (base: Base) => boolean, what: string): Base {
    const base = this.#bases.find(matches);
    if (base === undefined)
      throw new OpenLedgerError("BASE_UNKNOWN", `There is no ${what} here. GET /api/stack lists those there are.`);
    return base;
  }
}
