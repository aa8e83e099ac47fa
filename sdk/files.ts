import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { OpenLedgerError } from "./errors.ts";

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
