import type { Protocol } from "../sdk/contracts.ts";
import { revertReason } from "../sdk/revert.ts";
import type { Release } from "./adapters.ts";
import { kept } from "./kept.ts";

type Chain = Pick<Protocol, "splitter" | "attribution">;

/**
 * The releases of one model, by the epochs that they serve: an epoch is answered by the adapter, and sketched by the
 * sketches, of the commitment that it opened with. A retrained adapter takes over when an epoch opens with its own.
 */
export class Releases {
  readonly #chain: Chain;
  readonly #modelId: bigint;
  readonly #fetch: (number?: bigint) => Promise<Release>;
  readonly #byNumber = new Map<bigint, Promise<Release>>();
  readonly #byEpoch = new Map<bigint, Promise<Release>>();
  #current!: Release;
  #epoch = -1n;

  private constructor(chain: Chain, modelId: bigint, fetch: (number?: bigint) => Promise<Release>) {
    this.#chain = chain;
    this.#modelId = modelId;
    this.#fetch = fetch;
  }

  /** @param fetch Brings a release of the model to this machine, its last unless told. */
  static async open(chain: Chain, modelId: bigint, fetch: (number?: bigint) => Promise<Release>): Promise<Releases> {
    const releases = new Releases(chain, modelId, fetch);
    await releases.follow();
    releases.#current ??= await fetch();
    return releases;
  }

  /** That of the newest epoch that was asked for or followed; before there is any, the model's last. */
  get current(): Release {
    return this.#current;
  }

  /** That of an epoch. */
  async of(epochId: bigint): Promise<Release> {
    const release = await kept(this.#byEpoch, epochId, async () => {
      const { commitmentId } = await this.#chain.splitter.epoch(this.#modelId, epochId);
      const { release: number } = await this.#chain.attribution.commitment(commitmentId);
      return kept(this.#byNumber, number, () => this.#fetch(number));
    });
    if (epochId > this.#epoch) [this.#epoch, this.#current] = [epochId, release];
    return release;
  }

  /** Makes the current epoch's release ready, before a customer waits for it. */
  async follow(): Promise<void> {
    const epochId = await this.#chain.splitter.currentEpoch(this.#modelId).catch((error: unknown) => {
      if (revertReason(error).includes("SplitterUnknownEpoch")) return undefined; // none is open yet
      throw error;
    });
    if (epochId !== undefined) await this.of(epochId);
  }
}
