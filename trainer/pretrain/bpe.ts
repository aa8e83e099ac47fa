/** How byte-level BPE cuts text before merging (GPT-2's rule; Hugging Face: ByteLevel with use_regex). */
export const PRETOKEN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** A printable character for each byte (GPT-2): printable Latin-1 stands for itself, the others are moved above 255. */
export const BYTE_CHARACTERS: string[] = (() => {
  let moved = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : moved++);
  });
})();

/**
 * Trains a byte-level BPE tokenizer and returns it as the content of a Hugging Face `tokenizer.json`.
 * Greedy merging of the most frequent pair inside pre-tokens; ties go to the pair that sorts first.
 */
export function trainTokenizer(texts: Iterable<string>, vocabSize: number, specials: string[]): object {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.matchAll(PRETOKEN)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => ({
    symbols: [...Buffer.from(word)].map((byte) => BYTE_CHARACTERS[byte]!),
    count,
  }));

  // For every adjacent pair "a b": how often it occurs, and in which words.
  const pairs = new Map<string, { count: number; words: Set<number> }>();
  const tally = (index: number, sign: 1 | -1) => {
    const { symbols, count } = words[index]!;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = `${symbols[i]} ${symbols[i + 1]}`;
      let pair = pairs.get(key);
      if (pair === undefined) pairs.set(key, (pair = { count: 0, words: new Set() }));
      pair.count += sign * count;
      if (sign === 1) pair.words.add(index);
    }
  };
  words.forEach((_, index) => {
    tally(index, 1);
  });

  const alphabet = [...BYTE_CHARACTERS].sort();
  const vocabulary = [...specials, ...alphabet];
  const merges: [string, string][] = [];
  while (vocabulary.length < vocabSize) {
    let best = "";
    let bestCount = 1;
    for (const [key, { count }] of pairs) {
      if (count > bestCount || (count === bestCount && count > 1 && key < best)) [best, bestCount] = [key, count];
    }
    if (best === "") break; // nothing occurs twice any more
    const [left, right] = best.split(" ") as [string, string];
    merges.push([left, right]);
    vocabulary.push(left + right);
    for (const index of pairs.get(best)!.words) {
      tally(index, -1);
      const word = words[index]!;
      const merged: string[] = [];
      for (let i = 0; i < word.symbols.length; i++) {
        const joins = word.symbols[i] === left && word.symbols[i + 1] === right;
        merged.push(joins ? left + right : word.symbols[i]!);
        if (joins) i++;
      }
      word.symbols = merged;
      tally(index, 1);
    }
    pairs.delete(best);
  }

  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}
