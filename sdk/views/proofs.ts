import { getBytes } from "ethers";
import type { Protocol } from "../contracts.ts";
import { bytesInt8 } from "../hash.ts";
import { settlementChallenges } from "../transcript.ts";
import type { Settlement } from "./money.ts";

/** Arguments of `settle` as they stand in a transaction. */
type Call = { q: string; totals: string; proof: { chunks: { h: bigint; y: bigint; a: bigint }[] } };

/**
 * What a settlement's transaction proved: its statement, and the public inputs of each chunk's proof, `z` and `x` derived
 * again from the statement. Undefined where base weights paid or another contract called `settle`.
 */
export async function settlementProofOf(protocol: Protocol, modelId: bigint, settlement: Settlement) {
  const { splitter, verifier, addresses } = protocol;
  const { epochId, commitmentId, prover, transaction } = settlement;
  const provider = splitter.runner!.provider!;
  const sent = (await provider.getTransaction(transaction))!;
  const { gasUsed, from } = (await provider.getTransactionReceipt(transaction))!;
  const call = splitter.interface.parseTransaction(sent);
  if (call?.name !== "settle") return undefined;
  const { q, totals, proof } = call.args as unknown as Call;
  const { vkId, floorUnits, queryHash } = await splitter.epoch(modelId, epochId);
  const [x0, y0] = await verifier.scoreCommitment(commitmentId, q);
  const { z, x } = settlementChallenges({
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
  });
  const chunks = proof.chunks.map(({ h, y, a }) => ({ h, y, a }));
  return { from, gasUsed, vkId, floorUnits, queryHash, z, x, chunks };
}
