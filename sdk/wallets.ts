import { Contract, isHexString, type Provider, type TypedDataDomain } from "ethers";
import { type Voucher, verifyVoucher, voucherHash } from "./eip712.ts";
import { OpenLedgerError } from "./errors.ts";

const ERC1271 = ["function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)"];
const VALID = "0x1626ba7e";

/**
 * Checks a voucher's signature as the escrow would now: that of a contract wallet by the wallet's own word (ERC-1271).
 * @returns whether the customer is a contract. Its word may change before the voucher is redeemed.
 * @throws OpenLedgerError `SIGNATURE_INVALID` or `SIGNATURE_WRONG_SIGNER`
 */
export async function verifyVoucherOnChain(
  provider: Provider,
  domain: TypedDataDomain,
  voucher: Voucher,
  signature: string,
): Promise<boolean> {
  const { customer } = voucher;
  if ((await provider.getCode(customer)) === "0x") {
    verifyVoucher(domain, voucher, signature);
    return false;
  }
  if (!isHexString(signature))
    throw new OpenLedgerError("SIGNATURE_INVALID", "The Voucher's signature is malformed. Send it in hexadecimal.");
  const wallet = new Contract(customer, ERC1271, provider);
  const answer = await wallet
    .getFunction("isValidSignature")(voucherHash(domain, voucher), signature)
    .catch(() => "");
  if (answer !== VALID)
    throw new OpenLedgerError(
      "SIGNATURE_WRONG_SIGNER",
      `The contract wallet ${customer} does not take this signature of the Voucher. Check its fields, the chain id and who signs for the wallet.`,
    );
  return true;
}
