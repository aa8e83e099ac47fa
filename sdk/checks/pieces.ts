import type { Hash, Tokens } from "./tokens.ts";

/** Of a known row, a piece is kept every so many tokens; of a new one, all are looked up. */
const STEP = 4;

/** Pieces of rows, of which another row may be made up wherever it was cut. */
export class Pieces {
  readonly #length: number;
  readonly #hash: Hash;
  readonly #known = new Map<number, number>();

  /** @param length Tokens of a piece. */
  constructor(length: number, hash: Hash) {
    this.#length = length;
    this.#hash = hash;
  }

  /** Which part of a row's tokens stands in pieces of known rows, and in which of them most of it. */
  covered(tokens: Tokens): { id: number; share: number } | undefined {
    const size = tokens.hashes.length;
    const rows = new Map<number, number>();
    let [covered, end] = [0, 0];
    for (let from = 0; from + this.#length <= size; from++) {
      const id = this.#known.get(this.#hash(tokens, from, from + this.#length));
      if (id === undefined) continue;
      const fresh = from + this.#length - Math.max(from, end);
      end = from + this.#length;
      covered += fresh;
      rows.set(id, (rows.get(id) ?? 0) + fresh);
    }
    const [most] = [...rows].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return most && { id: most[0], share: covered / size };
  }

  add(id: number, tokens: Tokens): void {
    const last = tokens.hashes.length - this.#length;
    for (let from = 0; from <= last; from += STEP) this.#keep(id, tokens, from);
    if (last > 0) this.#keep(id, tokens, last);
  }

  #keep(id: number, tokens: Tokens, from: number): void {
    const key = this.#hash(tokens, from, from + this.#length);
    if (!this.#known.has(key)) this.#known.set(key, id);
  }
}
