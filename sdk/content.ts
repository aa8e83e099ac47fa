import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MemoryBlockstore } from "blockstore-core";
import { keccak256, toUtf8Bytes } from "ethers";
import { importer } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { OpenLedgerError } from "./errors.ts";

/** Content id of `bytes`: CIDv1, raw leaves, sha-256, 256 KiB chunks, 174 links a node, as `ipfs add --cid-version=1` gives. */
export async function contentId(bytes: Uint8Array): Promise<string> {
  const entries = importer([{ content: bytes }], new MemoryBlockstore(), {
    cidVersion: 1,
    rawLeaves: true,
    chunker: fixedSize({ chunkSize: 256 * 1024 }),
    layout: balanced({ maxChildrenPerNode: 174 }),
  });
  let id = "";
  for await (const { cid } of entries) id = cid.toString();
  return id;
}

/** Files by content id in a folder. What is read back is checked against its id. */
export class ContentStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Stores bytes and gives their content id. */
  async put(bytes: Uint8Array): Promise<string> {
    const id = await contentId(bytes);
    await mkdir(this.#folder, { recursive: true });
    // Written aside and renamed, so that a crash leaves no half a file under a content id.
    const partial = join(this.#folder, `.${id}.${process.pid}`);
    await writeFile(partial, bytes);
    await rename(partial, join(this.#folder, id));
    return id;
  }

  /**
   * Bytes of a content id.
   * @throws OpenLedgerError `CONTENT_MISSING` or `CONTENT_CORRUPT`.
   */
  async get(id: string): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await readFile(join(this.#folder, id)));
    } catch (cause) {
      throw new OpenLedgerError("CONTENT_MISSING", `No content ${id} in ${this.#folder}. Fetch it first.`, { cause });
    }
    if ((await contentId(bytes)) !== id)
      throw new OpenLedgerError(
        "CONTENT_CORRUPT",
        `The file ${id} in ${this.#folder} is not that content. Delete it and fetch it again.`,
      );
    return bytes;
  }
}

/** Canonical JSON: keys sorted at every level, no spaces, so that equal values have equal hashes. */
export const canonicalJson = (value: unknown): Uint8Array =>
  toUtf8Bytes(
    JSON.stringify(value, (_, entry: unknown) =>
      entry !== null && typeof entry === "object" && !Array.isArray(entry)
        ? Object.fromEntries(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : entry,
    ),
  );

/** Hash of a manifest's bytes. */
export const manifestHash = (bytes: Uint8Array): string => keccak256(bytes);
