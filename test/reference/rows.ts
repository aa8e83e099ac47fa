import { type Bytes, bytes, keccak256, leaf, tag } from "./encoding.ts";
import { positionalRoot } from "./merkle.ts";

const limit = 512;
const size = (text: string): number => Buffer.byteLength(text, "utf8");

/** Longest prefix of at most 512 bytes that ends between two characters. */
function fittingPrefix(line: string): string {
  let prefix = "";
  let used = 0;
  for (const character of line) {
    used += size(character);
    if (used > limit) break;
    prefix += character;
  }
  return prefix;
}

/**
 * The rows of one file. The page leaves three things open; here a cut line begins a row of its own, its rest is gathered
 * with the lines after it, and a byte order mark is kept.
 */
export function cutRows(file: Bytes): string[] {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(file)).replaceAll("\r\n", "\n");
  const rows: string[] = [];
  let row = "";
  for (let line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (size(row) + size(line) <= limit) {
      row += line;
      continue;
    }
    rows.push(row);
    while (size(line) > limit) {
      const prefix = fittingPrefix(line);
      rows.push(prefix);
      line = line.slice(prefix.length);
    }
    row = line;
  }
  rows.push(row);
  return rows.filter((candidate) => candidate.trim() !== "");
}

const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "utf8"));

export const rowHash = (row: string): string => keccak256(utf8(row));
export const rowLeaves = (rows: string[]): string[] => rows.map((row, i) => leaf(tag("Row"), i, rowHash(row)));
export const rowRoot = (rows: string[]): string => positionalRoot(rowLeaves(rows));

/** How a contribution is stored; its CID is that of these bytes. */
export const jsonLines = (rows: { path: string; text: string }[]): string =>
  rows.map(({ path, text }) => `${JSON.stringify({ path, text })}\n`).join("");
