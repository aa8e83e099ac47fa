import { ZeroHash } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import { type Receipt, splitterDomain } from "../sdk/eip712.ts";
import { type EpochReceipt, MAX_QUERY_NORM, sortReceipts, toFee18 } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type AttributedReceipt, verifyAttributed } from "../sdk/receipts.ts";
import { isWithin } from "./range.ts";

/** A receipt that its server signed, with what it is known by. */
type Signed = Pick<Receipt, "nonce" | "fee"> &
  Pick<EpochReceipt, "server" | "customer" | "receiptId" | "recordId" | "sketch">;

/**
 * Checks what servers handed over for an epoch, and weighs each receipt that was paid for by its fee.
 * @param weigh ω_t of a sketch for a fee with 18 decimals: the trainer's `queryWeight` for this model.
 * @returns the paid receipts, what the servers handed over by receipt id, and how many were left out because nobody ever
 * paid for them
 * @throws OpenLedgerError `EPOCH_WRONG_RECEIPT`, `EPOCH_DUPLICATE_RECEIPT`, `EPOCH_FEES_DIFFER`, or `SIGNATURE_…` naming
 * what is not signed by the server.
 */
export async function weighReceipts(
  protocol: Protocol,
  modelId: bigint,
  epochId: bigint,
  received: AttributedReceipt[],
  weigh: (sketch: Int8Array, fee18: bigint) => bigint,
): Promise<{ receipts: EpochReceipt[]; records: Map<string, AttributedReceipt>; unpaid: number }> {
  const { splitter, addresses } = protocol;
  const { chainId } = await splitter.runner!.provider!.getNetwork();
  const domain = splitterDomain(chainId, addresses.splitter);
  const { decimals } = await splitter.epoch(modelId, epochId);
  const records = new Map<string, AttributedReceipt>();
  const signed = received.map((attributed): Signed => {
    const { receipt, sketch } = attributed;
    const ids = verifyAttributed(domain, attributed);
    if (receipt.modelId !== modelId || receipt.epochId !== epochId)
      throw new OpenLedgerError(
        "EPOCH_WRONG_RECEIPT",
        `Receipt ${ids.receiptId} is for model ${receipt.modelId}, epoch ${receipt.epochId}. Leave it out.`,
      );
    const { server, customer, nonce, fee } = receipt;
    records.set(ids.receiptId, attributed);
    return { server, customer, nonce, fee, ...ids, sketch };
  });
  const paid = await paidFor(protocol, modelId, epochId, signed);
  const receipts = paid.map(({ nonce: _, ...receipt }) =>
    // A record with a sketch that takes scores out of range counts as none: the operator would lose his stake for it.
    isWithin(receipt.sketch, Number(MAX_QUERY_NORM))
      ? { ...receipt, weight: weigh(receipt.sketch, toFee18(receipt.fee, Number(decimals))) }
      : { ...receipt, recordId: ZeroHash, weight: 0n, sketch: new Int8Array(receipt.sketch.length) },
  );
  return { receipts, records, unpaid: received.length - receipts.length };
}

/**
 * The receipts that the escrow redeemed: of each customer's calls to a server the first, by nonce, since vouchers are
 * cumulative. A call that ended after redeeming had ended was never paid for.
 */
async function paidFor(
  { splitter, escrow }: Protocol,
  modelId: bigint,
  epochId: bigint,
  signed: Signed[],
): Promise<Signed[]> {
  const { token } = await splitter.epoch(modelId, epochId);
  const payers = Object.values(Object.groupBy(sortReceipts(signed), ({ server, customer }) => `${server} ${customer}`));
  const paid = payers.map(async (of) => {
    const calls = of!.sort((a, b) => (a.nonce < b.nonce ? -1 : 1));
    const { server, customer } = calls[0]!;
    const redeemed = await escrow.redeemed(customer, server, modelId, epochId, token);
    let sum = 0n;
    const beyond = calls.findIndex(({ fee }) => {
      if (sum + fee > redeemed) return true;
      sum += fee;
      return false;
    });
    if (sum !== redeemed)
      throw new OpenLedgerError(
        "EPOCH_FEES_DIFFER",
        `Receipts of customer ${customer} from server ${server} add up to ${sum}, the escrow redeemed ${redeemed}. Ask the server for the missing receipts.`,
      );
    return beyond < 0 ? calls : calls.slice(0, beyond);
  });
  return (await Promise.all(paid)).flat();
}
