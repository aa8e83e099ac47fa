import { hexlify, isError, randomBytes, type Signer, type TypedDataDomain } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import {
  commitmentSalts,
  escrowDomain,
  type Receipt,
  receiptId,
  requestCommitment,
  responseCommitment,
  signReceipt,
  signSketchRecord,
  splitterDomain,
  type Voucher,
} from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { callFee, type Prices } from "../sdk/fees.ts";
import { type AttributedReceipt, sketchRecord } from "../sdk/receipts.ts";
import { revertReason } from "../sdk/revert.ts";
import { mined } from "../sdk/transactions.ts";
import { Turns } from "../sdk/turns.ts";
import { verifyVoucherOnChain } from "../sdk/wallets.ts";
import { Journal, type ServedCall } from "./journal.ts";

/** Token ids of a prompt and of what was decoded from it. */
export type Completion = { promptIds: number[]; completionIds: number[] };

/** What a paying customer gets besides the text. */
export type Proof = { receipt: Receipt; receiptSignature: string; secret: string };

/** What a customer must know to sign a voucher; prices are token units per 1,000 tokens. */
export type Quote = Pick<Voucher, "server" | "modelId" | "epochId" | "token" | "deadline"> & Prices;

/** The voucher promises less than is due; `last` is the customer's own with the highest promise, to go on from. */
export class VoucherTooSmall extends OpenLedgerError {
  readonly last: { voucher: Voucher; signature: string } | undefined;

  constructor({ cumulative }: Voucher, needed: bigint, last: VoucherTooSmall["last"]) {
    super(
      "VOUCHER_AMOUNT",
      `The voucher promises ${cumulative} in all; with this call up to ${needed} is due. Sign one for ${needed}.`,
    );
    this.last = last;
  }
}

/** What a customer was charged in all and by epoch, and the epochs known to be redeemed in full. Token units. */
type Account = { total: bigint; charged: Map<bigint, bigint>; redeemed: Map<bigint, bigint> };

/**
 * Meters one model for one server: checks a voucher before anything is computed, signs a receipt for what was served,
 * and later the record that ties the receipt to its sketch.
 */
export class Meter {
  readonly #protocol: Protocol;
  readonly #signer: Signer;
  readonly #modelId: bigint;
  readonly #journal: Journal;
  readonly #vouchers: TypedDataDomain;
  readonly #receipts: TypedDataDomain;
  readonly #server: string;
  /** Calls by epoch and receipt id. */
  readonly #calls = new Map<bigint, Map<string, ServedCall>>();
  readonly #accounts = new Map<string, Account>();
  #nonce = 0n;
  readonly #redeeming = new Turns();
  readonly #signing = new Turns();
  /** The most that the calls now being computed can cost, by customer. */
  readonly #underway = new Map<string, bigint>();
  /** Of each customer the voucher that promised most in the epoch it is for. */
  readonly #promised = new Map<string, NonNullable<VoucherTooSmall["last"]>>();
  readonly #walletCredit: bigint;

  private constructor(
    protocol: Protocol,
    signer: Signer,
    modelId: bigint,
    journal: Journal,
    chainId: bigint,
    server: string,
    walletCredit: bigint,
  ) {
    this.#walletCredit = walletCredit;
    this.#protocol = protocol;
    this.#signer = signer;
    this.#modelId = modelId;
    this.#journal = journal;
    this.#server = server;
    this.#vouchers = escrowDomain(chainId, protocol.addresses.escrow);
    this.#receipts = splitterDomain(chainId, protocol.addresses.splitter);
    for (const call of journal.calls) this.#count(call);
  }

  /** Address that vouchers must name. */
  get server(): string {
    return this.#server;
  }

  get modelId(): bigint {
    return this.#modelId;
  }

