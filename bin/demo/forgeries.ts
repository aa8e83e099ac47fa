import { ZeroHash } from "ethers";
import type { Srs } from "../../circuits/setup/srs.ts";
import type { ProvingKey } from "../../circuits/setup/zkey.ts";
import type { LocalChain } from "../../deploy/local.ts";
import { combineColumns } from "../../prover/kzg.ts";
import { type SettleArguments, settleArguments } from "../../prover/operator.ts";
import { assembleSettlement, type Committed, openCombined, type Settlement } from "../../prover/settlement.ts";
import { buildWitness } from "../../prover/witness.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { proposalOf } from "../../sdk/history.ts";
import { revertReason } from "../../sdk/revert.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { mined } from "../../sdk/transactions.ts";

/** A forged settlement, and what the contracts said to it. */
export type Attempt = { forgery: string; reverted: boolean; reason: string };

/** Sends a settlement without leaving a trace. It counts as refused only if the check that it breaks refuses it. */
async function attempt(protocol: Protocol, forgery: string, check: string, args: SettleArguments): Promise<Attempt> {
  try {
    await protocol.splitter.settle.staticCall(...args);
    return { forgery, reverted: false, reason: "accepted" };
  } catch (error) {
    const reason = revertReason(error);
    return { forgery, reverted: reason.startsWith(`${check}(`), reason };
  }
}

/** The best forgeries of an operator who holds all data: everything is derived again honestly after the change. */
export async function forge(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  honest: Settlement,
  committed: Committed,
  key: ProvingKey,
  srs: Srs,
): Promise<Attempt[]> {
  const settle = async (query: Int8Array, change: (totals: bigint[]) => bigint[]) => {
    const { q: _q, scoreCommitment: _c, totals: _t, h: _h, ...context } = honest.statement;
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
    return settleArguments(protocol, modelId, epochId, { statement, proof });
  };
  const { q } = honest.statement;
  const moved = await settle(q, ([first, second, ...rest]) => [first! + second! / 2n, second! - second! / 2n, ...rest]);
  const changed = q.map((entry, j) => (j === 0 ? (entry === 0 ? 1 : -entry) : entry));
  return [
    await attempt(protocol, "half of one contributor's total moved to another", "VerifierTotalsMismatch", moved),
    await attempt(
      protocol,
      "one entry of Q changed, honestly proven",
      "SplitterQueryMismatch",
      await settle(changed, (totals) => totals),
    ),
  ];
}

/** Sends a true settlement of one epoch again for another, for which the same V has been proposed. Undone afterwards. */
export async function replay(
  chain: LocalChain,
  operator: number,
  modelId: bigint,
  epochId: bigint,
  settled: Settlement,
): Promise<Attempt> {
  const snapshot = await chain.provider.send("evm_snapshot", []);
  const protocol = chain.as(operator);
  const { splitter } = protocol;
  const { v } = await proposalOf(splitter, modelId, settled.statement.epochId);
  await mined(splitter.propose(modelId, epochId, v, 1, ZeroHash));
  await chain.wait(Number((await splitter.timing()).challengeWindow) + 1);
  const result = await attempt(
    protocol,
    "a valid settlement replayed for another epoch",
    "VerifierTotalsMismatch",
    await settleArguments(protocol, modelId, epochId, settled),
  );
  await chain.provider.send("evm_revert", [snapshot]);
  chain.account(operator).reset();
  return result;
}
