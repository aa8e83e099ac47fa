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
