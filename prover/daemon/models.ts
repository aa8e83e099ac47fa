import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { provingKey } from "../keys.ts";
import type { OperatorConfig } from "./config.ts";

/** Blocks looked at again, since a reorganised chain may have other events in them. */
const OVERLAP = 100;

/** Finds the models to operate: those configured, or else all that are registered under a key that this program has. */
export class Models {
  readonly #protocol: Protocol;
  readonly #configured: bigint[] | undefined;
  readonly #folder: string | undefined;
  readonly #found = new Set<bigint>();
  readonly #keys = new Map<string, Promise<boolean>>();
  #next = 0;

  constructor(protocol: Protocol, { models, keys }: Pick<OperatorConfig, "models" | "keys">) {
    this.#protocol = protocol;
    this.#configured = models;
    this.#folder = keys;
  }

  /** In order of their ids. @param blockTag Last block whose facts count. */
  async list(blockTag: number): Promise<bigint[]> {
    if (this.#configured) return this.#configured;
    const { attribution } = this.#protocol;
    const registered = await attribution.queryFilter(
      attribution.filters.CommitmentRegistered(),
      Math.max(0, Math.min(this.#next, blockTag) - OVERLAP),
      blockTag,
    );
    for (const { args } of registered) if (await this.#hasKey(args.vkId, args.rows)) this.#found.add(args.modelId);
    this.#next = blockTag + 1;
    return [...this.#found].sort((a, b) => (a < b ? -1 : 1));
  }

  #hasKey(vkId: string, rows: bigint): Promise<boolean> {
    const known = this.#keys.get(vkId);
    if (known) return known;
    const asked = provingKey(this.#protocol, vkId, Number(rows), this.#folder).then(
      () => true,
      (error) => {
        if (error instanceof OpenLedgerError && error.code === "KEY_UNKNOWN") return false;
        this.#keys.delete(vkId);
        throw error;
      },
    );
    this.#keys.set(vkId, asked);
    return asked;
  }
}
