import { MemoryBlockstore } from "blockstore-core";
import { keccak256, toUtf8Bytes } from "ethers";
import { importer } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";

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

/** Where content lives, by content id: a folder (content-store.ts), or a server that has one. */
export interface Content {
  /** Stores bytes and gives their content id. */
  put(bytes: Uint8Array): Promise<string>;
  /**
   * Bytes of a content id.
   * @throws OpenLedgerError `CONTENT_MISSING` or `CONTENT_CORRUPT`.
   */
  get(id: string): Promise<Uint8Array>;
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