  /**
   * What the next call is paid in and by, and the last second that its voucher must reach at least.
   * @throws OpenLedgerError `MODEL_CLOSED` while no epoch takes payments.
   */
  async quote(): Promise<Quote> {
    const { splitter, models } = this.#protocol;
    const { token, inputPrice, outputPrice } = await models.terms(this.#modelId);
    const epochId = await splitter.currentEpoch(this.#modelId).catch((cause: unknown) => {
      if (!isError(cause, "CALL_EXCEPTION")) throw cause;
      throw new OpenLedgerError(
        "MODEL_CLOSED",
        `Model ${this.#modelId} has no open epoch: ${revertReason(cause)}. Its owner must register its sketches and open one.`,
        { cause },
      );
    });
    const { epochLength, redeemWindow } = await splitter.timing();
    const { openedAt } = await splitter.epoch(this.#modelId, epochId);
    const deadline = openedAt + epochLength + redeemWindow;
    return { server: this.#server, modelId: this.#modelId, epochId, token, inputPrice, outputPrice, deadline };
  }

  /**
   * @param journal File that keeps what was served, over restarts.
   * @param walletCredit Token units that a contract wallet may owe before it is redeemed: what it said of a signature it
   * can take back until then. 0 serves none.
   */
  static async open(
    protocol: Protocol,
    signer: Signer,
    modelId: bigint,
    journal: string,
    walletCredit = 0n,
  ): Promise<Meter> {
    const { chainId } = await signer.provider!.getNetwork();
    return new Meter(protocol, signer, modelId, new Journal(journal), chainId, await signer.getAddress(), walletCredit);
  }

  /** What the server has charged within the tuple that a voucher counts in. */
  charged({ customer, epochId }: Pick<Voucher, "customer" | "epochId">): bigint {
    return this.#account(customer).charged.get(epochId) ?? 0n;
  }

  /**
   * Serves one paid call: nothing is computed before the voucher is known to cover the most it can cost.
   * @param complete Decodes at most `maxTokens` tokens.
   * @throws OpenLedgerError `VOUCHER_…`, saying which field does not fit and what to sign instead.
   */
  async serve(
    voucher: Voucher,
    voucherSignature: string,
    promptTokens: number,
    maxTokens: number,
    complete: () => Completion | Promise<Completion>,
  ): Promise<Completion & Proof> {
    const { prices, reserved } = await this.#authorise(voucher, voucherSignature, promptTokens, maxTokens);
    try {
      return await this.#answer(voucher, voucherSignature, prices, await complete());
    } finally {
      this.#underway.set(voucher.customer, this.#due(voucher.customer) - reserved);
    }
  }

  async #answer(
    voucher: Voucher,
    voucherSignature: string,
    prices: Prices,
    completion: Completion,
  ): Promise<Completion & Proof> {
    const { promptIds, completionIds } = completion;
    // Taken before anything waits, so that no two calls share one.
    const nonce = this.#nonce++;
    const secret = hexlify(randomBytes(32));
    const salts = commitmentSalts(secret);
    const receipt: Receipt = {
      customer: voucher.customer,
      server: this.#server,
      modelId: this.#modelId,
      epochId: voucher.epochId,
      nonce,
      request: requestCommitment(salts.request, promptIds),
      response: responseCommitment(salts.response, completionIds),
      inputTokens: BigInt(promptIds.length),
      outputTokens: BigInt(completionIds.length),
      fee: callFee(prices, promptIds.length, completionIds.length),
    };
    const receiptSignature = await signReceipt(this.#signer, this.#receipts, receipt);
    const call = { receipt, receiptSignature, secret, promptIds, completionIds, voucher, voucherSignature };
    this.#journal.write({ call });
    this.#count(call);
    return { ...completion, receipt, receiptSignature, secret };
  }

  /** What a customer was charged here in all epochs and nobody redeemed yet. */
  async owed({ customer, token, epochId }: Pick<Voucher, "customer" | "token" | "epochId">): Promise<bigint> {
    const known = this.#accounts.get(customer);
    return known === undefined ? 0n : known.total - (await this.#redeemed({ customer, token, epochId }));
  }

  /**
   * Redeems what the receipts of an epoch add up to, customer by customer, with each one's largest voucher: calls that
   * were served at once may end in another order than they were promised in. One that cannot be redeemed stops no other.
   * @param of Only this customer's.
   * @returns token units redeemed
   */
  redeem(epochId: bigint, of?: string): Promise<bigint> {
    return this.#redeeming.run(() => this.#redeem(epochId, of));
  }

  async #redeem(epochId: bigint, of?: string): Promise<bigint> {
    const calls = [...this.#of(epochId).values()]
      .filter(({ receipt }) => of === undefined || receipt.customer === of)
      .sort((a, b) => (a.voucher.cumulative < b.voucher.cumulative ? -1 : 1));
    const largest = new Map(calls.map((call) => [call.receipt.customer, call]));
    let total = 0n;
    const failures: unknown[] = [];
    for (const call of largest.values())
      try {
        total += await this.#redeemOne(call);
      } catch (error) {
        failures.push(error);
      }
    if (failures.length > 0) throw failures[0];
    return total;
  }

  async #redeemOne({ voucher, voucherSignature }: ServedCall): Promise<bigint> {
    const { escrow } = this.#protocol;
    const { customer, server, modelId, epochId, token } = voucher;
    const amount = this.charged(voucher);
    const before = await escrow.redeemed(customer, server, modelId, epochId, token);
    if (amount === before) return 0n;
    await mined(escrow.connect(this.#signer).redeem(voucher, voucherSignature, amount));
    return amount - before;
  }

  /** Epochs in which something was sold. */
  get epochs(): bigint[] {
    return [...this.#calls.keys()];
  }

  /** Whether calls of an epoch wait for their sketch records. */
  hasUnsigned(epochId: bigint): boolean {
    return this.#of(epochId)
      .keys()
      .some((id) => !this.#journal.records.has(id));
  }

  /**
   * Signs the sketch record of every call of an epoch that has none yet, and gives all of them to the operator.
   * @param sketch The query sketches of served completions.
   */
  records(epochId: bigint, sketch: (calls: Completion[]) => Promise<Int8Array[]>): Promise<AttributedReceipt[]> {
    return this.#signing.run(() => this.#records(epochId, sketch));
  }

  async #records(epochId: bigint, sketch: (calls: Completion[]) => Promise<Int8Array[]>): Promise<AttributedReceipt[]> {
    const calls = [...this.#of(epochId)].map(([id, call]) => ({
      ...call,
      id,
      sketchSalt: commitmentSalts(call.secret).sketch,
    }));
    const unsigned = calls.filter(({ id }) => !this.#journal.records.has(id));
    for (const [i, vector] of (await sketch(unsigned)).entries()) {
      const { id, receipt, sketchSalt } = unsigned[i]!;
      const record = sketchRecord(this.#receipts, { receipt, sketchSalt, sketch: vector });
      const recordSignature = await signSketchRecord(this.#signer, this.#receipts, record);
      this.#journal.write({ signed: { receiptId: id, recordSignature, sketch: [...vector] } });
    }
    return calls.map(({ id, receipt, receiptSignature, sketchSalt }) => {
      const { recordSignature, sketch } = this.#journal.records.get(id)!;
      return { receipt, receiptSignature, recordSignature, sketchSalt, sketch: Int8Array.from(sketch) };
    });
  }

  #due(customer: string): bigint {
    return this.#underway.get(customer) ?? 0n;
  }

  /** What this server redeemed from the customer, over all epochs. */
  async #redeemed({ customer, token, epochId: current }: Pick<Voucher, "customer" | "token" | "epochId">) {
    const [server, modelId] = [this.#server, this.#modelId];
    const { charged, redeemed } = this.#account(customer);
    let sum = 0n;
    for (const [epochId, due] of [...charged]) {
      const known = redeemed.get(epochId);
      const amount = known ?? (await this.#protocol.escrow.redeemed(customer, server, modelId, epochId, token));
      // Nothing is left to redeem there, so that the chain need not be asked again.
      if (amount === due && epochId !== current) redeemed.set(epochId, amount);
      sum += amount;
    }
    return sum;
  }

  #account(customer: string): Account {
    const known = this.#accounts.get(customer);
    if (known) return known;
    const account: Account = { total: 0n, charged: new Map(), redeemed: new Map() };
    this.#accounts.set(customer, account);
    return account;
  }

  /** Adds a call to the sums. */
  #count(call: ServedCall): void {
    const { customer, epochId, fee, nonce } = call.receipt;
    const account = this.#account(customer);
    account.total += fee;
    account.charged.set(epochId, (account.charged.get(epochId) ?? 0n) + fee);
    account.redeemed.delete(epochId);
    if (!this.#calls.has(epochId)) this.#calls.set(epochId, new Map());
    this.#calls.get(epochId)!.set(receiptId(this.#receipts, call.receipt), call);
    this.#promise(call.voucher, call.voucherSignature);
    if (nonce >= this.#nonce) this.#nonce = nonce + 1n;
  }

  #of(epochId: bigint): Map<string, ServedCall> {
    return this.#calls.get(epochId) ?? new Map();
  }

  async #authorise(voucher: Voucher, signature: string, promptTokens: number, maxTokens: number) {
    const { escrow } = this.#protocol;
    const refuse = (code: string, message: string) => new OpenLedgerError(`VOUCHER_${code}`, message);
    if (voucher.server !== this.#server)
      throw refuse("SERVER", `The voucher pays ${voucher.server}. Sign one for this server, ${this.#server}.`);
    if (voucher.modelId !== this.#modelId)
      throw refuse("MODEL", `The voucher pays for model ${voucher.modelId}. Sign one for model ${this.#modelId}.`);
    const quote = await this.quote();
    if (voucher.token !== quote.token)
      throw refuse("TOKEN", `The voucher pays in ${voucher.token}. This model is paid in ${quote.token}.`);
    const { epochId, deadline: until } = quote;
    if (voucher.epochId !== epochId)
      throw refuse("EPOCH", `The voucher is for epoch ${voucher.epochId}. Sign one for the current epoch, ${epochId}.`);
    if (voucher.deadline < until)
      throw refuse(
        "DEADLINE",
        `The voucher ends at ${voucher.deadline}, before the epoch can be redeemed. Sign one until ${until} or later.`,
      );
    const provider = this.#signer.provider!;
    const isContract = await verifyVoucherOnChain(provider, this.#vouchers, voucher, signature);
    if (isContract) await this.#secure(voucher, callFee(quote, promptTokens, maxTokens));

    // In this order: what is redeemed in between then counts as taken and not as free.
    const redeemed = await this.#redeemed(voucher);
    const available = await escrow.available(voucher.customer, voucher.token);
    // From here on nothing waits, so that two calls at once cannot both count on the same money.
    const reserved = callFee(quote, promptTokens, maxTokens);
    const due = this.#due(voucher.customer) + reserved;
    const needed = this.charged(voucher) + due;
    if (voucher.cumulative < needed) throw new VoucherTooSmall(voucher, needed, this.#lastOf(voucher));
    const toCover = this.#account(voucher.customer).total - redeemed + due;
    if (available < toCover)
      throw refuse(
        "DEPOSIT",
        `The customer's deposit is ${available}; ${toCover} is needed. Deposit ${toCover - available} more.`,
      );
    if (isContract && toCover > this.#walletCredit)
      throw refuse(
        "WALLET",
        `${voucher.customer} is a contract wallet, and with this call would owe ${toCover} that is not redeemed; this server waits for ${this.#walletCredit} at most. Ask for less, wait for calls under way, or pay by a key.`,
      );
    this.#underway.set(voucher.customer, due);
    this.#promise(voucher, signature);
    return { prices: quote, reserved };
  }

  /** Redeems what a contract wallet owes in this epoch where the next call would take it over its credit. */
  async #secure(voucher: Voucher, fee: bigint): Promise<void> {
    const { customer, epochId } = voucher;
    const owed = (await this.owed(voucher)) + this.#due(customer) + fee;
    if (owed > this.#walletCredit) await this.redeem(epochId, customer);
  }

  #promise(voucher: Voucher, signature: string): void {
    const last = this.#lastOf(voucher);
    if (last === undefined || last.voucher.cumulative < voucher.cumulative)
      this.#promised.set(voucher.customer, { voucher, signature });
  }

  /** The customer's voucher of this epoch that promised most. */
  #lastOf({ customer, epochId }: Voucher): VoucherTooSmall["last"] {
    const last = this.#promised.get(customer);
    return last?.voucher.epochId === epochId ? last : undefined;
  }
}
