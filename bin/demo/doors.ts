import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { decodePaid } from "../../openlora/wire.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const HARDHAT = new URL("../../node_modules/hardhat/dist/src/cli.js", import.meta.url).pathname;
/** Seconds that a door may take to answer, or an epoch to go on. */
const PATIENCE = 180;

const TOKEN = "the demo's operator token";

/** Asks a server for what only its owner and the operator may. */
type OperatorRequest = (method: string, path: string) => Promise<string>;

/** A paid answer, its receipt checked. */
export async function complete(pay: typeof fetch, url: string, model: string, prompt: string, maxTokens: number) {
  const body = JSON.stringify({ model, prompt, max_tokens: maxTokens });
  const headers = { "content-type": "application/json" };
  const answer = await pay(`${url}/v1/completions`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(await answer.text());
  const { choices, openledger } = (await answer.json()) as { choices: { text: string }[]; openledger: unknown };
  const { promptIds, completionIds, receipt } = decodePaid(openledger);
  return { text: choices[0]!.text, promptIds, completionIds, fee: receipt.fee };
}

/** What a task prints with `--json`. */
export type TaskResult = Record<
  "transaction" | "datanetId" | "version" | "contributionId" | "modelId" | "commitmentId" | "registration",
  string
> & { filesWithCutLines: string[] };

/** The project's commands as people run them, each in a process of its own, for one chain. */
export class Doors {
  readonly #rpc: string;
  readonly #addresses: string;
  readonly #running: { name: string; child: ChildProcess }[] = [];
  /** What the running commands said. */
  #said = "";

  /** @param addresses File of the deployment's addresses. */
  constructor(rpc: string, addresses: string) {
    this.#rpc = rpc;
    this.#addresses = addresses;
    process.once("exit", () => {
      for (const { child } of this.#running) child.kill("SIGKILL"); // only where the demo failed
    });
  }

  /** Runs a Hardhat task as account `account`. */
  async task(id: string, account: number, ...args: string[]): Promise<TaskResult> {
    const options = ["--network", "local", "--json", "--addresses", this.#addresses, "--account", String(account)];
    const child = spawn(process.execPath, [HARDHAT, id, ...options, ...args], {
      cwd: ROOT,
      env: { ...process.env, OPENLEDGER_RPC: this.#rpc },
    });
    let [output, problems] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      output += data;
    });
    child.stderr.on("data", (data: Buffer) => {
      problems += data;
    });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`hardhat ${id} ended with ${code}:\n${problems}`);
    return JSON.parse(output.trimEnd().split("\n").at(-1)!);
  }

  /** Runs `openledger serve`. */
  async serve(key: string, content: string, data: string): Promise<{ url: string; request: OperatorRequest }> {
    const args = ["serve", "--addresses", this.#addresses, "--rpc", this.#rpc, "--content", content, "--data", data];
    const keys = { OPENLEDGER_SERVER_KEY: key, OPENLEDGER_OPERATOR_TOKEN: TOKEN };
    const options = ["--port", "0", "--poll", "1", "--threads", "1"]; // the base is tiny, and the cores are shared
    const url = await this.openledger("serve", [...args, ...options], keys, /(http:\S+)\/v1\n/);
    const request: OperatorRequest = async (method, path) => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const answer = await fetch(`${url}/openledger/${path}`, { method, headers });
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
      return answer.text();
    };
    return { url, request };
  }

  /** Runs `openledger operator` with one server. */
  async operate(key: string, content: string, server: string, data: string): Promise<void> {
    const config = ["--config", `${data}.json`];
    const place = ["--rpc", this.#rpc, "--addresses", this.#addresses, "--content", content, "--server", server];
    const options = ["--data", data, "--port", "0", "--poll", "1"];
    await this.openledger("operator init", ["operator", "init", ...config, ...place, ...options], {}, /(Wrote)/);
    const secrets = { OPENLEDGER_OPERATOR_KEY: key, OPENLEDGER_RECORDS_TOKEN: TOKEN };
    await this.openledger("operator run", ["operator", "run", ...config], secrets, /(at work)/);
  }

  /** Runs `openledger verify` on a settled epoch; fails unless all holds. */
  async verify(content: string, modelId: bigint, epochId: bigint): Promise<void> {
    const about = ["--model", String(modelId), "--epoch", String(epochId)];
    const place = ["--rpc", this.#rpc, "--addresses", this.#addresses, "--content", content];
    await this.openledger("verify", ["verify", ...about, ...place], {}, /(was settled as the rule says)/);
  }

  /**
   * Runs an `openledger` command.
   * @param ready What it prints once it answers, or at its end; the first group is given back.
   */
  async openledger(name: string, args: string[], env: Record<string, string>, ready: RegExp): Promise<string> {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "bin/openledger.ts", ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    this.#running.push({ name, child });
    let own = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        own += data;
        this.#said += data;
      });
    await this.until(`${name} answers`, async () => {
      if (child.exitCode !== null && !ready.test(own)) throw new Error(`${name} ended:\n${own}`);
      return ready.test(own);
    });
    return ready.exec(own)![1]!;
  }

  /** Waits until the others have done something. */
  async until(what: string, test: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + PATIENCE * 1000; !(await test()); await pause(100))
      if (Date.now() > end)
        throw new Error(`Not in ${PATIENCE} s: ${what}. The processes said:\n${this.#said.slice(-4000)}`);
  }

  /** Asks every command to end, and requires that it does so well. */
  async close(): Promise<void> {
    for (const { name, child } of this.#running.splice(0)) {
      if (child.exitCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        await ended;
      }
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.signalCode ?? child.exitCode}`);
    }
  }
}
