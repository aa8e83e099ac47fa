/** Okapi BM25 over rows of text (k1 = 1.2, b = 0.75): the retrieval baseline that attribution is shown beside. */
export class Bm25 {
  readonly #rows: { counts: Map<string, number>; length: number }[];
  readonly #documents = new Map<string, number>();
  readonly #meanLength: number;

  constructor(rows: readonly string[]) {
    this.#rows = rows.map((row) => {
      const counts = new Map<string, number>();
      const terms = words(row);
      for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
      for (const term of counts.keys()) this.#documents.set(term, (this.#documents.get(term) ?? 0) + 1);
      return { counts, length: terms.length };
    });
    this.#meanLength = this.#rows.reduce((sum, { length }) => sum + length, 0) / rows.length;
  }

  /** Score of every row for a query text. */
  scores(query: string): Float64Array {
    const terms = [...new Set(words(query))];
    return Float64Array.from(this.#rows, ({ counts, length }) => {
      let score = 0;
      for (const term of terms) {
        const count = counts.get(term) ?? 0;
        const containing = this.#documents.get(term) ?? 0;
        const rarity = Math.log(1 + (this.#rows.length - containing + 0.5) / (containing + 0.5));
        score += (rarity * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * length) / this.#meanLength));
      }
      return score;
    });
  }
}

/** Identifiers and numbers, lower case. */
function words(text: string): string[] {
  return text.toLowerCase().match(/[a-z_$][a-z0-9_$]*|\d+/g) ?? [];
}
