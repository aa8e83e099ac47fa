import type { ContractTransactionReceipt, Signer, TypedDataDomain } from "ethers";
import { type Protocol, token } from "../sdk/contracts.ts";
import {
  commitmentSalts,
  escrowDomain,
  type Receipt,
  requestCommitment,
  responseCommitment,
  signVoucher,
  splitterDomain,
  type Voucher,
  verifyReceipt,
} from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { callFee, type Prices } from "../sdk/fees.ts";
import { mined } from "../sdk/transactions.ts";
import type { Completion, Proof } from "./meter.ts";

/** A customer of one model at one server: signs vouchers before each call and checks the receipt after it. */
export class Customer {
  readonly #protocol: Protocol;
  readonly #signer: Signer;
  readonly #modelId: bigint;
  readonly #server: string;
  readonly #vouchers: TypedDataDomain;
  readonly #receipts: TypedDataDomain;
  readonly #address: string;
  /** What receipts add up to, by epoch. */
  readonly #spent = new Map<bigint, bigint>();

  private constructor(
    protocol: Protocol,
    signer: Signer,
    modelId: bigint,
    server: string,
    chainId: bigint,
    address: string,
  ) {
    this.#protocol = protocol;
    this.#signer = signer;
    this.#modelId = modelId;
    this.#server = server;
    this.#address = address;
    this.#vouchers = escrowDomain(chainId, protocol.addresses.escrow);
    this.#receipts = splitterDomain(chainId, protocol.addresses.splitter);
  }

  static async open(protocol: Protocol, signer: Signer, modelId: bigint, server: string): Promise<Customer> {
    const { chainId } = await signer.provider!.getNetwork();
    return new Customer(protocol, signer, modelId, server, chainId, await signer.getAddress());
  }

  /** Deposits `amount` of the model's token, from which vouchers are paid. */
  async deposit(amount: bigint): Promise<ContractTransactionReceipt> {
    const { escrow, models } = this.#protocol;
    const { token: address } = await models.terms(this.#modelId);
    await mined(token(address, this.#signer).approve(escrow, amount));
    return mined(escrow.connect(this.#signer).deposit(this.#address, address, amount));
  }

  /** Promises all spent so far in the current epoch plus the most that the next call can cost. */
  async voucher(promptTokens: number, maxTokens: number): Promise<{ voucher: Voucher; voucherSignature: string }> {
    const { splitter, models } = this.#protocol;
    const epochId = await splitter.currentEpoch(this.#modelId);
    const terms = await models.terms(this.#modelId);
    const { epochLength, redeemWindow } = await splitter.timing();
    const { openedAt } = await splitter.epoch(this.#modelId, epochId);
    const voucher: Voucher = {
      customer: this.#address,
      server: this.#server,
      modelId: this.#modelId,
      epochId,
      token: terms.token,
      cumulative: (this.#spent.get(epochId) ?? 0n) + callFee(terms, promptTokens, maxTokens),
      // An epoch may run on until somebody opens the next: twice its length leaves the server time to redeem.
      deadline: openedAt + 2n * epochLength + redeemWindow,
    };
    return { voucher, voucherSignature: await signVoucher(this.#signer, this.#vouchers, voucher) };
  }

  /**
   * Counts a call whose receipt never came at the most it can cost: the server may have charged that, and the next
   * voucher must cover it.
   */
  lost({ epochId, cumulative }: Voucher): void {
    this.#spent.set(epochId, cumulative);
  }

  /**
   * Checks an answer against its receipt and counts its fee.
   * @throws OpenLedgerError `RECEIPT_…` when the receipt is not for this answer or charges too much.
   */
  accept(answer: Completion & Proof, prices: Prices): void {
    const { receipt, receiptSignature, secret, promptIds, completionIds } = answer;
    verifyReceipt(this.#receipts, receipt, receiptSignature);
    const expected = this.#expected(receipt, secret, promptIds, completionIds, prices);
    for (const [field, value] of Object.entries(expected))
      if (receipt[field as keyof Receipt] !== value)
        throw new OpenLedgerError(
          "RECEIPT_MISMATCH",
          `The receipt's ${field} is ${receipt[field as keyof Receipt]}, this answer's is ${value}. Keep both and stop paying this server.`,
        );
    this.#spent.set(receipt.epochId, (this.#spent.get(receipt.epochId) ?? 0n) + receipt.fee);
  }

  #expected(
    { epochId, nonce }: Receipt,
    secret: string,
    promptIds: number[],
    completionIds: number[],
    prices: Prices,
  ): Receipt {
    const salts = commitmentSalts(secret);
    return {
      customer: this.#address,
      server: this.#server,
      modelId: this.#modelId,
      epochId,
      nonce,
      request: requestCommitment(salts.request, promptIds),
      response: responseCommitment(salts.response, completionIds),
      inputTokens: BigInt(promptIds.length),
      outputTokens: BigInt(completionIds.length),
      fee: callFee(prices, promptIds.length, completionIds.length),
    };
  }
}
