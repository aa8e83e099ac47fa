import { sharedInOrder } from "./in-order.ts";
import { Pieces } from "./pieces.ts";
import { SimilarSets, type Sketched, sketched } from "./similar-sets.ts";
import { exactHash, mix, shapeHash, type Tokenised, type Tokens, tokenise } from "./tokens.ts";

/** How a row comes from another: as it is, with small changes or cut elsewhere, or with its names changed or lines moved. */
export type CopyKind = "copy" | "near-copy" | "renamed-copy";

export interface Copy {
  kind: CopyKind;
  /** The row it is most like, by its number in the order of adding, from 0. */
  of: number;
  /** Share of it that stands there. */
  share: number;
}

/** Fewer tokens, or fewer of code, are alike by chance: they are not compared but for being the same. */
const LEAST_TOKENS = 24;
/** Neighbouring tokens that are compared together. */
const SHINGLE = 3;
/**
 * Shares from which on a row is a copy: of common shingles or lines in those of either row, of tokens that stand in one row in the same
 * order, of tokens in pieces of any rows.
 * These and the sizes around them were chosen by bench/checks.ts: docs/data-checks.md.
 */
const ALIKE = { text: 0.5, order: 0.7, lines: 0.5, pieces: 0.6 };
/** Tokens of a piece: names tell more than their places do. */
const PIECE = { text: 12, shape: 20 };
/** Lines of fewer tokens look like many others once their names are gone. */
const LEAST_LINE = 3;

/** What of a row is compared. Depends on its text alone. */
export interface Features {
  text: string;
  /** Of rows that are long enough. */
  noisy?: { tokens: Tokenised; shingles: Sketched; words: Sketched; lines: Sketched };
}

export function featuresOf(text: string): Features {
  const tokens = tokenise(text);
  if (tokens.text.hashes.length < LEAST_TOKENS) return { text };
  const lines = tokens.code.hashes.length < LEAST_TOKENS ? [] : lineShapes(tokens.code);
  const { hashes } = tokens.text;
  const [near, words] = [sketched(shingles(tokens.text)), sketched(numbered(hashes))];
  return { text, noisy: { tokens, shingles: near, words, lines: sketched(lines) } };
}

/** Rows, of which another may be a copy. */
export class Copies {
  readonly #exact = new Map<string, number>();
  /** Numbers of the rows that are compared by more than their text. */
  readonly #noisy: number[] = [];
  readonly #shingles = new SimilarSets();
  readonly #words = new SimilarSets();
  readonly #tokens: Uint32Array[] = [];
  readonly #lines = new SimilarSets();
  readonly #textPieces = new Pieces(PIECE.text, exactHash);
  readonly #shapePieces = new Pieces(PIECE.shape, shapeHash);
  #count = 0;

  add({ text, noisy }: Features): void {
    const row = this.#count++;
    if (this.#exact.has(text)) return;
    this.#exact.set(text, row);
    if (noisy === undefined) return;
    this.#noisy.push(row);
    this.#shingles.add(noisy.shingles);
    this.#words.add(noisy.words);
    this.#tokens.push(noisy.tokens.text.hashes);
    this.#lines.add(noisy.lines);
    this.#textPieces.add(row, noisy.tokens.text);
    this.#shapePieces.add(row, noisy.tokens.code);
  }

  /** What a row that is not added yet is a copy of, if it is one. */
  find({ text, noisy }: Features): Copy | undefined {
    const exact = this.#exact.get(text);
    if (exact !== undefined) return { kind: "copy", of: exact, share: 1 };
    if (noisy === undefined) return undefined;
    const { tokens, shingles, words, lines } = noisy;
    return (
      this.#alike("near-copy", this.#shingles.nearest(shingles), ALIKE.text) ??
      madeUp("near-copy", this.#textPieces.covered(tokens.text)) ??
      this.#alike("renamed-copy", this.#lines.nearest(lines), ALIKE.lines) ??
      madeUp(
        "renamed-copy",
        tokens.code.hashes.length < LEAST_TOKENS ? undefined : this.#shapePieces.covered(tokens.code),
      ) ??
      this.#alike("near-copy", this.#inOrder(tokens.text.hashes, words), ALIKE.order)
    );
  }

  /** The row with most words in common, and the share of both rows' tokens that stand in both in the same order. */
  #inOrder(own: Uint32Array, words: Sketched): { id: number; share: number } | undefined {
    const nearest = this.#words.nearest(words);
    if (nearest === undefined) return undefined;
    return { id: nearest.id, share: sharedInOrder(own, this.#tokens[nearest.id]!) };
  }

  #alike(kind: CopyKind, nearest: { id: number; share: number } | undefined, least: number): Copy | undefined {
    if (nearest === undefined || nearest.share < least) return undefined;
    return { kind, of: this.#noisy[nearest.id]!, share: nearest.share };
  }
}

function madeUp(kind: CopyKind, covered: { id: number; share: number } | undefined): Copy | undefined {
  return covered && covered.share >= ALIKE.pieces ? { kind, of: covered.id, share: covered.share } : undefined;
}

/** Every few neighbouring tokens: changing one token changes few of them. */
function shingles(tokens: Tokens): number[] {
  const last = tokens.hashes.length - SHINGLE;
  return Array.from({ length: last + 1 }, (_, from) => exactHash(tokens, from, from + SHINGLE));
}

/** In no order; equal ones are told apart by their number. */
function numbered(hashes: Iterable<number>): number[] {
  const seen = new Map<number, number>();
  return Array.from(hashes, (hash) => {
    const before = seen.get(hash) ?? 0;
    seen.set(hash, before + 1);
    return mix(hash, before) >>> 0;
  });
}

/** The lines without their names, numbered as tokens are; long ones weigh more. */
function lineShapes(tokens: Tokens): number[] {
  const lines = tokens.lines
    .slice(0, -1)
    .map((from, line) => [from, tokens.lines[line + 1]!] as const)
    .filter(([from, to]) => to - from >= LEAST_LINE);
  const shapes = numbered(lines.map(([from, to]) => shapeHash(tokens, from, to)));
  return lines.flatMap(([from, to], line) =>
    Array.from({ length: Math.ceil((to - from) / 4) }, (_, weight) => mix(shapes[line]!, weight) >>> 0),
  );
}
