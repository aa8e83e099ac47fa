import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { downloadFile, type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { OpenLedgerError } from "../sdk/errors.ts";

/** Files of a repository that make a base: what loadBase reads, nothing else. */
const WANTED =
  /^(config|tokenizer|tokenizer_config)\.json$|^chat_template\.jinja$|^model[\w.-]*\.safetensors(\.index\.json)?$/;

export type HubOptions = {
  /** Bytes so far and in all. */
  onProgress?: (received: number, total: number) => void;
};

type HubFile = Pick<ListFileEntry, "path" | "size" | "oid" | "lfs">;

/** Where models are taken from: `HF_ENDPOINT`, or huggingface.co. */
const endpoint = () => process.env.HF_ENDPOINT ?? "https://huggingface.co";

/**
 * Downloads a base model from the Hugging Face hub to `cache`, and returns its folder. Each file is checked against the
 * hash that the hub lists; what is there already is not downloaded again, and a broken download goes on where it ended.
 * A token for gated models stands in `HF_TOKEN`.
 * @param id such as `organisation/model`
 * @throws OpenLedgerError `HUB_ID`, `HUB_UNREACHABLE`, `HUB_MODEL`, `HUB_HASH`
 */
export async function downloadBase(id: string, cache: string, { onProgress }: HubOptions = {}): Promise<string> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(id) || id.split("/").some((part) => /^\.+$/.test(part)))
    throw new OpenLedgerError("HUB_ID", `${id} is not the id of a model. Name it as organisation/model.`);
  const { HF_TOKEN: accessToken } = process.env;
  const hub = { hubUrl: endpoint(), ...(accessToken ? { accessToken } : {}) };
  const files: HubFile[] = [];
  let revision: string;
  try {
    // All files of one commit, whatever is pushed meanwhile.
    revision = (await modelInfo({ name: id, additionalFields: ["sha"], ...hub })).sha;
    for await (const file of listFiles({ repo: id, revision, ...hub })) if (WANTED.test(file.path)) files.push(file);
  } catch (cause) {
    throw unreachable(id, cause);
  }
  if (!files.some((file) => file.path === "config.json") || !files.some((file) => file.path.endsWith(".safetensors")))
    throw new OpenLedgerError("HUB_MODEL", `${id} has no config.json and model.safetensors. Choose another model.`);

  const folder = path.join(cache, revision, ...id.split("/"));
  await mkdir(folder, { recursive: true });
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let received = 0;
  const count = (bytes: number) => onProgress?.((received += bytes), total);
  for (const file of files) {
    const target = path.join(folder, file.path);
    if ((await sizeOf(target)) === file.size) {
      count(file.size); // renamed only after its hash was checked
      continue;
    }
    const partial = `${target}.partial`;
    const from = await sizeOf(partial);
    count(from);
    if (from < file.size) {
      try {
        const blob = await downloadFile({ repo: id, path: file.path, revision, ...hub });
        await append(blob!.slice(from, file.size), partial, count);
      } catch (cause) {
        throw unreachable(id, cause);
      }
    }
    if ((await hashOf(partial, file)) !== (file.lfs?.oid ?? file.oid)) {
      await rm(partial);
      throw new OpenLedgerError(
        "HUB_HASH",
        `${file.path} of ${id} does not have the hash that the hub lists. Download it again.`,
      );
    }
    await rename(partial, target);
  }
  return folder;
}

const unreachable = (id: string, cause: unknown) => {
  const status = (cause as { statusCode?: number }).statusCode;
  const why = status === undefined ? `The connection to ${endpoint()} failed` : `${endpoint()} answers ${status}`;
  return new OpenLedgerError("HUB_UNREACHABLE", `${why} for ${id}. Check the id and the network; it goes on then.`, {
    cause,
  });
};

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

async function append(blob: Blob, file: string, count: (bytes: number) => void): Promise<void> {
  const counter = new Transform({
    transform(bytes: Uint8Array, _, done) {
      count(bytes.length);
      done(null, bytes);
    },
  });
  await pipeline(Readable.fromWeb(blob.stream() as ReadableStream), counter, createWriteStream(file, { flags: "a" }));
}

/** As the hub lists it: SHA-256 of what stands in LFS, git's blob id (SHA-1) of the rest. */
async function hashOf(file: string, { lfs, size }: HubFile): Promise<string> {
  const hash = lfs ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
