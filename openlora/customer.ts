import { type ContractTransactionReceipt, getAddress, type Signer, type TypedDataDomain } from "ethers";
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
import { verifyVoucherOnChain } from "../sdk/wallets.ts";
import type { Completion, Proof } from "./meter.ts";

/**
 * Keeps what a customer may owe over restarts, as `localStorage` does. What a server says of that is never taken: it
 * could raise what the next voucher promises.
 */
export type Ledger = { getItem(key: string): string | null; setItem(key: string, value: string): void };

/** A customer of one model at one server: signs vouchers before each call and checks the receipt after it. */
export class Customer {
  readonly #protocol: Protocol;
  readonly #signer: Signer;
  readonly #modelId: bigint;
  readonly #server: string;
  readonly #vouchers: TypedDataDomain;
  readonly #receipts: TypedDataDomain;
  readonly #address: string;
  readonly #ledger: Ledger | undefined;
  /** What receipts add up to, by epoch. */
  readonly #spent = new Map<bigint, bigint>();

  private constructor(
    protocol: Protocol,
    signer: Signer,
    modelId: bigint,
    server: string,
    chainId: bigint,
    address: string,
    ledger: Ledger | undefined,
  ) {
    this.#protocol = protocol;
    this.#signer = signer;
    this.#modelId = modelId;
    this.#server = server;
    this.#address = address;
    this.#ledger = ledger;
    this.#vouchers = escrowDomain(chainId, protocol.addresses.escrow);
    this.#receipts = splitterDomain(chainId, protocol.addresses.splitter);
  }

  /** @param ledger Needed to go on paying in the same epoch after a restart. */
  static async open(
    protocol: Protocol,
    signer: Signer,
    modelId: bigint,
    server: string,
    ledger?: Ledger,
  ): Promise<Customer> {
    const { chainId } = await signer.provider!.getNetwork();
    return new Customer(protocol, signer, modelId, server, chainId, await signer.getAddress(), ledger);
  }

  /** The most that the server may have charged so far in an epoch, in token units. */
  due(epochId: bigint): bigint {
    return this.#spent.get(epochId) ?? BigInt(this.#ledger?.getItem(this.#key(epochId)) ?? 0);
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
    const spent = this.due(epochId);
    const voucher: Voucher = {
      customer: this.#address,
      server: this.#server,
      modelId: this.#modelId,
      epochId,
      token: terms.token,
      cumulative: spent + callFee(terms, promptTokens, maxTokens),
      // An epoch may run on until somebody opens the next: twice its length leaves the server time to redeem.
      deadline: openedAt + 2n * epochLength + redeemWindow,
    };
    const voucherSignature = await signVoucher(this.#signer, this.#vouchers, voucher);
    // Whoever ends before the receipt comes must find that all of it may be due.
    this.#spent.set(epochId, spent);
    this.#ledger?.setItem(this.#key(epochId), String(voucher.cumulative));
    return { voucher, voucherSignature };
  }

  /** Takes back what `voucher` promised, of a call that the server refused. */
  refused({ epochId }: Voucher): void {
    this.#count(epochId, this.due(epochId));
  }

  /**
   * Takes in a voucher that this account signed elsewhere, by another program: the next one goes on from there. No word of
   * the server is taken, only the account's own signature, by which the server may have that much anyway.
   * @returns whether it promised more than was known
   */
  async promised(voucher: Voucher, signature: string): Promise<boolean> {
    const { customer, server, modelId, epochId, token: paidIn, cumulative } = voucher;
    const isOurs = customer === this.#address && server === getAddress(this.#server) && modelId === this.#modelId;
    const { token: expected } = await this.#protocol.models.terms(this.#modelId);
    if (!isOurs || paidIn !== expected || cumulative <= this.due(epochId)) return false;
    try {
      await verifyVoucherOnChain(this.#signer.provider!, this.#vouchers, voucher, signature);
    } catch {
      return false;
    }
    this.#count(epochId, cumulative);
    return true;
  }

  /**
   * Counts a call whose receipt never came at the most it can cost: the server may have charged that, and the next
   * voucher must cover it.
   */
  lost({ epochId, cumulative }: Voucher): void {
    this.#count(epochId, cumulative);
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
    this.#count(receipt.epochId, this.due(receipt.epochId) + receipt.fee);
  }

  #count(epochId: bigint, spent: bigint): void {
    this.#spent.set(epochId, spent);
    this.#ledger?.setItem(this.#key(epochId), String(spent));
  }

  #key(epochId: bigint): string {
    const { chainId, verifyingContract } = this.#vouchers;
    return `openledger.due:${[chainId, verifyingContract, this.#address, this.#server, this.#modelId, epochId].join(":")}`;
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
