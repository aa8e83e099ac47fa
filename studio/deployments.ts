import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";
import { Turns } from "../sdk/turns.ts";
import { Child } from "./child.ts";
import { CHAIN_ID, OPERATOR, SERVER, type Stack } from "./stack.ts";

/** What a base must tell to be served. */
type Base = { hash: string; folder: string };

export type Deployment = {
  modelId: string;
  name: string;
  /** Where this Studio passes calls on to the model's server. */
  gateway: string;
  /** The server's account. */
  server: string;
};

type Server = { base: string; child: Child; account: string; models: Deployment[] };

/** Accounts of the servers, one each: two processes that send from one would use each other's nonces. */
const SERVER_ACCOUNTS = [SERVER, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/** OpenLoRA servers, one a base, and the operator that settles what they sell: processes, started when first needed. */
export class Deployments {
  readonly #stack: Stack;
  readonly #token = randomBytes(24).toString("hex");
  readonly #servers: Server[] = [];
  readonly #turns = new Turns();
  #operator: Child | undefined;
  /** Servers that the operator was started with. */
  #operated = "";

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  list(): Deployment[] {
    return this.#servers.flatMap(({ models }) => models);
  }

  /** What does not work, in words. */
  problems(): string[] {
    return [...this.#servers.map(({ child }) => child), this.#operator].flatMap((child) => child?.problem ?? []);
  }

  /** Address of the n-th server, and of the operator, while they answer. */
  gateway(n: number): string | undefined {
    return this.#servers[n]?.child.url;
  }
  get operator(): string | undefined {
    return this.#operator?.url;
  }

  /**
   * Serves a minted model for money. Models of one base share a server; one after another.
   * @throws OpenLedgerError `STUDIO_CHILD`, `STUDIO_SERVERS`, and what the server refuses.
   */
  deploy(modelId: bigint, base: Base): Promise<Deployment> {
    return this.#turns.run(() => this.#deploy(modelId, base));
  }

  close(): Promise<unknown> {
    return this.#turns.run(() =>
      Promise.all([this.#operator?.stop(), ...this.#servers.map(({ child }) => child.stop())]),
    );
  }

  async #deploy(modelId: bigint, base: Base): Promise<Deployment> {
    const known = this.list().find((one) => one.modelId === String(modelId));
    if (known) return known;
    const server = this.#servers.find((one) => one.base === base.hash) ?? (await this.#startServer(base));
    const name = await this.#load(server.child.url, String(modelId));
    const gateway = `/openlora/${this.#servers.indexOf(server)}`;
    const deployment = { modelId: String(modelId), name, gateway, server: server.account };
    server.models.push(deployment);
    await this.#operate();
    return deployment;
  }

  async #startServer({ hash, folder }: Base): Promise<Server> {
    const n = this.#servers.length;
    const account = SERVER_ACCOUNTS[n];
    if (account === undefined)
      throw new OpenLedgerError("STUDIO_SERVERS", `${n} bases are served already, which is the most.`);
    const { chain, contentFolder, addressesFile, folder: own } = this.#stack;
    const options = {
      rpc: chain.url,
      addresses: addressesFile,
      content: contentFolder,
      base: folder,
      data: join(own, `server-${n}`),
      port: "0",
      poll: "1",
    };
    const child = await Child.start({
      name: `OpenLoRA server ${n}`,
      args: ["serve", ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
      env: { OPENLEDGER_SERVER_KEY: chain.key(account), OPENLEDGER_OPERATOR_TOKEN: this.#token },
      ready: /(http:\/\/\S+)\/v1/,
      // It remembers its models, but not its address.
      onRestart: () => this.#turns.run(() => this.#operate()),
    });
    const server = { base: hash, child, account: await chain.account(account).getAddress(), models: [] };
    this.#servers.push(server);
    return server;
  }

  /** Has a server take up a model. @returns the model's name */
  async #load(url: string | undefined, modelId: string): Promise<string> {
    const answer = await fetch(`${url}/openledger/models?model=${modelId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}` },
    }).catch((cause: unknown) => {
      throw new OpenLedgerError("STUDIO_CHILD", "The OpenLoRA server does not answer. Try again in a minute.", {
        cause,
      });
    });
    const body = (await answer.json()) as { name: string; error?: { code: string; message: string } };
    if (body.error) throw new OpenLedgerError(body.error.code, body.error.message.replace(/ \[[A-Z_]+\]$/, ""));
    return body.name;
  }

  /** Has an operator take the records of all servers there are now; it is safe to stop at any time. */
  async #operate(): Promise<void> {
    const servers = this.#servers.flatMap(({ child }) => child.url ?? []);
    if (servers.join() === this.#operated) return;
    await this.#operator?.stop();
    this.#operated = "";
    const { chain, contentFolder, folder } = this.#stack;
    const path = join(folder, "operator.json");
    const config = {
      rpc: chain.url,
      chainId: CHAIN_ID,
      addresses: chain.addresses,
      pollSeconds: 1,
      dataDir: join(folder, "operator"),
      port: 0,
      content: contentFolder,
      servers: servers.map((url) => ({ url })),
    };
    writeFileSync(path, JSON.stringify(config));
    this.#operator = await Child.start({
      name: "operator",
      args: ["operator", "run", "--config", path],
      env: {
        OPENLEDGER_OPERATOR_KEY: chain.key(OPERATOR),
        OPENLEDGER_RECORDS_TOKEN: this.#token,
        DATABASE_URL: "", // its own, which goes with the chain
      },
      ready: /metrics on (http:\S+)/,
    });
    this.#operated = servers.join();
  }
}
