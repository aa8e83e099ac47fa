import { concat, dataSlice, getAddress, ZeroHash } from "ethers";
import type { Srs } from "../circuits/setup/srs.ts";
import type { ProvingKey } from "../circuits/setup/zkey.ts";
import { type Protocol, type ReceiptJudge, receiptJudge } from "../sdk/contracts.ts";
import { FAULTS, type Fault, standingProposal } from "../sdk/disputes.ts";
import { receiptId, splitterDomain } from "../sdk/eip712.ts";
import { type EpochReceipt, toFee18 } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { AttributedReceipt } from "../sdk/receipts.ts";
import type { ReceiptsTree } from "../sdk/receipts-tree.ts";
import { revertReason } from "../sdk/revert.ts";
import { mined } from "../sdk/transactions.ts";
import type { DisputeView } from "../sdk/views/disputes.ts";
import type { IReceiptJudgeTypes as Types } from "../types/ethers-contracts/contracts/disputes/EpochDisputes.ts";
import { type Committed, proveSettlement } from "./settlement.ts";

/** What is wrong with a proposal, and where. */
export type Found =
  | { kind: "step"; index: number; fault: Fault }
  | { kind: "payer"; index: number; server: string; customer: string }
  | { kind: "weight"; index: number }
  /** The record does not open to the sketch that the operator shows: he must open it on-chain. */
  | { kind: "demand"; index: number };

/** Where a payer stands in the leaves' order. */
const payer = ({ server, customer }: Pick<EpochReceipt, "server" | "customer">) =>
  concat([server, customer]).toLowerCase();

/**
 * The first fault of a proposal, from the leaves as the operator shows them. Steps are put to the contract's own judge.
 * @param weigh ω_t of a sketch for a fee with 18 decimals: the trainer's `queryWeight` for this model.
 * @throws OpenLedgerError `EPOCH_NOT_PROPOSED`, or `DISPUTE_OTHER_TREE` if these leaves are not what was proposed.
 */
export async function findFault(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  tree: ReceiptsTree,
  weigh: (sketch: Int8Array, fee18: bigint) => bigint,
): Promise<Found | undefined> {
  const { splitter } = protocol;
  const proposal = await standingProposal(splitter, modelId, epochId);
  const { decimals } = await requireTree(protocol, modelId, epochId, tree);
  const judge = await receiptJudge(protocol);
  for (const index of tree.leaves.keys()) {
    const fault = await stepFault(judge, proposal, tree.step(index));
    if (fault === "unopened") return { kind: "demand", index };
    if (fault !== "none") return { kind: "step", index, fault };
  }
  const missing = missingPayer(tree, await redeemedBy(protocol, modelId, epochId));
  if (missing) return missing;
  const wrong = tree.leaves.findIndex(
    ({ receipt }) =>
      receipt.recordId !== ZeroHash && receipt.weight !== weigh(receipt.sketch, toFee18(receipt.fee, Number(decimals))),
  );
  return wrong < 0 ? undefined : { kind: "weight", index: wrong };
}

/**
 * Checks that leaves are what was proposed for an epoch.
 * @returns the epoch
 * @throws OpenLedgerError `DISPUTE_OTHER_TREE`
 */
export async function requireTree({ splitter }: Protocol, modelId: bigint, epochId: bigint, tree: ReceiptsTree) {
  const epoch = await splitter.epoch(modelId, epochId);
  const { receiptsRoot, count } = epoch;
  if (tree.root !== receiptsRoot || BigInt(tree.leaves.length) !== count)
    throw new OpenLedgerError(
      "DISPUTE_OTHER_TREE",
      `These ${tree.leaves.length} leaves hash to ${tree.root}, the ${count} proposed to ${receiptsRoot}. Ask the operator for the right ones, or demand a leaf.`,
    );
  return epoch;
}

async function stepFault(judge: ReceiptJudge, proposal: Types.ProposalStruct, step: Types.StepStruct) {
  try {
    return FAULTS[Number(await judge.stepFault(proposal, step))]!;
  } catch (error) {
    if (revertReason(error).includes("JudgeInvalidOpening")) return "unopened";
    throw error;
  }
}

/** Payers whose fees the escrow redeemed for an epoch. */
async function redeemedBy({ escrow }: Protocol, modelId: bigint, epochId: bigint): Promise<Set<string>> {
  const redeemed = await escrow.queryFilter(escrow.filters.VoucherRedeemed(undefined, undefined, modelId));
  return new Set(redeemed.filter(({ args }) => args.epochId === epochId).map(({ args }) => payer(args)));
}

