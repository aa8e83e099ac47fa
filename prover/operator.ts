import { getBytes, type Signer } from "ethers";
import type { Srs } from "../circuits/setup/srs.ts";
import type { ProvingKey } from "../circuits/setup/zkey.ts";
import type { Protocol } from "../sdk/contracts.ts";
import type { EpochReceipt } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { int8Bytes } from "../sdk/hash.ts";
import { earningsOf, proposalOf } from "../sdk/history.ts";
import { ReceiptsTree } from "../sdk/receipts-tree.ts";
import { mined } from "../sdk/transactions.ts";
import type { SettlementProof } from "../sdk/transcript.ts";
import { requireBond } from "./bond.ts";
import { type Committed, proveHere, proveSettlement, type Settlement, type SettlementContext } from "./settlement.ts";
import { proveByStage, STAGED_PROOF, settlementGas, TRANSACTION_GAS } from "./stages.ts";

/**
 * Proposes V for a closed epoch; the sender must have bonded enough.
 * @throws OpenLedgerError `EPOCH_FEES_DIFFER` when the receipts are not what the escrow redeemed, `OPERATOR_BOND` when the
 * bond is too small.
 */
export const proposeEpoch = async (
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  receipts: EpochReceipt[],
  k: number,
) => proposeTree(protocol, modelId, epochId, ReceiptsTree.of(receipts, new Map(), k), k);

/** Proposes the leaves of a tree, as {@link proposeEpoch} does. */
export async function proposeTree(protocol: Protocol, modelId: bigint, epochId: bigint, tree: ReceiptsTree, k: number) {
  const { splitter } = protocol;
  const fees = tree.leaves.reduce((sum, { receipt }) => sum + receipt.fee, 0n);
  const { fees: redeemed } = await splitter.epoch(modelId, epochId);
  if (fees !== redeemed)
    throw new OpenLedgerError(
      "EPOCH_FEES_DIFFER",
      `The receipts add up to ${fees}, the escrow redeemed ${redeemed}. Ask the servers for the missing receipts, or redeem first.`,
    );
  await requireBond(protocol, modelId, [epochId], await (splitter.runner as Signer).getAddress());
  return mined(splitter.propose(modelId, epochId, ...tree.proposal(k)));
}

/** What a proof of an epoch is about, once V is proposed: all of its statement that the chain and the prover decide. */
export async function settlementContext(protocol: Protocol, modelId: bigint, epochId: bigint, prover: string) {
  const { splitter, addresses } = protocol;
  const { chainId } = await splitter.runner!.provider!.getNetwork();
  const { commitmentId, vkId } = await splitter.epoch(modelId, epochId);
  const { q, floorUnits } = await proposalOf(splitter, modelId, epochId);
  const context: SettlementContext = {
    splitter: addresses.splitter,
    chainId,
    verifier: addresses.verifier,
    vkId,
    commitmentId,
    epochId,
    prover,
    floorUnits,
  };
  return { q, context };
}

/** Proves what a proposal's Q scores; anyone who has the published sketches can. */
export async function proveEpoch(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  prover: string,
  committed: Committed,
  key: ProvingKey,
  srs: Srs,
  prove = proveHere,
): Promise<Settlement> {
  const { q, context } = await settlementContext(protocol, modelId, epochId, prover);
  return proveSettlement(committed, q, context, key, srs, prove);
}

/** What `settle` takes. */
export type SettleArguments = [
  modelId: bigint,
  epochId: bigint,
  prover: string,
  q: Uint8Array,
  totals: Uint8Array,
  proof: SettlementProof,
  previous: bigint[],
];

/** Arguments of `settle` for a settlement of the given epoch. */
export async function settleArguments(
  { splitter }: Protocol,
  modelId: bigint,
  epochId: bigint,
  { statement, proof }: Pick<Settlement, "statement" | "proof">,
): Promise<SettleArguments> {
  const { q, totals, prover } = statement;
  const { commitmentId } = await splitter.epoch(modelId, epochId);
  return [modelId, epochId, prover, int8Bytes(q), totals, proof, await earningsOf(splitter, commitmentId)];
}

/**
 * Settles an epoch once its challenge window is over: in one transaction if its chunks fit into `gas`, else the chunks
 * are checked by a stage before.
 */
export async function settleEpoch(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  settlement: Settlement,
  gas = TRANSACTION_GAS,
) {
  const { statement, proof } = settlement;
  if (settlementGas(statement, proof) <= gas)
    return mined(protocol.splitter.settle(...(await settleArguments(protocol, modelId, epochId, settlement))));
  await proveByStage(protocol, settlement, gas);
  const staged = { statement, proof: STAGED_PROOF };
  return mined(protocol.splitter.settle(...(await settleArguments(protocol, modelId, epochId, staged))));
}

/** Settles an epoch that needs no proof; `prover` gets the operator's share. */
export async function settleByBase({ splitter }: Protocol, modelId: bigint, epochId: bigint, prover: string) {
  const { commitmentId, proposedAt } = await splitter.epoch(modelId, epochId);
  const q = proposedAt === 0n ? "0x" : int8Bytes((await proposalOf(splitter, modelId, epochId)).q);
  return mined(splitter.settleByBase(modelId, epochId, prover, q, await earningsOf(splitter, commitmentId)));
}

/** What was registered as a commitment, with the sketches it was made from; the caller has checked them against gRoot. */
export async function registeredAs(
  { attribution }: Protocol,
  commitmentId: string,
  sketches: Int8Array,
): Promise<Committed> {
  const { flags } = await attribution.commitment(commitmentId);
  return {
    counts: (await attribution.rowCounts(commitmentId)).map(Number),
    sketches,
    columns: getBytes(await attribution.columns(commitmentId)),
    flags: [flags[0], flags[1]],
  };
}
