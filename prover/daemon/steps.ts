import type { Content } from "../../sdk/content.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import type { EpochReceipt } from "../../sdk/epoch.ts";
import { mined } from "../../sdk/transactions.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import { provingKey } from "../keys.ts";
import { proposeEpoch, settleByBase, settleEpoch, settlementContext } from "../operator.ts";
import { weighReceipts } from "../receipts.ts";
import { proveSettlement } from "../settlement.ts";
import { fetchCommitted, fetchSketches } from "./commitments.ts";
import type { ServerConfig } from "./config.ts";
import type { Due } from "./look.ts";
import type { ProofStore } from "./proofs.ts";
import { fetchRecords } from "./records.ts";

/** What the operator does for an epoch, each step once the chain says that it is due. */
export class Steps implements Record<Due, (modelId: bigint, epochId: bigint) => Promise<void>> {
  readonly #protocol: Protocol;
  readonly #account: string;
  readonly #proofs: ProofStore;
  readonly #store: Content;
  readonly #servers: ServerConfig[];
  readonly #say: (line: string) => void;

  /**
   * @param account Who gets the operator's share.
   * @param say Told what people should know.
   */
  constructor(
    protocol: Protocol,
    account: string,
    store: Content,
    servers: ServerConfig[],
    proofs: ProofStore,
    say: (line: string) => void,
  ) {
    this.#protocol = protocol;
    this.#account = account;
    this.#proofs = proofs;
    this.#store = store;
    this.#servers = servers;
    this.#say = say;
  }

  async open(modelId: bigint): Promise<void> {
    await mined(this.#protocol.splitter.openEpoch(modelId));
  }

  /** The epoch's paid receipts from all servers, checked and weighed. */
  async receipts(modelId: bigint, epochId: bigint): Promise<EpochReceipt[]> {
    const { commitmentId } = await this.#protocol.splitter.epoch(modelId, epochId);
    const sketches = await fetchSketches(this.#protocol, this.#store, commitmentId);
    const received = await fetchRecords(this.#servers, modelId, epochId);
    const { receipts, unpaid } = await weighReceipts(this.#protocol, modelId, epochId, received, (sketch, fee18) =>
      queryWeight(fee18, movement(sketches, sketch), sketches.m0),
    );
    if (unpaid > 0)
      this.#say(`model ${modelId} epoch ${epochId}: left out ${unpaid} receipts that were not redeemed in time`);
    return receipts;
  }

  async propose(modelId: bigint, epochId: bigint): Promise<void> {
    const receipts = await this.receipts(modelId, epochId);
    const { commitmentId } = await this.#protocol.splitter.epoch(modelId, epochId);
    const { k } = await this.#protocol.attribution.commitment(commitmentId);
    await proposeEpoch(this.#protocol, modelId, epochId, receipts, Number(k));
  }

  async prove(modelId: bigint, epochId: bigint): Promise<void> {
    const { q, context } = await settlementContext(this.#protocol, modelId, epochId, this.#account);
    const committed = await fetchCommitted(this.#protocol, this.#store, context.commitmentId);
    const rows = committed.counts.reduce((sum, n) => sum + n, 0);
    const { key, srs } = await provingKey(this.#protocol, context.vkId, rows);
    this.#proofs.save(context, q, await proveSettlement(committed, q, context, key, srs));
  }

  async settle(modelId: bigint, epochId: bigint): Promise<void> {
    const { q, context } = await settlementContext(this.#protocol, modelId, epochId, this.#account);
    await settleEpoch(this.#protocol, modelId, epochId, this.#proofs.load(context, q));
  }

  async settleByBase(modelId: bigint, epochId: bigint): Promise<void> {
    await settleByBase(this.#protocol, modelId, epochId, this.#account);
  }
}
