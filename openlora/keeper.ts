import { setTimeout as pause } from "node:timers/promises";
import type { JsonRpcApiProvider } from "ethers";
import { chainTime } from "../sdk/clock.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { revertReason } from "../sdk/revert.ts";
import type { Release } from "./adapters.ts";
import type { Served } from "./catalog.ts";
import type { Completion, Meter } from "./meter.ts";

export type KeeperOptions = {
  protocol: Protocol;
  rpc: JsonRpcApiProvider;
  /** The models served at the time. */
  served: () => Served[];
  sketch: (release: Release, calls: Completion[]) => Promise<Int8Array[]>;
  pollSeconds: number;
  /** Told what was done, and what does not work. */
  say: (line: string) => void;
};

/**
 * Does by itself what a server owes and is owed: makes each new epoch's adapter ready, redeems the vouchers of closed epochs
 * in time, then signs their sketch records; in open ones it redeems who withdraws what he owes, before that has thawed.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #stopping = new AbortController();
  /** Epochs that no voucher can be redeemed in any more. */
  readonly #over = new Set<string>();
  readonly #problems = new Map<string, string>();
  /** Customers who ever started to withdraw, as far as blocks were looked at. */
  readonly #leaving = new Set<string>();
  #next = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    // Fetching and sketching take their time, and must not hold up the money.
    void this.#repeat((model) => this.#try(`following model ${model.modelId}`, () => model.releases.follow()));
    void this.#repeat((model) => this.#epochs("redeeming", model, (epochId) => this.#redeem(model, epochId)));
    void this.#repeat((model) => this.#epochs("signing", model, (epochId) => this.#sign(model, epochId)));
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #repeat(look: (model: Served) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      for (const model of this.#options.served()) {
        if (signal.aborted) return;
        await look(model);
      }
      await pause(this.#options.pollSeconds * 1000, undefined, { signal }).catch(() => {});
    }
  }

  async #epochs(what: string, { modelId, meter }: Served, step: (epochId: bigint) => Promise<void>): Promise<void> {
    for (const epochId of meter.epochs) {
      if (this.#stopping.signal.aborted) return;
      await this.#try(`${what} model ${modelId}, epoch ${epochId}`, () => step(epochId));
    }
  }

  /** A step that fails is tried again at the next look; the same problem is told once. */
  async #try(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#problems.delete(what);
    } catch (error) {
      const reason = revertReason(error);
      if (this.#stopping.signal.aborted || this.#problems.get(what) === reason) return;
      this.#problems.set(what, reason);
      this.#options.say(`${what}: ${reason}`);
    }
  }

  async #redeem({ modelId, meter }: Served, epochId: bigint): Promise<void> {
    const { protocol, rpc, say } = this.#options;
    const name = `${modelId}/${epochId}`;
    if (this.#over.has(name)) return;
    const { closedAt } = await protocol.splitter.epoch(modelId, epochId);
    if (closedAt === 0n) return this.#protect(meter, epochId);
    const { redeemWindow } = await protocol.splitter.timing();
    if ((await chainTime(rpc)) >= closedAt + redeemWindow) {
      this.#over.add(name);
      return;
    }
    // Again until the window ends, since a call under way at the close ends after it.
    const amount = await meter.redeem(epochId);
    if (amount > 0n) say(`model ${modelId}, epoch ${epochId}: redeemed ${amount}`);
  }

  /** A deposit that thaws is still there for whoever redeems first. */
  async #protect(meter: Meter, epochId: bigint): Promise<void> {
    const { protocol, rpc, served, say } = this.#options;
    const { escrow } = protocol;
    const head = await rpc.getBlockNumber();
    const started = await escrow.queryFilter(escrow.filters.WithdrawalStarted(), Math.min(this.#next, head), head);
    this.#next = head;
    for (const { args } of started) this.#leaving.add(args.customer);
    for (const customer of this.#leaving) {
      if (meter.charged({ customer, epochId }) === 0n) continue;
      const { token } = await meter.quote();
      const owed = await Promise.all(served().map((one) => one.meter.owed({ customer, token, epochId })));
      const sum = owed.reduce((all, amount) => all + amount);
      if ((await escrow.available(customer, token)) >= sum) continue;
      const amount = await meter.redeem(epochId, customer);
      if (amount > 0n)
        say(`model ${meter.modelId}, epoch ${epochId}: redeemed ${amount} of ${customer}, who withdraws`);
    }
  }

  async #sign(model: Served, epochId: bigint): Promise<void> {
    const { protocol, sketch, say } = this.#options;
    const { modelId, meter, releases } = model;
    if (!meter.hasUnsigned(epochId)) return;
    if ((await protocol.splitter.epoch(modelId, epochId)).closedAt === 0n) return;
    const records = await meter.records(epochId, async (calls) => sketch(await releases.of(epochId), calls));
    say(`model ${modelId}, epoch ${epochId}: signed ${records.length} sketch records`);
  }
}
