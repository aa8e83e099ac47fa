import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { blake2b, openPowers, type Powers, type PublishedPowers } from "./powers.ts";

/**
 * A published powers-of-tau file, downloaded into `folder` unless it is there. A download that breaks off is kept as `.partial` and
 * goes on from there the next time; one with another hash is deleted.
 * @throws OpenLedgerError `POWERS_DOWNLOAD`, `POWERS_HASH`
 */
export async function fetchPowers(published: PublishedPowers, folder: string): Promise<Powers> {
  const path = join(folder, published.name);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const partial = `${path}.partial`;
    await download(published.url, partial);
    const hash = await blake2b(partial);
    if (hash !== published.blake2b) {
      rmSync(partial);
      throw new OpenLedgerError(
        "POWERS_HASH",
        `powers: what ${published.url} gives has the BLAKE2b hash ${hash}, published is ${published.blake2b}. It was ` +
          "deleted: try again, or get the file elsewhere and name it.",
      );
    }
    renameSync(partial, path);
  }
  return openPowers(path, published.blake2b);
}

async function download(url: string, partial: string): Promise<void> {
  const fail = (why: string, cause?: unknown) =>
    new OpenLedgerError(
      "POWERS_DOWNLOAD",
      `powers: ${url} cannot be downloaded (${why}). Try again, and it goes on where it stopped; or get the file elsewhere and name it.`,
      { cause },
    );
  const have = existsSync(partial) ? statSync(partial).size : 0;
  try {
    const response = await fetch(url, have > 0 ? { headers: { range: `bytes=${have}-` } } : {});
    if (response.status === 416) return; // nothing is left to get: the hash tells whether it is the file
    if (!response.ok || !response.body) throw fail(`status ${response.status}`);
    // A server that does not know ranges sends all of it, with 200 in place of 206.
    const flags = response.status === 206 ? "a" : "w";
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(partial, { flags }));
  } catch (error) {
    throw error instanceof OpenLedgerError ? error : fail((error as Error).message, error);
  }
}
