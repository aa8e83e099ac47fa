/** Text without what a copier changes at no cost: white space, case, ornaments, characters that nobody sees, and (see shapeHash) names. */
export interface Tokens {
  /** Hash of each token. */
  hashes: Uint32Array;
  /** Of a name, how many tokens before it the same name stood, 0 for nowhere; −1 for a token that no renaming changes. */
  back: Int16Array;
  /** Where each line begins, then the number of tokens. */
  lines: number[];
}

/** A row's tokens, all of them and those of its lines of code. */
export interface Tokenised {
  text: Tokens;
  code: Tokens;
}

/** A word, a number, or a mark, however often repeated. */
const TOKEN = /[\p{L}_$][\p{L}\p{M}\p{N}_$]*|\p{N}[\p{L}\p{N}_]*|(\S)\1*/gu;
const WORD = /^[\p{L}_$]/u;
const MEANS = /[\p{L}\p{N}]/u;

/** Words of common languages that no renaming can change without changing the program, less those that are also used as names. */
const KEYWORDS = new Set(
  (
    "abstract address and anonymous as assembly assert async auto await bool boolean break byte bytes calldata case " +
    "catch char class const constant constructor continue contract def default defer del delete do double elif else " +
    "emit enum error event except export extends extern external fallback false final finally float fn for foreach " +
    "func function global go goto if immutable impl implements import in indexed instanceof int interface internal " +
    "is lambda let library mapping memory modifier mut namespace new not null of operator or override package pass " +
    "payable pragma private protected pub public pure readonly receive require return returns revert self sizeof " +
    "solidity static storage string struct super switch this throw throws trait true try type typedef typeof " +
    "unchecked undefined union unsafe unsigned using var view virtual void volatile where while with yield"
  ).split(" "),
);
const SIZED_TYPE = /^(u?int|bytes|float|[iuf])\d+$/;

/** A line with so many words in a row, keywords not counted, is prose, where nobody renames. */
const PROSE_WORDS = 3;

export function tokenise(text: string): Tokenised {
  const [all, code] = [new Collector(), new Collector()];
  const plain = text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .toLowerCase();
  for (const line of plain.split("\n")) {
    if (!MEANS.test(line)) continue; // brackets and ornaments, of which all files are full
    const tokens = line.match(TOKEN)!;
    const names = tokens.map((token) => WORD.test(token) && !KEYWORDS.has(token) && !SIZED_TYPE.test(token));
    all.line(tokens, names);
    if (!isProse(tokens, names)) code.line(tokens, names);
  }
  return { text: all.tokens(), code: code.tokens() };
}

class Collector {
  readonly #hashes: number[] = [];
  readonly #back: number[] = [];
  readonly #lines: number[] = [];
  readonly #places = new Map<string, number>();

  line(tokens: string[], names: boolean[]): void {
    this.#lines.push(this.#hashes.length);
    tokens.forEach((token, i) => {
      const place = this.#hashes.length;
      this.#back.push(names[i] ? place - (this.#places.get(token) ?? place) : -1);
      if (names[i]) this.#places.set(token, place);
      this.#hashes.push(hashOf(token));
    });
  }

  tokens(): Tokens {
    const lines = [...this.#lines, this.#hashes.length];
    return { hashes: Uint32Array.from(this.#hashes), back: Int16Array.from(this.#back), lines };
  }
}

function isProse(tokens: string[], names: boolean[]): boolean {
  let run = 0;
  return tokens.some((token, i) => {
    run = WORD.test(token) ? run + Number(names[i]) : 0;
    return run >= PROSE_WORDS;
  });
}

const START = 0x811c9dc5;

/** FNV-1a over UTF-16 units. */
function hashOf(token: string): number {
  let hash = START;
  for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Hash of a part of some tokens. */
export type Hash = (tokens: Tokens, from: number, to: number) => number;

/** Of the tokens as they are. */
export const exactHash: Hash = ({ hashes }, from, to) => {
  let hash = START;
  for (let i = from; i < to; i++) hash = mix(hash, hashes[i]!);
  return hash >>> 0;
};

/** Of the tokens with each name replaced by where in this part it stood before: consistent renaming does not change it. */
export const shapeHash: Hash = ({ hashes, back }, from, to) => {
  let hash = START;
  for (let i = from; i < to; i++) {
    const distance = back[i]!;
    hash = mix(hash, distance < 0 ? hashes[i]! : distance <= i - from ? distance : 0);
  }
  return hash >>> 0;
};

/** One more number into a hash. */
export function mix(hash: number, value: number): number {
  const h = Math.imul(hash ^ value, 0x9e3779b1);
  return Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ (h >>> 13);
}
