import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { hexlify, keccak256 } from "ethers";
import { canonicalJson } from "../../sdk/content.ts";
import { writeWhole } from "../../sdk/files.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import type { Settlement, SettlementContext } from "../settlement.ts";

/** Finished proofs, one file each, named by what they prove: proving is the one step that is dear to repeat. */
export class ProofStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(context: SettlementContext, q: Int8Array): string {
    const { chainId, epochId, floorUnits, ...texts } = context;
    const integers = [chainId, epochId, floorUnits].map(String);
    return join(this.#folder, keccak256(canonicalJson({ ...texts, integers, q: hexlify(int8Bytes(q)) })));
  }

  has(context: SettlementContext, q: Int8Array): boolean {
    return existsSync(this.#path(context, q));
  }

  load(context: SettlementContext, q: Int8Array): Settlement {
    return deserialize(readFileSync(this.#path(context, q))) as Settlement;
  }

  save(context: SettlementContext, q: Int8Array, settlement: Settlement): void {
    writeWhole(this.#path(context, q), serialize(settlement));
  }
}