function missingPayer({ leaves }: ReceiptsTree, redeemed: Set<string>): Found | undefined {
  const payers = leaves.map(({ receipt }) => payer(receipt));
  const missing = [...redeemed].find((one) => !payers.includes(one));
  if (missing === undefined) return undefined;
  const after = payers.findIndex((one) => one > missing);
  const [server, customer] = [dataSlice(missing, 0, 20), dataSlice(missing, 20)].map(getAddress) as [string, string];
  return { kind: "payer", index: after < 0 ? leaves.length : after, server, customer };
}

/** What a proof of L takes: what was committed, its key, and the powers of τ. */
export type Proving = { committed: Committed; key: ProvingKey; srs: Srs };

/** Settlement proofs of q and −q that show L, as `challengeWeight` takes them from `prover`. */
export async function proveMovement(
  protocol: Protocol,
  { modelId, epochId }: { modelId: bigint; epochId: bigint },
  sketch: Int8Array,
  prover: string,
  { committed, key, srs }: Proving,
): Promise<[up: Types.ScoresStruct, down: Types.ScoresStruct]> {
  const { splitter, disputes, addresses } = protocol;
  const { chainId } = await splitter.runner!.provider!.getNetwork();
  const { commitmentId, vkId } = await splitter.epoch(modelId, epochId);
  const place = { splitter: await disputes.judge(), verifier: addresses.verifier, chainId };
  const context = { ...place, vkId, commitmentId, epochId, prover, floorUnits: 0n };
  const prove = async (query: Int8Array): Promise<Types.ScoresStruct> => {
    try {
      const { statement, proof } = await proveSettlement(committed, query, context, key, srs);
      return { totals: statement.totals, proof };
    } catch (error) {
      // Where C_s is zero, all scores are, and the contract sees that.
      if (error instanceof OpenLedgerError && error.code === "SETTLEMENT_ZERO")
        return { totals: "0x", proof: { chunks: [], opening: [0n, 0n] } };
      throw error;
    }
  };
  return [await prove(sketch), await prove(sketch.map((entry) => -entry))];
}

/**
 * Sends what shows a fault. A wrong step, payer or weight is decided by the transaction; a demand locks a bond.
 * @param proving Needed for a weight only.
 */
export async function challenge(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  tree: ReceiptsTree,
  found: Found,
  prover: string,
  proving: () => Promise<Proving>,
) {
  const { splitter, disputes } = protocol;
  const proposal = await standingProposal(splitter, modelId, epochId);
  const { index } = found;
  switch (found.kind) {
    case "step":
      return mined(disputes.challengeStep(proposal, tree.step(index)));
    case "payer": {
      const neighbours = [tree.proven(index - 1), tree.proven(index)] as const;
      return mined(disputes.challengePayer(proposal, found.server, found.customer, index, ...neighbours));
    }
    case "weight": {
      const { sketch } = tree.leaves[index]!.receipt;
      const scores = await proveMovement(protocol, proposal, sketch, prover, await proving());
      return mined(disputes.challengeWeight(proposal, index, tree.proven(index), tree.opening(index), ...scores));
    }
    case "demand":
      return mined(disputes.demand(proposal, index));
  }
}

/**
 * Opens the leaf that a dispute demands.
 * @param tree The leaves of the proposal that is disputed.
 * @param records What servers handed over for its receipts, in any order.
 * @throws OpenLedgerError `DEMAND_RECORD` if the receipt's record is missing.
 */
export async function answerDemand(
  { disputes, splitter, addresses }: Protocol,
  { id, kind, target }: Pick<DisputeView, "id" | "kind" | "target">,
  tree: ReceiptsTree,
  records: AttributedReceipt[],
) {
  const index = kind === "sample" ? tree.at(target) : Number(target);
  const { chainId } = await splitter.runner!.provider!.getNetwork();
  const domain = splitterDomain(chainId, addresses.splitter);
  const wanted = tree.leaves[index]!.receipt;
  const record = records.find(({ receipt }) => receiptId(domain, receipt) === wanted.receiptId);
  if (record === undefined)
    throw new OpenLedgerError(
      "DEMAND_RECORD",
      `Dispute ${id} demands leaf ${index}, and there is no record of its receipt ${wanted.receiptId}. Ask server ${wanted.server} for its records of the epoch.`,
    );
  return mined(disputes.answer(id, tree.answer(index, record)));
}
