import { setTimeout as pause } from "node:timers/promises";
import {
  type FeeData,
  formatUnits,
  type JsonRpcProvider,
  Transaction,
  type TransactionRequest,
  type TransactionResponse,
  Wallet,
} from "ethers";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { Turns } from "../../sdk/turns.ts";
import type { Database } from "./database.ts";

/** A signed transaction, written down before anybody else sees it. */
export type Intent = { nonce: number; hash: string; raw: string };

export type SenderOptions = {
  chainId: bigint;
  /** Blocks under which a transaction counts as done. */
  confirmations: number;
  /** How long a transaction waits for a block before it is sent again at a higher price. */
  bumpSeconds: number;
  /** The most that it bids for a unit of gas, in wei. */
  maxFeePerGas: bigint;
  /** Told of transactions that were sent again at a higher price. */
  say: (line: string) => void;
};

/** After this the step fails, and trying it again looks for the transaction anew. */
const PATIENCE_MS = 300_000;
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 4000];

const TABLE = `create table if not exists openledger_intents (
  chain text, account text, nonce bigint, hash text primary key, raw text, finished boolean default false)`;

type Prices = Pick<Transaction, "gasPrice" | "maxFeePerGas" | "maxPriorityFeePerGas">;

/** Nodes take another transaction in the place of a waiting one for an eighth more, of both prices. */
const raised = (price: bigint) => price + price / 8n + 1n;
const least = (a: bigint, b: bigint) => (a < b ? a : b);

/** The most that a transaction pays for a unit of gas; chains without EIP-1559 know one price only. */
const bid = ({ maxFeePerGas, gasPrice }: Prices) => maxFeePerGas ?? gasPrice ?? 0n;

/** Today's prices, enough to take the place of a transaction at the prices `before`, at most `limit`. */
function pricesNow(now: FeeData, limit: bigint, before?: Prices): Partial<Prices> {
  const price = (name: keyof Prices) => {
    const [current, last] = [now[name] ?? 0n, before?.[name]];
    return last != null && raised(last) > current ? raised(last) : current;
  };
  if (now.maxFeePerGas === null) return { gasPrice: least(price("gasPrice"), limit) };
  const maxFeePerGas = least(price("maxFeePerGas"), limit);
  return { maxFeePerGas, maxPriorityFeePerGas: least(price("maxPriorityFeePerGas"), maxFeePerGas) };
}

/**
 * The operator's account, sending one transaction at a time: each is signed and stored before it is broadcast. After a
 * crash the stored bytes are looked for on the chain or broadcast again. In the place of one that waits too long comes
 * the same call under the same nonce for more gas price, so that one of them at most has an effect.
 */
export class Sender extends Wallet {
  readonly #database: Database;
  readonly #rpc: JsonRpcProvider;
  readonly #options: SenderOptions;
  readonly #turns = new Turns();

  private constructor(key: string, rpc: JsonRpcProvider, database: Database, options: SenderOptions) {
    super(key, rpc);
    this.#rpc = rpc;
    this.#database = database;
    this.#options = options;
  }

  static async open(key: string, rpc: JsonRpcProvider, database: Database, options: SenderOptions): Promise<Sender> {
    await database.query(TABLE);
    return new Sender(key, rpc, database, options);
  }

