import {
  AbstractSigner,
  type BrowserProvider,
  type ContractTransactionReceipt,
  type JsonRpcSigner,
  type TransactionRequest,
  type TransactionResponse,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";

/** A call of a contract, as it would be sent. */
export type Call = { to: string; data: string; value: bigint };

/** Ends a task in the place of sending: what it would have sent. No step after it runs. */
export class NotSent extends Error {
  readonly calls: Call[];

  constructor(calls: Call[]) {
    super("Nothing was sent.");
    this.calls = calls;
  }
}

/** Where every transaction of every task leaves: it sends, or ends the task with `NotSent`. */
export class Sender extends AbstractSigner<BrowserProvider> {
  readonly address: string;
  readonly #account: JsonRpcSigner | undefined;
  readonly #plans: boolean;

  /**
   * @param account Who signs; undefined where `address` is none of the network's accounts.
   * @param plans Whether nothing is to be sent.
   */
  constructor(provider: BrowserProvider, address: string, account: JsonRpcSigner | undefined, plans: boolean) {
    super(provider);
    this.address = address;
    this.#account = account;
    this.#plans = plans;
  }

  override connect(): this {
    return this;
  }

  override async getAddress(): Promise<string> {
    return this.address;
  }

  override async sendTransaction(transaction: TransactionRequest): Promise<TransactionResponse> {
    if (this.#plans) throw new NotSent([await this.#call(transaction)]);
    return this.#signer().sendTransaction(transaction);
  }

  /** Sends calls one after the other; a plan, or a multisig, has them all in one. Gives the last one's receipt. */
  async sendAll(transactions: TransactionRequest[]): Promise<ContractTransactionReceipt> {
    if (this.#plans) throw new NotSent(await Promise.all(transactions.map((one) => this.#call(one))));
    let last: ContractTransactionReceipt | null = null;
    for (const transaction of transactions)
      last = (await (await this.#signer().sendTransaction(transaction)).wait()) as ContractTransactionReceipt | null;
    if (last === null) throw new OpenLedgerError("TRANSACTION_DROPPED", "The transaction was replaced. Send it again.");
    return last;
  }

  override async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    value: Record<string, unknown>,
  ): Promise<string> {
    return this.#signer().signTypedData(domain, types, value);
  }

  override async signMessage(message: string | Uint8Array): Promise<string> {
    return this.#signer().signMessage(message);
  }

  override async signTransaction(transaction: TransactionRequest): Promise<string> {
    return this.#signer().signTransaction(transaction);
  }

  #signer(): JsonRpcSigner {
    if (this.#account) return this.#account;
    throw new OpenLedgerError(
      "SIGNATURE_NEEDED",
      `from: ${this.address} is none of the network's accounts, and cannot sign. Give its signature, or leave --from out.`,
    );
  }

  async #call(transaction: TransactionRequest): Promise<Call> {
    const { to, data, value } = await this.populateCall(transaction);
    return { to: String(to), data: data ?? "0x", value: BigInt(value ?? 0) };
  }
}
