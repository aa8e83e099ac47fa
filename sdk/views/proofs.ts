import { getBytes, type Result } from "ethers";
import type { Protocol } from "../contracts.ts";
import type { LastReceipt } from "../epoch.ts";
import { bytesInt8, type G1, type G2 } from "../hash.ts";
import { proposalOf } from "../history.ts";
import { type SettlementProof, type SettlementStatement, settlementChallenges } from "../transcript.ts";
import type { Settlement } from "./money.ts";

/** Arguments of `settle` as they stand in a transaction. */
type Call = {
  q: string;
  totals: string;
  proof: { chunks: { h: bigint; y: bigint; a: bigint; pA: G1; pB: G2; pC: G1 }[]; opening: G1 };
};

/**
 * What a settlement's transaction claimed, and its proof. Undefined where base weights paid or another contract called
 * `settle`.
 */
export async function settleCallOf(protocol: Protocol, modelId: bigint, settlement: Settlement) {
  const { splitter, verifier, addresses } = protocol;
  const { epochId, commitmentId, prover, transaction } = settlement;
  const provider = splitter.runner!.provider!;
  const sent = (await provider.getTransaction(transaction))!;
  const { gasUsed, from } = (await provider.getTransactionReceipt(transaction))!;
  const call = splitter.interface.parseTransaction(sent);
  if (call?.name !== "settle") return undefined;
  const { q, totals, proof: sentProof } = call.args as unknown as Call;
  const { vkId, floorUnits } = await splitter.epoch(modelId, epochId);
  const [x0, y0] = await verifier.scoreCommitment(commitmentId, q);
  const proof: SettlementProof = {
    chunks: sentProof.chunks.map(({ h, y, a, pA, pB, pC }) => ({
      ...{ h, y, a },
      ...{ pA: [...pA] as G1, pB: [...pB] as G2, pC: [...pC] as G1 },
    })),
    opening: [...sentProof.opening] as G1,
  };
  const statement: SettlementStatement = {
    splitter: addresses.splitter,
    chainId: sent.chainId,
    verifier: addresses.verifier,
    vkId,
    commitmentId,
    epochId,
    prover,
    floorUnits,
    q: bytesInt8(q),
    scoreCommitment: [x0, y0],
    totals: getBytes(totals),
    h: proof.chunks.map(({ h }) => h),
  };
  return { from, gasUsed, statement, proof };
}

/** The last receipt of the proposal that stands, as its transaction gave it. Undefined where another contract called `propose`. */
export async function lastReceiptOf(
  { splitter }: Pick<Protocol, "splitter">,
  modelId: bigint,
  epochId: bigint,
): Promise<LastReceipt | undefined> {
  const { transaction } = await proposalOf(splitter, modelId, epochId);
  const call = splitter.interface.parseTransaction((await splitter.runner!.provider!.getTransaction(transaction))!);
  if (call?.name !== "propose") return undefined;
  const last = (call.args.last as Result).toObject() as LastReceipt;
  return { ...last, proof: [...last.proof] };
}

/** A settlement's proof for people to look at: each chunk's public inputs, with `z` and `x` derived again from the statement. */
export async function settlementProofOf(protocol: Protocol, modelId: bigint, settlement: Settlement) {
  const call = await settleCallOf(protocol, modelId, settlement);
  if (call === undefined) return undefined;
  const { from, gasUsed, statement, proof } = call;
  const { vkId, floorUnits } = statement;
  const { queryHash } = await protocol.splitter.epoch(modelId, settlement.epochId);
  const { z, x } = settlementChallenges(statement);
  const chunks = proof.chunks.map(({ h, y, a }) => ({ h, y, a }));
  return { from, gasUsed, vkId, floorUnits, queryHash, z, x, chunks };
}
