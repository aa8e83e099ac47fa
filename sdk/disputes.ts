import type { RewardSplitter } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";
import { keccak, tag } from "./hash.ts";

/** An auditor's vote on one case of a committee. */
export type Vote = {
  chainId: bigint;
  committee: string;
  caseId: bigint;
  auditor: string;
  uphold: boolean;
  /** 32 random bytes that the auditor keeps until he reveals. */
  salt: string;
};

/** What an auditor commits to; his address is in it, so that a copied commitment opens for nobody else. */
export const voteHash = ({ chainId, committee, caseId, auditor, uphold, salt }: Vote): string =>
  keccak(
    ["bytes32", "uint256", "address", "uint256", "address", "bool", "bytes32"],
    [tag("Vote"), chainId, committee, caseId, auditor, uphold, salt],
  );

/** What can be wrong with a proposal, in the order of `Fault` in contracts/interfaces/IReceiptJudge.sol. */
export const FAULTS = [
  "none",
  "range",
  "order",
  "fee sum",
  "payer's sum",
  "payer's fees",
  "missing payer",
  "no record",
  "sketch",
  "sum",
  "weight",
  "unanswered",
  "verdict",
] as const;

export type Fault = (typeof FAULTS)[number];

/** In the order of `Kind` and `Outcome` in contracts/interfaces/IEpochDisputes.sol. */
export const DISPUTE_KINDS = ["demand", "sample", "sketch", "report"] as const;
export const DISPUTE_OUTCOMES = ["open", "answered", "upheld", "dismissed", "undecided", "released"] as const;

/** In the order of `Verdict` in contracts/interfaces/ICommittee.sol. */
export const VERDICTS = ["pending", "upheld", "dismissed", "undecided"] as const;

/**
 * The proposal that stands for an epoch, as `EpochDisputes` takes it.
 * @throws OpenLedgerError `EPOCH_NOT_PROPOSED`
 */
export async function standingProposal(splitter: RewardSplitter, modelId: bigint, epochId: bigint) {
  const { round, proposedAt } = await splitter.epoch(modelId, epochId);
  if (proposedAt === 0n)
    throw new OpenLedgerError(
      "EPOCH_NOT_PROPOSED",
      `Epoch ${epochId} of model ${modelId} has no proposal. Wait until V is proposed.`,
    );
  return { modelId, epochId, round };
}
