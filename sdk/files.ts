import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { OpenLedgerError } from "./errors.ts";
import { cutRows, holdOut, type Row } from "./rows.ts";

/** A file to contribute, by its path below the folder it was read from. */
export type SourceFile = { path: string; bytes: Uint8Array };

/**
 * Every file below `folder` whose name ends in `extension`, in order of their paths.
 * @throws OpenLedgerError `FILES_NONE` when there is none.
 */
export async function readFolder(folder: string, extension: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (paths.length === 0)
    throw new OpenLedgerError(
      "FILES_NONE",
      `No ${extension} file below ${folder}. Check the folder and the extension.`,
    );
  return Promise.all(
    paths.map(async (path) => ({
      path: relative(folder, path).split(sep).join("/"),
      bytes: new Uint8Array(await readFile(path)),
    })),
  );
}

/**
 * Rows of every file below `folder` that ends in `extension`, with `fraction` of the files held out whole.
 * @param prefix Put before each path, so that rows of several folders can be told apart.
 * @returns `longLines`: files with lines of over 512 bytes, which were cut inside
 */
export async function readRows(
  folder: string,
  extension: string,
  prefix: string,
  fraction: number,
): Promise<{ train: Row[]; heldOut: Row[]; longLines: string[] }> {
  const files = await readFolder(folder, extension);
  const split = holdOut(
    files.map(({ path, bytes }) => ({ path: `${prefix}/${path}`, bytes })),
    fraction,
  );
  const longLines: string[] = [];
  const cut = (part: SourceFile[]) =>
    part.flatMap(({ path, bytes }) => {
      const file = cutRows(path, bytes);
      if (file.longLines > 0) longLines.push(path);
      return file.rows;
    });
  return { train: cut(split.train), heldOut: cut(split.heldOut), longLines };
}

/** Writes a whole file or none, and its folder; it stands on the disk when this returns. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.part`;
  const file = openSync(temporary, "w");
  const bytes = Buffer.from(content);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
}
