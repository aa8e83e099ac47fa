import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Content, contentId } from "./content.ts";
import { OpenLedgerError } from "./errors.ts";

/** Files by content id in a folder. What is read back is checked against its id. */
export class ContentStore implements Content {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const id = await contentId(bytes);
    await mkdir(this.#folder, { recursive: true });
    // Written aside and renamed, so that a crash leaves no half a file under a content id.
    const partial = join(this.#folder, `.${id}.${process.pid}`);
    await writeFile(partial, bytes);
    await rename(partial, join(this.#folder, id));
    return id;
  }

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