  /** Gives the transaction once it is in a block. */
  override sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    return this.#turns.run(() => this.#send(request));
  }

  /** Waits until everything that was written down is deep enough in the chain, sending again what it does not know. */
  finish(): Promise<void> {
    return this.#turns.run(() => this.#finish());
  }

  async record({ nonce, hash, raw }: Intent): Promise<void> {
    await this.#database.query(
      "insert into openledger_intents (chain, account, nonce, hash, raw) values ($1, $2, $3, $4, $5)",
      [String(this.#options.chainId), this.address, nonce, hash, raw],
    );
  }

  async broadcast({ raw }: Intent): Promise<TransactionResponse> {
    return this.#rpc.broadcastTransaction(raw);
  }

  async #send(request: TransactionRequest): Promise<TransactionResponse> {
    await this.#finish();
    const prices = pricesNow(await this.#rpc.getFeeData(), this.#options.maxFeePerGas);
    const { from: _, ...populated } = await this.populateTransaction({ ...request, ...prices });
    const intent = await this.#sign(populated);
    await this.record(intent);
    await this.broadcast(intent);
    const hash = await this.#inChain([intent], 1);
    const sent = hash === undefined ? null : await this.#rpc.getTransaction(hash);
    if (sent === null)
      throw new OpenLedgerError(
        "TRANSACTION_DROPPED",
        `Another program used nonce ${intent.nonce} of ${this.address}. Run one operator a key; this step is tried again.`,
      );
    return sent;
  }

  async #sign(transaction: TransactionRequest): Promise<Intent> {
    const raw = await this.signTransaction(transaction);
    const { nonce, hash } = Transaction.from(raw);
    return { nonce, hash: hash!, raw };
  }

  async #finish(): Promise<void> {
    const { chainId, confirmations } = this.#options;
    const of = [String(chainId), this.address];
    const unfinished = await this.#database.query<Intent>(
      "select nonce, hash, raw from openledger_intents where not finished and chain = $1 and account = $2",
      of,
    );
    const byNonce = Map.groupBy(unfinished, ({ nonce }) => Number(nonce));
    for (const [nonce, intents] of [...byNonce].sort(([a], [b]) => a - b)) {
      const ascending = intents.toSorted((a, b) =>
        bid(Transaction.from(a.raw)) < bid(Transaction.from(b.raw)) ? -1 : 1,
      );
      await this.#inChain(ascending, confirmations);
      await this.#database.query(
        "update openledger_intents set finished = true where chain = $1 and account = $2 and nonce = $3",
        [...of, nonce],
      );
    }
  }

  /**
   * Waits until one of a nonce's transactions has `confirmations` blocks, sending the last again where nobody knows it and
   * a dearer one where it waits too long.
   * @param intents cheapest first
   * @returns its hash; undefined where a transaction of another program took the nonce
   */
  async #inChain(intents: Intent[], confirmations: number): Promise<string | undefined> {
    const { nonce } = intents[0]!;
    const end = Date.now() + PATIENCE_MS;
    let cause: unknown;
    let waits = Date.now();
    for (let delay = SHORTEST_PAUSE_MS; Date.now() < end; delay = Math.min(2 * delay, LONGEST_PAUSE_MS)) {
      // Asked before the receipts: whatever used the nonce has its receipt by then.
      const isUsed = (await this.#rpc.getTransactionCount(this.address, "latest")) > Number(nonce);
      const receipts = await Promise.all(intents.map(({ hash }) => this.#rpc.getTransactionReceipt(hash)));
      const receipt = receipts.find((one) => one !== null);
      if (receipt && (await receipt.confirmations()) >= confirmations) return receipt.hash;
      if (!receipt && isUsed) return undefined;
      if (!receipt)
        try {
          if (!(await this.#rpc.getTransaction(intents.at(-1)!.hash))) await this.broadcast(intents.at(-1)!);
          if (Date.now() - waits >= this.#options.bumpSeconds * 1000) {
            waits = Date.now();
            const dearer = await this.#dearer(intents.at(-1)!);
            await this.record(dearer);
            intents.push(dearer);
            await this.broadcast(dearer);
          }
        } catch (error) {
          cause = error; // it may be in a block by now
        }
      await pause(delay);
    }
    const { hash } = intents.at(-1)!;
    throw new OpenLedgerError(
      "OPERATOR_TRANSACTION",
      `Transaction ${hash} is not in a block${cause === undefined ? "" : ` (${(cause as Error).message})`}. It is looked for again.`,
      { cause },
    );
  }

  /** The same transaction at a price that takes its place. */
  async #dearer(intent: Intent): Promise<Intent> {
    const before = Transaction.from(intent.raw);
    const { nonce, to, data, value, gasLimit, chainId } = before;
    const { maxFeePerGas: limit, say } = this.#options;
    if (raised(bid(before)) > limit)
      throw new OpenLedgerError(
        "OPERATOR_FEE",
        `It bids ${formatUnits(bid(before), "gwei")} gwei, and maxFeeGwei allows no eighth more. Raise it, or wait.`,
      );
    const prices = pricesNow(await this.#rpc.getFeeData(), limit, before);
    const dearer = await this.#sign({ nonce, to, data, value, gasLimit, chainId, ...prices });
    say(`transaction ${intent.hash} waits; sent again as ${dearer.hash}`);
    return dearer;
  }
}
