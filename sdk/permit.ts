import type { Signer } from "ethers";
import type { TestToken } from "./contracts.ts";

/** What an owner signs in the place of an approval (ERC-2612); amounts in token units, the deadline in seconds. */
export type Permit = { owner: string; spender: string; value: bigint; deadline: bigint };

const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The owner's signature for `token`, with his next nonce there and the domain that the token says is its own (ERC-5267). */
export async function signPermit(signer: Signer, token: TestToken, permit: Permit): Promise<string> {
  const { name, version, chainId, verifyingContract } = await token.eip712Domain();
  const domain = { name, version, chainId, verifyingContract };
  return signer.signTypedData(domain, PERMIT_TYPES, { ...permit, nonce: await token.nonces(permit.owner) });
}
