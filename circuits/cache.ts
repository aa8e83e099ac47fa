import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository; generated files live under its `build/`, which git ignores. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** First 16 hex digits of the SHA-256 of the parts: names a file after everything it was made from. */
export function contentHash(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 16);
}

/**
 * Makes the file or folder `path` once. It is built under a temporary name and renamed when complete, so that a
 * crash or a second process never leaves or sees half of it.
 */
export async function cached(path: string, build: (temporary: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await build(temporary);
    try {
      renameSync(temporary, path);
    } catch (cause) {
      if (!existsSync(path)) throw cause; // another process was first: its content is the same
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return path;
}
