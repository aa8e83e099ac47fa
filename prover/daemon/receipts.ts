import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../sdk/files.ts";
import { type AttributedReceipt, decodeAttributed, encodeAttributed } from "../../sdk/receipts.ts";
import { decodeTree, encodeTree, type ReceiptsTree } from "../../sdk/receipts-tree.ts";

/** The receipts of a proposal: its leaves, and what servers handed over for them. */
export type Receipts = { tree: ReceiptsTree; records: AttributedReceipt[] };

/**
 * Receipts of own proposals and of others' that were found right, one folder each, named by their root. Own ones are
 * written before they are proposed: demands are answered from them even where a server is gone.
 */
export class ReceiptsStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** File of a proposal's leaves, as auditors get it; undefined where it is not kept. */
  treeFile(root: string): string | undefined {
    const path = this.#path(root, "tree");
    return existsSync(path) ? path : undefined;
  }

  load(root: string): Receipts | undefined {
    const path = this.treeFile(root);
    if (path === undefined) return undefined;
    const records = decodeAttributed(readFileSync(this.#path(root, "records"), "utf8"));
    return { tree: decodeTree(readFileSync(path, "utf8")), records };
  }

  save({ tree, records }: Receipts): void {
    // The tree last: where it stands, the records do.
    writeWhole(this.#path(tree.root, "records"), encodeAttributed(records));
    writeWhole(this.#path(tree.root, "tree"), encodeTree(tree));
  }

  #path(root: string, what: "tree" | "records"): string {
    return join(this.#folder, root, `${what}.json`);
  }
}
