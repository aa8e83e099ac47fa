import { type JsonRpcProvider, Transaction, type TransactionRequest, type TransactionResponse, Wallet } from "ethers";
import type { Database } from "./database.ts";

/** A signed transaction, written down before anybody else sees it. */
export type Intent = { nonce: number; hash: string; raw: string };

/** After this the step fails, and trying it again looks for the transaction anew. */
const PATIENCE_MS = 300_000;

const TABLE = `create table if not exists openledger_intents (
  chain text, account text, nonce bigint, hash text primary key, raw text, finished boolean default false)`;

/**
 * The operator's account, sending one transaction at a time: each is signed and stored before it is broadcast. After a
 * crash the stored bytes are looked for on the chain or broadcast again, and never a second transaction beside them.
 */
export class Sender extends Wallet {
  readonly #database: Database;
  readonly #rpc: JsonRpcProvider;
  readonly #chain: string;
  readonly #confirmations: number;

  private constructor(key: string, rpc: JsonRpcProvider, database: Database, chainId: bigint, confirmations: number) {
    super(key, rpc);
    this.#rpc = rpc;
    this.#database = database;
    this.#chain = String(chainId);
    this.#confirmations = confirmations;
  }

  static async open(
    key: string,
    rpc: JsonRpcProvider,
    database: Database,
    chainId: bigint,
    confirmations: number,
  ): Promise<Sender> {
    await database.query(TABLE);
    return new Sender(key, rpc, database, chainId, confirmations);
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    await this.finish();
    const { from: _, ...populated } = await this.populateTransaction(request);
    const raw = await this.signTransaction(populated);
    const { nonce, hash } = Transaction.from(raw);
    const intent = { nonce, hash: hash!, raw };
    await this.record(intent);
    return this.broadcast(intent);
  }

  async record({ nonce, hash, raw }: Intent): Promise<void> {
    await this.#database.query(
      "insert into openledger_intents (chain, account, nonce, hash, raw) values ($1, $2, $3, $4, $5)",
      [this.#chain, this.address, nonce, hash, raw],
    );
  }

  async broadcast({ raw }: Intent): Promise<TransactionResponse> {
    return this.#rpc.broadcastTransaction(raw);
  }

  /** Waits until everything that was written down is deep enough in the chain, sending again what it does not know. */
  async finish(): Promise<void> {
    for (const intent of await this.#unfinished()) {
      if (!(await this.#isKnown(intent)) && !(await this.#isReplaced(intent))) await this.broadcast(intent);
      if (!(await this.#isReplaced(intent)))
        await this.#rpc.waitForTransaction(intent.hash, this.#confirmations, PATIENCE_MS);
      await this.#database.query("update openledger_intents set finished = true where hash = $1", [intent.hash]);
    }
  }

  #unfinished(): Promise<Intent[]> {
    return this.#database.query<Intent>(
      "select nonce, hash, raw from openledger_intents where not finished and chain = $1 and account = $2 order by nonce",
      [this.#chain, this.address],
    );
  }

  async #isKnown({ hash }: Intent): Promise<boolean> {
    return (await this.#rpc.getTransaction(hash)) !== null;
  }

  /** Another transaction took the nonce, so this one can never have an effect. */
  async #isReplaced(intent: Intent): Promise<boolean> {
    const next = await this.#rpc.getTransactionCount(this.address, "latest");
    return next > Number(intent.nonce) && !(await this.#isKnown(intent));
  }
}
