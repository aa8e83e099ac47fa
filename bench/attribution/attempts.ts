/** What a contributor may try with his rows to be paid more for them. */
import { ROW_NOISE } from "../../test/support/noise.ts";
import type { Base } from "../../trainer/base.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import type { PackedTensor } from "../../trainer/packed.ts";
import { Random } from "../../trainer/random.ts";
import { randomCharacters } from "./datanet.ts";
import type { TinyLlama } from "./llama.ts";

export const COPIES = 8;
export const REPLACED_TOKENS = [0.03, 0.1, 0.2, 0.3];
/** What copiers may do beside, of test/support/noise.ts. */
const CHANGED = ["other white space", "lines in another order", "names of the code changed"];
const PIECES = [128, 64];

/** Two honest contributors of middle size. */
export function attackersOf(llama: TinyLlama): number[] {
  const size = (c: number) => llama.contributors[c]!.rows.length;
  return [...llama.contributors.keys()]
    .filter((c) => llama.kinds[c] === "honest")
    .sort((a, b) => size(a) - size(b))
    .slice(9, 11);
}

const LICENCE =
  "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation " +
  "files, to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, " +
  "publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished " +
  "to do so, subject to the following conditions: the above copyright notice shall be included";

type Attempt = (own: string[], random: Random) => string[] | Promise<string[]>;

/** Rows in the place of somebody's own, or beside them. */
export function attemptsOf({ pool, rows }: TinyLlama): Record<string, Attempt> {
  const { tokenizer } = pool.base;
  const anyToken = (random: Random) => 1 + Math.floor(2047 * random.uniform());
  const noisy = (text: string, share: number, random: Random, other = anyToken) =>
    tokenizer.decode(tokenizer.encode(text).map((id) => (random.uniform() < share ? other(random) : id)));
  const copies = (texts: string[], change: (text: string) => string) =>
    texts.flatMap((text) => Array.from({ length: COPIES }, () => change(text)));
  const letterInTen = (text: string, random: Random) =>
    text.replace(/[a-z]/g, (letter, at: number) => (at % 10 === 0 ? lettered(random) : letter));
  /** The same line of any of his rows in the place of each. */
  const mixed = (text: string, own: string[], random: Random) =>
    text
      .split("\n")
      .map((line, n) => own[Math.floor(random.uniform() * own.length)]!.split("\n")[n] ?? line)
      .join("\n");
  const filled = (text: string, by: string) => text + by.repeat(Math.ceil(500 / by.length)).slice(0, 500 - text.length);
  const cut = (own: string[], bytes: number) => own.flatMap((text) => pieces(text, bytes));
  return {
    [`${COPIES} exact copies more`]: (own) => [...own, ...copies(own, (text) => text)],
    ...Object.fromEntries(
      REPLACED_TOKENS.map((share) => [
        copiesName(share),
        (own: string[], random: Random) => [...own, ...copies(own, (text) => noisy(text, share, random))],
      ]),
    ),
    [LIKELY_NOISE]: (own, random) => {
      const tokens = rows.flatMap((text) => tokenizer.encode(text));
      const common = (random: Random) => tokens[Math.floor(tokens.length * random.uniform())]!;
      return [...own, ...copies(own, (text) => noisy(text, 0.1, random, common))];
    },
    [LIKELY_WORDS]: async (own, random) => {
      const likely: number[][][] = [];
      const engine = new OnnxEngine(pool.base.config, pool.base.weights);
      for (const text of own) likely.push(await likelyInstead(engine, pool.base, text));
      await engine.dispose();
      const changed = (text: string, instead: number[][]) =>
        tokenizer.decode(
          tokenizer.encode(text).map((id, t) => (random.uniform() < 0.1 && instead[t] ? pick(instead[t], random) : id)),
        );
      return [...own, ...own.flatMap((text, n) => Array.from({ length: COPIES }, () => changed(text, likely[n]!)))];
    },
    [`${COPIES} copies more, a letter in ten changed`]: (own, random) => [
      ...own,
      ...copies(own, (text) => letterInTen(text, random)),
    ],
    ...Object.fromEntries(
      CHANGED.map((name) => [
        changedName(name),
        (own: string[], random: Random) => [...own, ...copies(own, (text) => ROW_NOISE[name]!(text, random))],
      ]),
    ),
    [LINES_OF_ALL]: (own, random) => [...own, ...copies(own, (text) => mixed(text, own, random))],
    ...Object.fromEntries(PIECES.map((bytes) => [piecesName(bytes), (own: string[]) => cut(own, bytes)])),
    ...Object.fromEntries(
      Object.entries({ blanks: " ", slashes: "/", "a licence": LICENCE }).map(([name, by]) => [
        `64 bytes a row, filled up with ${name}`,
        (own: string[]) => cut(own, 64).map((text) => filled(text, by)),
      ]),
    ),
    [SAID_AGAIN]: (own) => cut(own, 64).map((text) => filled(text, text)),
    [RANDOM_CHARACTERS]: (own, random) => [...own, ...own.map((text) => randomCharacters(text.length, random))],
    [CONTROL]: (own) => own,
  };
}
export const CONTROL = "control: the same rows, standing last";
export const RANDOM_CHARACTERS = "as many rows of random characters more";
export const LIKELY_NOISE = `${COPIES} copies more, 10% of the tokens replaced by some of the Datanet's`;
export const LIKELY_WORDS = `${COPIES} copies more, 10% of the tokens replaced by what the base finds likely there`;
export const LINES_OF_ALL = `${COPIES} rows more for each, of lines of all`;
export const SAID_AGAIN = "64 bytes a row, said again and again";
const changedName = (how: string) => `${COPIES} copies more, ${how}`;
export const piecesName = (bytes: number) => `the same text, ${bytes} bytes a row`;
export const copiesName = (share: number) => `${COPIES} copies more, ${100 * share}% of the tokens replaced`;
/** Rows made of others that are tried with everything made anew, which takes long. */
export const COPIES_ANEW = [
  ...REPLACED_TOKENS.slice(0, 3).map(copiesName),
  LIKELY_NOISE,
  LIKELY_WORDS,
  ...CHANGED.map(changedName),
  LINES_OF_ALL,
];
/** @param draw of what is random about it */
export const rowsOfAttempt = async (llama: TinyLlama, name: string, c: number, draw = 0) =>
  attemptsOf(llama)[name]!(llama.contributors[c]!.rows, new Random(31 + c + 100 * draw));

