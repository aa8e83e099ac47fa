import type { Protocol } from "../../sdk/contracts.ts";
import type { EpochReceipt } from "../../sdk/epoch.ts";
import { mined } from "../../sdk/transactions.ts";
import { loadSketches, type Sketches } from "../../trainer/attribution/artifact.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import { proposeEpoch, settleByBase, settleEpoch, settlementContext, weighReceipts } from "../operator.ts";
import { proveSettlement } from "../settlement.ts";
import { loadCommitted, loadKey } from "./commitments.ts";
import type { ModelConfig } from "./config.ts";
import type { Due } from "./look.ts";
import type { ProofStore } from "./proofs.ts";
import { fetchRecords } from "./records.ts";

/** What the operator does for an epoch, each step once the chain says that it is due. */
export class Steps implements Record<Due, (modelId: bigint, epochId: bigint) => Promise<void>> {
  readonly #protocol: Protocol;
  readonly #account: string;
  readonly #proofs: ProofStore;
  readonly #models: Map<bigint, ModelConfig & { loaded: Sketches }>;

  /** @param account Who gets the operator's share. */
  constructor(protocol: Protocol, account: string, models: ModelConfig[], proofs: ProofStore) {
    this.#protocol = protocol;
    this.#account = account;
    this.#proofs = proofs;
    this.#models = new Map(models.map((model) => [model.modelId, { ...model, loaded: loadSketches(model.sketches) }]));
  }

  async open(modelId: bigint): Promise<void> {
    await mined(this.#protocol.splitter.openEpoch(modelId));
  }

  /** The epoch's receipts from all servers, checked and weighed. */
  async receipts(modelId: bigint, epochId: bigint): Promise<EpochReceipt[]> {
    const model = this.#models.get(modelId)!;
    const { loaded } = model;
    return weighReceipts(this.#protocol, modelId, epochId, await fetchRecords(model, epochId), (sketch, fee18) =>
      queryWeight(fee18, movement(loaded, sketch), loaded.m0),
    );
  }

  async propose(modelId: bigint, epochId: bigint): Promise<void> {
    const receipts = await this.receipts(modelId, epochId);
    await proposeEpoch(this.#protocol, modelId, epochId, receipts, this.#models.get(modelId)!.loaded.k);
  }

  async prove(modelId: bigint, epochId: bigint): Promise<void> {
    const { loaded } = this.#models.get(modelId)!;
    const { q, context } = await settlementContext(this.#protocol, modelId, epochId, this.#account);
    const committed = await loadCommitted(this.#protocol, context.commitmentId, loaded);
    const { key, srs } = await loadKey(this.#protocol, context.vkId, loaded.count);
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
