import { getBytes } from "ethers";
import type { Srs } from "../../circuits/setup/srs.ts";
import type { ProvingKey } from "../../circuits/setup/zkey.ts";
import type { LocalChain } from "../../deploy/local.ts";
import { combineColumns } from "../../prover/kzg.ts";
import { type SettleArguments, settlementContext } from "../../prover/operator.ts";
import { assembleSettlement, type Committed, openCombined } from "../../prover/settlement.ts";
import { buildWitness } from "../../prover/witness.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { NO_RECEIPT, receiptLeaf } from "../../sdk/epoch.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { proposalOf } from "../../sdk/history.ts";
import { revertReason } from "../../sdk/revert.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { mined } from "../../sdk/transactions.ts";

/** A forged settlement, and what the contracts said to it. */
export type Attempt = { forgery: string; reverted: boolean; reason: string };

/** Where a true settlement stands on the chain. */
export type Settled = { transactionHash: string; blockNumber: number };

/** Calls `settle` without leaving a trace. It counts as refused only if the check that it breaks refuses it. */
async function attempt(
  { splitter }: Protocol,
  forgery: string,
  check: string,
  args: SettleArguments,
  blockTag: number | "latest",
): Promise<Attempt> {
  try {
    await splitter.settle.staticCall(...args, { blockTag });
    return { forgery, reverted: false, reason: "accepted" };
  } catch (error) {
    const reason = revertReason(error);
    return { forgery, reverted: reason.startsWith(`${check}(`), reason };
  }
}

/** Arguments that a true settlement was sent with. */
async function argumentsOf({ splitter }: Protocol, { transactionHash }: Settled): Promise<SettleArguments> {
  const sent = await splitter.runner!.provider!.getTransaction(transactionHash);
  const [modelId, epochId, prover, q, totals, proof, previous] = splitter.interface.parseTransaction(sent!)!.args;
  // ethers freezes what it decodes, and changes what it encodes.
  return [modelId, epochId, prover, getBytes(q), getBytes(totals), proof.toArray(true), [...previous]];
}

/**
 * The best forgeries of an operator who holds all data: everything is derived again honestly after the change. They are
 * tried in the place of the true settlement, in the block before it.
 * @param proven Told what each proof took.
 */
export async function forge(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  settled: Settled,
  committed: Committed,
  key: ProvingKey,
  srs: Srs,
  proven: (used: NodeJS.CpuUsage) => void,
): Promise<Attempt[]> {
  const [, , prover, , , , previous] = await argumentsOf(protocol, settled);
  const { q, context } = await settlementContext(protocol, modelId, epochId, prover);
  const settle = async (query: Int8Array, change: (totals: bigint[]) => bigint[]): Promise<SettleArguments> => {
    const started = process.cpuUsage();
    const scores = scoreRows(committed.sketches, query);
    const { statement, proof } = await assembleSettlement(
      {
        context,
        query,
        scoreCommitment: await combineColumns(committed.columns, query),
        totals: change(totalsOf(scores, committed.counts)),
        chunks: buildWitness(scores, committed.counts, key.circuit.instance.rows),
      },
      key,
      (z, x) => openCombined(scores, committed.counts, z, x, srs),
    );
    proven(process.cpuUsage(started));
    return [modelId, epochId, prover, int8Bytes(query), statement.totals, proof, previous];
  };
  const moved = await settle(q, ([first, second, ...rest]) => [first! + second! / 2n, second! - second! / 2n, ...rest]);
  const changed = q.map((entry, j) => (j === 0 ? (entry === 0 ? 1 : -entry) : entry));
  const before = settled.blockNumber - 1;
  const half = "half of one contributor's total moved to another";
  return [
    await attempt(protocol, half, "VerifierTotalsMismatch", moved, before),
    await attempt(
      protocol,
      "one entry of Q changed, honestly proven",
      "SplitterQueryMismatch",
      await settle(changed, (totals) => totals),
      before,
    ),
  ];
}

/** Sends a true settlement of one epoch again for the one now open, once the same V has been proposed for that. */
export async function replay(
  chain: LocalChain,
  operator: number,
  modelId: bigint,
  epochId: bigint,
  settled: Settled,
): Promise<Attempt> {
  const protocol = chain.as(operator);
  const { splitter } = protocol;
  const { epochLength, redeemWindow, challengeWindow } = await splitter.timing();
  const [, , prover, q, totals, proof] = await argumentsOf(protocol, settled);
  const { v } = await proposalOf(splitter, modelId, epochId);
  const open = await splitter.currentEpoch(modelId);
  await chain.wait(Number(epochLength));
  await mined(splitter.openEpoch(modelId));
  await chain.wait(Number(redeemWindow) + 1);
  const root = receiptLeaf(0, NO_RECEIPT, { v, feeSum: 0n, payerFees: 0n });
  await mined(splitter.propose(modelId, open, v, 1, root, NO_RECEIPT));
  await chain.wait(Number(challengeWindow) + 1);
  const [last] = (await splitter.queryFilter(splitter.filters.EpochSettled(modelId))).slice(-1);
  const args: SettleArguments = [modelId, open, prover, q, totals, proof, [...last!.args.cumulative]];
  return attempt(protocol, "a valid settlement replayed for another epoch", "VerifierTotalsMismatch", args, "latest");
}