/** The Datanet without somebody's rows, and with those of an attempt in their place, after all others. */
export async function tried(llama: TinyLlama, name: string, c: number, draw = 0) {
  const others = llama.owners.map((owner) => owner !== c);
  const own = await rowsOfAttempt(llama, name, c, draw);
  return {
    others,
    texts: [...llama.rows.filter((_, i) => others[i]), ...own],
    owners: [...llama.owners.filter((_, i) => others[i]), ...own.map(() => c)],
  };
}
/** What the cache keeps of it under, where everything is made anew. */
export const keptAnew = (name: string, c: number, draw: number) => `anew-${name.replaceAll(/\W+/g, "-")}-${c}-${draw}`;

/** Of this many of the likeliest tokens that are not there one is taken. */
const CHOICES = 5;

/** For each token of a text those that the base finds likeliest in its place. */
async function likelyInstead(
  engine: OnnxEngine,
  { tokenizer, config }: Base<PackedTensor>,
  text: string,
): Promise<number[][]> {
  const ids = tokenizer.encode(text).slice(0, config.context);
  const logits = await engine.logits(undefined, [tokenizer.bos, ...ids.slice(0, -1)]);
  return ids.map((id, t) => {
    const own = logits.subarray(t * config.vocabSize, (t + 1) * config.vocabSize);
    const rising = [...own.keys()].sort((a, b) => own[b]! - own[a]!);
    return rising.filter((other) => other !== id && other !== tokenizer.eos).slice(0, CHOICES);
  });
}

const pick = (from: readonly number[], random: Random) => from[Math.floor(from.length * random.uniform())]!;
const lettered = (random: Random) => String.fromCharCode(97 + Math.floor(26 * random.uniform()));

/** A text in pieces of at most so many bytes, cut at line ends where there are any. */
function pieces(text: string, bytes: number): string[] {
  const out: string[] = [];
  for (const line of text.split(/(?<=\n)/).flatMap((line) => line.match(new RegExp(`[^]{1,${bytes}}`, "g")) ?? [])) {
    if (out.length > 0 && out.at(-1)!.length + line.length <= bytes) out[out.length - 1] += line;
    else out.push(line);
  }
  return out.filter((piece) => piece.trim() !== "");
}
