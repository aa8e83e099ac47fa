import type { Content } from "../../sdk/content.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { ReceiptsTree } from "../../sdk/receipts-tree.ts";
import { mined } from "../../sdk/transactions.ts";
import { disputesOf, isAnswerable, isSurvived } from "../../sdk/views/disputes.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import { answerDemand } from "../disputes.ts";
import { provingKey } from "../keys.ts";
import { proposeTree, settleByBase, settleEpoch, settlementContext } from "../operator.ts";
import { weighReceipts } from "../receipts.ts";
import { proveHere, proveSettlement } from "../settlement.ts";
import { forgetChunks, type WorkerOptions, workerProver } from "../workers.ts";
import { fetchCommitted, fetchSketches } from "./commitments.ts";
import type { OperatorConfig } from "./config.ts";
import type { Due } from "./look.ts";
import type { ProofStore } from "./proofs.ts";
import type { Receipts, ReceiptsStore } from "./receipts.ts";
import { fetchRecords } from "./records.ts";

/** What the operator does for an epoch, each step once the chain says that it is due. */
export class Steps implements Record<Due, (modelId: bigint, epochId: bigint) => Promise<void>> {
  readonly #protocol: Protocol;
  readonly #account: string;
  readonly #proofs: ProofStore;
  readonly #kept: ReceiptsStore;
  readonly #store: Content;
  readonly #config: Pick<OperatorConfig, "servers" | "keys">;
  readonly #say: (line: string) => void;
  readonly #workers: WorkerOptions | undefined;

  /**
   * @param account Who gets the operator's share.
   * @param say Told what people should know.
   * @param workers How chunks are proven; one after the other in this process where it is left out.
   */
  constructor(
    protocol: Protocol,
    account: string,
    store: Content,
    config: Pick<OperatorConfig, "servers" | "keys">,
    proofs: ProofStore,
    kept: ReceiptsStore,
    say: (line: string) => void,
    workers?: WorkerOptions,
  ) {
    this.#protocol = protocol;
    this.#account = account;
    this.#proofs = proofs;
    this.#kept = kept;
    this.#store = store;
    this.#config = config;
    this.#say = say;
    this.#workers = workers;
  }

  async open(modelId: bigint): Promise<void> {
    await mined(this.#protocol.splitter.openEpoch(modelId));
  }

  /** The epoch's paid receipts from all servers, checked, weighed and summed. */
  async receipts(modelId: bigint, epochId: bigint): Promise<Receipts> {
    const { commitmentId } = await this.#protocol.splitter.epoch(modelId, epochId);
    const sketches = await fetchSketches(this.#protocol, this.#store, commitmentId);
    const received = await fetchRecords(this.#config.servers, modelId, epochId);
    const { receipts, records, unpaid } = await weighReceipts(
      this.#protocol,
      modelId,
      epochId,
      received,
      (sketch, fee18) => queryWeight(fee18, movement(sketches, sketch), sketches.m0),
    );
    if (unpaid > 0)
      this.#say(`model ${modelId} epoch ${epochId}: left out ${unpaid} receipts that were not redeemed in time`);
    const tree = ReceiptsTree.of(receipts, records, sketches.k);
    return { tree, records: tree.leaves.map(({ receipt }) => records.get(receipt.receiptId)!) };
  }

  async propose(modelId: bigint, epochId: bigint): Promise<void> {
    const receipts = await this.receipts(modelId, epochId);
    const { commitmentId } = await this.#protocol.splitter.epoch(modelId, epochId);
    const { k } = await this.#protocol.attribution.commitment(commitmentId);
    this.#kept.save(receipts);
    await proposeTree(this.#protocol, modelId, epochId, receipts.tree, Number(k));
  }

  /** Answers what is demanded of the own proposal; one demand that cannot be answered stops no other. */
  async answer(modelId: bigint, epochId: bigint): Promise<void> {
    const { splitter } = this.#protocol;
    const { receiptsRoot, round } = await splitter.epoch(modelId, epochId);
    const { tree, records } =
      this.#kept.load(receiptsRoot) ??
      (await this.#again(
        modelId,
        epochId,
        receiptsRoot,
        "Its receipts are not in the data directory: answer with the task epoch:answer.",
      ));
    const { timestamp } = (await splitter.runner!.provider!.getBlock("latest"))!;
    const failures: unknown[] = [];
    for (const dispute of await disputesOf(this.#protocol, modelId, epochId))
      if (isAnswerable(dispute, round, BigInt(timestamp)))
        try {
          await answerDemand(this.#protocol, dispute, tree, records);
        } catch (error) {
          failures.push(error);
        }
    if (failures.length > 0) throw failures[0];
  }

  /** Ends what the committee did not uphold: until then the epoch cannot be settled. */
  async resolve(modelId: bigint, epochId: bigint): Promise<void> {
    const { splitter, disputes } = this.#protocol;
    for (const dispute of await disputesOf(this.#protocol, modelId, epochId)) {
      // Read anew each time: a case that nobody decided takes the proposal with it.
      const { round, proposedAt } = await splitter.epoch(modelId, epochId);
      if (proposedAt !== 0n && (await isSurvived(this.#protocol, dispute, round)))
        await mined(disputes.resolve(dispute.id));
    }
  }

  /** Holds another's proposal against the servers' records: of the same receipts, weighed alike, comes the same root. */
  async check(modelId: bigint, epochId: bigint): Promise<void> {
    const { receiptsRoot, proposer } = await this.#protocol.splitter.epoch(modelId, epochId);
    await this.#again(
      modelId,
      epochId,
      receiptsRoot,
      `It is ${proposer}'s: look at its leaves, and challenge what is wrong or demand them (epoch:challenge), before the challenge window ends.`,
    );
  }

  /** Receipts that were proposed elsewhere, or whose folder is lost, taken from the servers again. */
  async #again(modelId: bigint, epochId: bigint, root: string, otherwise: string): Promise<Receipts> {
    const receipts = await this.receipts(modelId, epochId);
    if (receipts.tree.root !== root)
      throw new OpenLedgerError(
        "OPERATOR_RECEIPTS",
        `The servers' records hash to ${receipts.tree.root}, and ${root} was proposed. ${otherwise}`,
      );
    this.#kept.save(receipts);
    return receipts;
  }

  async prove(modelId: bigint, epochId: bigint): Promise<void> {
    const { q, context } = await settlementContext(this.#protocol, modelId, epochId, this.#account);
    const committed = await fetchCommitted(this.#protocol, this.#store, context.commitmentId);
    const rows = committed.counts.reduce((sum, n) => sum + n, 0);
    const { key, srs } = await provingKey(this.#protocol, context.vkId, rows, this.#config.keys);
    const prove = this.#workers ? workerProver(this.#workers) : proveHere;
    const settlement = await proveSettlement(committed, q, context, key, srs, prove);
    this.#proofs.save(context, q, settlement);
    if (this.#workers) forgetChunks(this.#workers.folder, settlement);
  }

  async settle(modelId: bigint, epochId: bigint): Promise<void> {
    const { q, context } = await settlementContext(this.#protocol, modelId, epochId, this.#account);
    await settleEpoch(this.#protocol, modelId, epochId, this.#proofs.load(context, q));
  }

  async settleByBase(modelId: bigint, epochId: bigint): Promise<void> {
    await settleByBase(this.#protocol, modelId, epochId, this.#account);
  }
}
