import { Random } from "../../trainer/random.ts";

/** Words of Solidity and of its assembly that a copier cannot rename without changing what a text does. */
const KEPT = new Set(
  (
    "abstract add address and anonymous as assembly bool break byte bytes case catch constant constructor continue contract " +
    "default delete div do else emit enum eq error event external fallback false for function gt if immutable import indexed " +
    "interface internal is iszero keccak256 leave let library lt mapping memory mload modifier mstore mul new not or override " +
    "payable pragma private public pure receive return returns revert sar shl shr sload solidity sstore storage string struct " +
    "sub super switch this throw true try type unchecked using view virtual while xor"
  ).split(" "),
);
const WORD = /[A-Za-z_$][\w$]*/g;
const COMMENT = /^\s*(\/\/|\/?\*)/;
const OTHERS =
  "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa".split(" ");

type Noise = (text: string, random: Random) => string;

const pick = (random: Random) => OTHERS[Math.floor(random.uniform() * OTHERS.length)]!;

/** Every name replaced by another, the same for the same, in the lines that `where` holds of. */
const rename =
  (where: (line: string) => boolean): Noise =>
  (text, random) => {
    const names = new Map<string, string>();
    const renamed = (word: string) => {
      if (KEPT.has(word) || /^(u?int|bytes)\d*$/.test(word)) return word;
      const name = names.get(word) ?? `${pick(random)}_${names.size}`;
      names.set(word, name);
      return name;
    };
    return text
      .split("\n")
      .map((line) => (where(line) ? line.replace(WORD, renamed) : line))
      .join("\n");
  };

/** Another word or number in place of this share of them. */
export const replaced =
  (share: number): Noise =>
  (text, random) =>
    text.replace(/[A-Za-z_$][\w$]*|\d+/g, (word) => (random.uniform() < share ? pick(random) : word));

const both =
  (...all: Noise[]): Noise =>
  (text, random) =>
    all.reduce((noisy, noise) => noise(noisy, random), text);

const reordered: Noise = (text, random) => random.shuffle(text.split("\n")).join("\n");
const respaced: Noise = (text, random) =>
  text
    .replace(/[ \t]+/g, () => " ".repeat(1 + Math.floor(random.uniform() * 4)))
    .replace(/\n/g, () => (random.uniform() < 0.3 ? "\n\n" : "\n"));
const renamedCode = rename((line) => !COMMENT.test(line));
const renamedAll = rename(() => true);
const uncommented: Noise = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/\n{2,}/g, "\n");
const shifted: Noise = (text) =>
  `// ${"a line in front of everything, so that all rows are cut elsewhere; ".repeat(3)}\n${text}`;

/** What a copier may do to a row. */
export const ROW_NOISE: Record<string, Noise> = {
  nothing: (text) => text,
  "other white space": respaced,
  "names of the code changed": renamedCode,
  "all names and words of comments changed": renamedAll,
  "lines in another order": reordered,
  "names of the code changed, lines in another order, other white space": both(renamedCode, reordered, respaced),
  "5 % of the words replaced": replaced(0.05),
  "10 % of the words replaced": replaced(0.1),
  "15 % of the words replaced": replaced(0.15),
  "20 % of the words replaced": replaced(0.2),
  "30 % of the words replaced": replaced(0.3),
};

/** What he may do to a file before it is cut into rows, which moves where the rows begin. */
export const FILE_NOISE: Record<string, Noise> = {
  "200 bytes in front": shifted,
  "other white space": respaced,
  "comments taken out": uncommented,
  "names of the code changed": renamedCode,
  "comments taken out, names changed": both(uncommented, renamedCode),
  "10 % of the words replaced": replaced(0.1),
  "names of the code changed, lines in another order": both(renamedCode, reordered),
};

/** The same noise in every run. */
export const noisy = (noise: Noise, texts: readonly string[], seed = 1): string[] => {
  const random = new Random(seed);
  return texts.map((text) => noise(text, random));
};
