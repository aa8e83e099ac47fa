import { keccak256, toUtf8Bytes } from "ethers";
import { OpenLedgerError } from "./errors.ts";
import { leaf, merkleRoot } from "./merkle.ts";

/** Longest row in bytes of UTF-8, independent of any tokenizer. */
export const MAX_ROW_BYTES = 512;

const utf8 = new TextEncoder();
const byteLength = (text: string): number => utf8.encode(text).length;

/** One row of a contribution: a piece of the file at `path`. */
export type Row = { path: string; text: string };

/** What cutting a file gave: its rows, and how many lines were too long and had to be cut inside. */
export type CutFile = { rows: Row[]; longLines: number };

/**
 * Cuts a file into rows of at most 512 bytes at line ends (docs/protocol.md, Rows); each line of a `.jsonl` file is a row.
 * @throws OpenLedgerError `ROWS_NOT_UTF8`, `ROWS_LONG_SAMPLE` or `ROWS_EMPTY`, naming the file.
 */
export function cutRows(path: string, bytes: Uint8Array): CutFile {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replaceAll("\r\n", "\n");
  } catch (cause) {
    throw new OpenLedgerError(
      "ROWS_NOT_UTF8",
      `File ${path} is not valid UTF-8. Convert it to UTF-8, or leave it out.`,
      {
        cause,
      },
    );
  }
  const pieces: string[] = [];
  let longLines = 0;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const cut = cutLine(line);
    if (cut.length > 1) longLines++;
    pieces.push(...cut);
  }
  const rows: Row[] = [];
  let current = "";
  let size = 0;
  const flush = () => {
    if (current.trim() !== "") rows.push({ path, text: current });
    current = "";
    size = 0;
  };
  const samples = path.endsWith(".jsonl");
  if (samples && longLines > 0)
    throw new OpenLedgerError(
      "ROWS_LONG_SAMPLE",
      `File ${path} has ${longLines === 1 ? "a line" : `${longLines} lines`} over ${MAX_ROW_BYTES} bytes, and a sample cannot be cut. Shorten or leave out what is longer.`,
    );
  for (const piece of pieces) {
    const pieceSize = byteLength(piece);
    if (samples || size + pieceSize > MAX_ROW_BYTES) flush();
    current += piece;
    size += pieceSize;
  }
  flush();
  if (rows.length === 0)
    throw new OpenLedgerError("ROWS_EMPTY", `File ${path} holds no text. Leave it out, or add some content.`);
  return { rows, longLines };
}

/** A line as pieces of at most 512 bytes, cut between characters. */
function cutLine(line: string): string[] {
  if (byteLength(line) <= MAX_ROW_BYTES) return [line];
  const pieces: string[] = [];
  let piece = "";
  let size = 0;
  for (const character of line) {
    const bytes = byteLength(character);
    if (size + bytes > MAX_ROW_BYTES) {
      pieces.push(piece);
      piece = "";
      size = 0;
    }
    piece += character;
    size += bytes;
  }
  return [...pieces, piece];
}

/** Hash of a row: `keccak256` of its bytes. */
export const rowHash = (text: string): string => keccak256(toUtf8Bytes(text));

/** Positional Merkle root over a contribution's rows, in order. */
export const rowRoot = (rows: Row[]): string =>
  merkleRoot(rows.map((row, index) => leaf("Row", index, ["bytes32"], [rowHash(row.text)])));

/** The file that holds a contribution: one JSON line a row. */
export const encodeContribution = (rows: Row[]): Uint8Array =>
  toUtf8Bytes(rows.map(({ path, text }) => `${JSON.stringify({ path, text })}\n`).join(""));

/**
 * Reads a contribution file back.
 * @throws OpenLedgerError `CONTRIBUTION_INVALID`, naming the line.
 */
export function decodeContribution(bytes: Uint8Array): Row[] {
  const lines = new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n").slice(0, -1);
  return lines.map((line, index) => {
    const invalid = (why: string) =>
      new OpenLedgerError("CONTRIBUTION_INVALID", `Line ${index + 1} of the contribution ${why}.`);
    let row: Row;
    try {
      row = JSON.parse(line) as Row;
    } catch {
      throw invalid("is not JSON");
    }
    if (typeof row.path !== "string" || typeof row.text !== "string") throw invalid("needs the strings path and text");
    if (byteLength(row.text) > MAX_ROW_BYTES) throw invalid(`is over ${MAX_ROW_BYTES} bytes: cut it at a line end`);
    if (row.text.trim() === "") throw invalid("is empty");
    return { path: row.path, text: row.text };
  });
}

/** The `count` rows of lowest row hash, ties and copies by position, in the order of their hashes. */
export function selectRows(rows: Row[], count: number): Row[] {
  if (rows.length < count)
    throw new OpenLedgerError("ROWS_TOO_FEW", `There are ${rows.length} rows, ${count} are needed. Add more files.`);
  return rows
    .map((row) => ({ row, hash: rowHash(row.text) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
    .slice(0, count)
    .map(({ row }) => row);
}

/** Splits files by lowest hash of their path: `fraction` of them is held out, at least one unless it is 0. */
export function holdOut<File extends { path: string }>(
  files: File[],
  fraction: number,
): { train: File[]; heldOut: File[] } {
  const sorted = files.toSorted((a, b) => (rowHash(a.path) < rowHash(b.path) ? -1 : 1));
  const count = fraction === 0 ? 0 : Math.max(1, Math.round(files.length * fraction));
  return { train: sorted.slice(count), heldOut: sorted.slice(0, count) };
}
