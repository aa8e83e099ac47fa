import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readFolder, type SourceFile } from "../../sdk/files.ts";
import { cutRows, holdOut, MAX_ROW_BYTES, type Row, rowHash, selectRows } from "../../sdk/rows.ts";
import { Random } from "../../trainer/random.ts";
import { CACHE } from "./report.ts";

/** Packages that are fetched from npm as they are; the others are the repository's own dependencies. */
const FETCHED: Record<string, string> = {
  "@account-abstraction/contracts": "0.8.0",
  "@axelar-network/axelar-cgp-solidity": "6.4.0",
  "@chainlink/contracts": "1.4.0",
  "@eth-optimism/contracts-bedrock": "0.17.3",
};
/** Twenty contributors: a package, and which of its files. Large packages are several, by directory. */
const HONEST: Record<string, [packageName: string, files: RegExp]> = {
  "openzeppelin/token": ["@openzeppelin/contracts", /^token\//],
  "openzeppelin/utils": ["@openzeppelin/contracts", /^utils\//],
  "openzeppelin/governance": ["@openzeppelin/contracts", /^governance\//],
  "openzeppelin/access": ["@openzeppelin/contracts", /^(access|account|proxy)\//],
  "solady/utils": ["solady", /^src\/utils\//],
  "solady/tokens": ["solady", /^src\/tokens\//],
  "solady/accounts": ["solady", /^src\/(accounts|auth)\//],
  "solidstate/token": ["@solidstate/contracts", /^token\//],
  "solidstate/proxy": ["@solidstate/contracts", /^proxy\//],
  "solidstate/access": ["@solidstate/contracts", /^(access|security|signature|multisig|introspection)\//],
  "prb-math": ["@prb/math", /^src\//],
  "chainlink/automation": ["@chainlink/contracts", /^src\/v0\.8\/automation\//],
  "chainlink/vrf": ["@chainlink/contracts", /^src\/v0\.8\/vrf\//],
  "chainlink/functions": ["@chainlink/contracts", /^src\/v0\.8\/functions\//],
  "chainlink/l2ep": ["@chainlink/contracts", /^src\/v0\.8\/l2ep\//],
  "optimism/L1-L2": ["@eth-optimism/contracts-bedrock", /^src\/L[12]\//],
  "optimism/dispute": ["@eth-optimism/contracts-bedrock", /^src\/(dispute|cannon|Safe)\//],
  "optimism/libraries": ["@eth-optimism/contracts-bedrock", /^src\/(libraries|universal|EAS|legacy)\//],
  axelar: ["@axelar-network/axelar-cgp-solidity", /^contracts\//],
  "account-abstraction": ["@account-abstraction/contracts", /^(core|accounts|utils|legacy|interfaces)\//],
};
/** Contributors whose rows are worth nothing: real rows with their words in random order, and random characters. */
const JUNK = ["shuffled words", "shuffled words", "random characters", "random characters"] as const;
const JUNK_ROWS = 20;
/** Rows that look like honest ones, of the same files: as they are, two halves that do not belong together, and what says the opposite. */
export const WRONG = {
  "the same files' rows": asTheyAre,
  "halves of two rows": halvesJoined,
  "the opposite": opposite,
};
const WRONG_EACH = 2;
export type Kind = "honest" | (typeof JUNK)[number] | keyof typeof WRONG;
/** Rows of a contributor: log-normal about this, so that row counts say something. */
const [TYPICAL_ROWS, SPREAD, FEWEST, MOST] = [20, 0.5, 8, 50];
const [HELD_OUT, REFERENCES_EACH] = [0.15, 6];

export interface Contributor {
  name: string;
  kind: Kind;
  rows: string[];
  /** Rows of files that nobody trains on: what the model should do well on. */
  references: string[];
}

/** The contributors' rows, MIT-licensed files only; no row stands twice. Kept in the cache, since cutting and hashing takes a while. */
export async function contributors(): Promise<Contributor[]> {
  return (await datanet()).contributors;
}

/** The same with a quarter of their rows, which the tiny Llama can learn by heart. */
export async function contributorsWithFewRows(): Promise<Contributor[]> {
  const all = await contributors();
  return all.map((one) => ({ ...one, rows: one.rows.slice(0, Math.ceil(one.rows.length / 4)) }));
}

/** The honest ones, and in the place of junk those whose rows look right. */
export async function contributorsWithWrongRows(): Promise<Contributor[]> {
  const { contributors, spare } = await datanet();
  const makers = Object.entries(WRONG) as [Kind & keyof typeof WRONG, (rows: Row[]) => string[]][];
  const part = Math.floor(spare.length / makers.length);
  return [
    ...contributors.filter(({ kind }) => kind === "honest"),
    ...makers.flatMap(([kind, make], m) => {
      const made = make(spare.slice(m * part, (m + 1) * part));
      const rows = made.filter((text) => Buffer.byteLength(text) <= MAX_ROW_BYTES);
      return Array.from({ length: WRONG_EACH }, (_, n) => ({
        name: `${kind} ${n}`,
        kind,
        rows: rows.slice(n * JUNK_ROWS, (n + 1) * JUNK_ROWS),
        references: [],
      }));
    }),
  ];
}

interface Datanet {
  contributors: Contributor[];
  /** Rows of the same files that nobody contributes. */
  spare: Row[];
}

async function datanet(): Promise<Datanet> {
  const file = path.join(CACHE, "datanet-and-spare.json");
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await cutDatanet()));
  return JSON.parse(readFileSync(file, "utf8"));
}

async function cutDatanet(): Promise<Datanet> {
  const random = new Random(11);
  const seen = new Set<string>();
  const fresh = (text: string) => !seen.has(rowHash(text)) && seen.add(rowHash(text));
  const out: Contributor[] = [];
  const spare: Row[] = [];
  for (const [name, [packageName, files]] of Object.entries(HONEST)) {
    const size = Math.round(TYPICAL_ROWS * Math.exp(SPREAD * random.normal()));
    const sources = (await readFolder(folderOf(packageName), ".sol"))
      .filter(({ path, bytes }) => files.test(path) && isMit(bytes))
      .map((file) => ({ ...file, path: `${packageName}/${file.path}` }));
    const { train, heldOut } = holdOut(sources, HELD_OUT);
    const rowsOf = (part: SourceFile[]) =>
      part.flatMap(({ path, bytes }) => cutRows(path, bytes).rows).filter(({ text }) => fresh(text));
    const rows = rowsOf(train);
    const taken = selectRows(rows, Math.min(Math.max(size, FEWEST), MOST, rows.length));
    spare.push(...rows.filter((row) => !taken.includes(row)));
    const references = selectRows(rowsOf(heldOut), REFERENCES_EACH).map(({ text }) => text);
    out.push({ name, kind: "honest", rows: taken.map(({ text }) => text), references });
  }
  const models = random.shuffle(spare);
  for (const [n, kind] of JUNK.entries()) {
    const rows = models
      .slice(n * JUNK_ROWS, (n + 1) * JUNK_ROWS)
      .map(({ text }) =>
        kind === "shuffled words" ? shuffleWords(text, random) : randomCharacters(text.length, random),
      );
    out.push({ name: `${kind} ${n % 2}`, kind, rows, references: [] });
  }
  return { contributors: out, spare: models.slice(JUNK.length * JUNK_ROWS) };
}

function asTheyAre(rows: Row[]): string[] {
  return rows.map(({ text }) => text);
}

/** The first lines of each row, and the last lines of one from another file. */
function halvesJoined(rows: Row[]): string[] {
  const halves = ({ text }: Row) => {
    const lines = text.split(/(?<=\n)/);
    return [lines.slice(0, lines.length >> 1).join(""), lines.slice(lines.length >> 1).join("")] as const;
  };
  return rows.flatMap((row, n) => {
    const other = rows[(n + 1) % rows.length]!;
    return row.path === other.path ? [] : [halves(row)[0] + halves(other)[1]];
  });
}

const OPPOSITES = [
  ["<", ">"],
  ["<=", ">="],
  ["==", "!="],
  ["&&", "||"],
  ["+", "-"],
  ["+=", "-="],
  ["*", "/"],
  ["++", "--"],
  ["<<", ">>"],
  ["true", "false"],
  ["public", "private"],
  ["external", "internal"],
  ["min", "max"],
  ["memory", "storage"],
] as const;
const OPPOSITE = new Map<string, string>(
  OPPOSITES.flatMap(
    ([a, b]) =>
      [
        [a, b],
        [b, a],
      ] as const,
  ),
);
/** Comments and strings whole, lines of a comment that began in the row before too. */
const TOKENS = /\/\/.*|\/\*[\s\S]*?(?:\*\/|$)|^\s*\*.*$|"[^"\n]*"|\w+|[<>=!&|+\-*/:]+|[\s\S]/gm;
const KEYWORDS = new Set(
  "abstract address assembly bool bytes bytes4 bytes32 calldata constant contract else emit error event external false for from function if import interface internal is let library mapping memory modifier new override pragma private public pure return returns solidity storage string struct true type uint8 uint64 uint128 uint256 unchecked using view virtual".split(
    " ",
  ),
);
/** Fewer changes than this leave a row as good as right. */
const CHANGES = 4;

/** Code that does the opposite: operators and keywords are exchanged throughout, and so are the row's two commonest names; comments stay. */
function opposite(rows: Row[]): string[] {
  return rows.flatMap(({ text }) => {
    const tokens = text.match(TOKENS) ?? [];
    const counts = new Map<string, number>();
    for (const token of tokens)
      if (/^[A-Za-z_]\w{2,}$/.test(token) && !KEYWORDS.has(token)) counts.set(token, (counts.get(token) ?? 0) + 1);
    const [first, second] = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
    const swapped = new Map(OPPOSITE);
    if (second !== undefined) swapped.set(first!, second).set(second, first!);
    const changed = tokens.map((token) => swapped.get(token) ?? token);
    return changed.filter((token, n) => token !== tokens[n]).length < CHANGES ? [] : [changed.join("")];
  });
}

/** Words, numbers and punctuation in random order, the white space between them where it was. */
function shuffleWords(text: string, random: Random): string {
  const words = random.shuffle(text.match(/[A-Za-z0-9_]+|[^\sA-Za-z0-9_]/g) ?? []);
  return text.replaceAll(/[A-Za-z0-9_]+|[^\sA-Za-z0-9_]/g, () => words.pop()!);
}

export const randomCharacters = (length: number, random: Random): string =>
  String.fromCharCode(...Array.from({ length }, () => 33 + Math.floor(94 * random.uniform())));

function isMit(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes("SPDX-License-Identifier: MIT");
}

/** Where a package's files are; fetched if need be (npm checks its hash against the registry's). */
function folderOf(name: string): string {
  const version = FETCHED[name];
  if (version === undefined) return path.join(import.meta.dirname, "../../node_modules", name);
  const folder = path.join(CACHE, "packages", `${name.replaceAll("/", "+")}-${version}`);
  if (!existsSync(path.join(folder, "package"))) {
    mkdirSync(folder, { recursive: true });
    const pack = ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`];
    const archive = execFileSync("npm", pack, { encoding: "utf8" }).trim();
    execFileSync("tar", ["xzf", path.join(folder, archive), "-C", folder]);
  }
  return path.join(folder, "package");
}
