/** Letters of a piece that is not written twice by chance; of one by which rows that may have a text in common are found; and of one that they have in common then. */
const [LONG, MIDDLE, SHORT] = [24, 8, 6];
/** A row's pieces are kept from every so many letters on, and its last one; another row's are looked up from each letter on. */
const STEP = 4;
/** Earlier rows that a row may be made from: those that had most of its pieces first. */
const SOURCES = 3;
/** It is made from one if this share of it stands there. */
const MADE = 0.5;
/** Slots of a table at first, a power of two. */
const FIRST_SLOTS = 1024;

/** What a row says, and how much of it was not said before, in letters and digits. */
export interface NewText {
  letters: number;
  fresh: number;
}

/** How much of it is new, in words. */
export const percentNew = ({ letters, fresh }: NewText): string => `${Math.round((100 * fresh) / letters || 0)} %`;

/**
 * What rows have said so far. Letters and digits alone are compared and counted: in Unicode's form NFKC, in lower case, in UTF-16
 * units. One of a row was said before if it lies
 * - in a piece of 24 that stands in an earlier row, or further in front in this one, or
 * - in a piece of 6 of an earlier row, if half of the row or more lies in such of that one, which is among the three that
 *   had most of the row's pieces of 8 first.
 */
export class Said {
  readonly #rows: string[] = [];
  readonly #long = new Pieces(LONG);
  readonly #middle = new Pieces(MIDDLE);

  /** The next row; tells what of it is new. */
  add(text: string): NewText {
    const known = this.mark(lettersOf(text));
    return { letters: known.length, fresh: known.length - ones(known) };
  }

  /** The same of a row given by its letters: 1 for each that was said before. */
  mark(letters: string): Uint8Array {
    const [long, middle] = [this.#long, this.#middle];
    const row = this.#rows.length;
    const known = new Uint8Array(letters.length);
    for (let at = 0; at <= long.last(letters); at++) {
      if (at >= LONG && at % STEP === 0) long.keep(row, letters, at - LONG);
      if (long.holder(letters, at) !== undefined) known.fill(1, at, at + LONG);
    }
    for (const source of middle.holders(letters).slice(0, SOURCES)) {
      const standing = standingIn(letters, this.#rows[source]!);
      if (ones(standing) >= MADE * letters.length)
        standing.forEach((one, at) => {
          known[at]! |= one;
        });
    }
    for (const pieces of [long, middle]) pieces.keepAll(row, letters);
    this.#rows.push(letters);
    return known;
  }
}

/** What is new in each of these rows, held against those before it. */
export function newText(rows: readonly string[]): NewText[] {
  const said = new Said();
  return rows.map((text) => said.add(text));
}

/**
 * Pieces of rows, and which row had each first. A row that is shorter is a piece as a whole. They are many: each is kept as 64 bits
 * of a hash, in tables that grow and hold no objects.
 */
class Pieces {
  readonly #length: number;
  #hashes = new Uint32Array(2 * FIRST_SLOTS);
  /** In each slot the row, counted from 1; 0 where it is free. */
  #rows = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Where the last piece begins. */
  last(letters: string): number {
    return Math.max(0, letters.length - this.#length);
  }

  keep(row: number, letters: string, at: number): void {
    const { first, second } = hashOf(letters, at, at + this.#length);
    const slot = this.#slot(first, second);
    if (this.#rows[slot] !== 0) return;
    this.#put(slot, first, second, row + 1);
    if (2 * ++this.#count > this.#rows.length) this.#grow();
  }

  keepAll(row: number, letters: string): void {
    const last = this.last(letters);
    for (let at = 0; at < last; at += STEP) this.keep(row, letters, at);
    this.keep(row, letters, last);
  }

  holder(letters: string, at: number): number | undefined {
    const { first, second } = hashOf(letters, at, at + this.#length);
    const row = this.#rows[this.#slot(first, second)]!;
    return row === 0 ? undefined : row - 1;
  }

  /** The rows that had some of these pieces first: by how many, then the earliest. */
  holders(letters: string): number[] {
    const counts = new Map<number, number>();
    for (let at = 0; at <= this.last(letters); at++) {
      const row = this.holder(letters, at);
      if (row !== undefined) counts.set(row, (counts.get(row) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([row]) => row);
  }

  /** Where a hash stands, or the free slot where it would. */
  #slot(first: number, second: number): number {
    const last = this.#rows.length - 1;
    let slot = first & last;
    while (this.#rows[slot] !== 0 && (this.#hashes[2 * slot] !== first || this.#hashes[2 * slot + 1] !== second))
      slot = (slot + 1) & last;
    return slot;
  }

  #put(slot: number, first: number, second: number, row: number): void {
    this.#hashes[2 * slot] = first;
    this.#hashes[2 * slot + 1] = second;
    this.#rows[slot] = row;
  }

  #grow(): void {
    const [hashes, rows] = [this.#hashes, this.#rows];
    this.#hashes = new Uint32Array(2 * hashes.length);
    this.#rows = new Uint32Array(2 * rows.length);
    rows.forEach((row, n) => {
      const [first, second] = [hashes[2 * n]!, hashes[2 * n + 1]!];
      if (row !== 0) this.#put(this.#slot(first, second), first, second, row);
    });
  }
}
/**
 * 64 bits of what stands at from..to−1, mixed as in MurmurHash3. Whoever makes pieces collide with what others are going to say makes
 * that count as said, which he could by saying it.
 */
function hashOf(text: string, from: number, to: number): { first: number; second: number } {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = from; at < Math.min(to, text.length); at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return { first: a >>> 0, second: b >>> 0 };
}

/** What of a text is compared and counted. */
export const lettersOf = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");

/** 1 for each letter in a short piece that the other text has, too. */
function standingIn(letters: string, other: string): Uint8Array {
  const pieces = new Set<string>();
  for (let at = 0; at + SHORT <= other.length; at++) pieces.add(other.slice(at, at + SHORT));
  const standing = new Uint8Array(letters.length);
  for (let at = 0; at + SHORT <= letters.length; at++)
    if (pieces.has(letters.slice(at, at + SHORT))) standing.fill(1, at, at + SHORT);
  return standing;
}

const ones = (marks: Uint8Array): number => marks.reduce((sum, mark) => sum + mark, 0);
