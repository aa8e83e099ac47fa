import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { JsonRpcProvider, type JsonRpcSigner } from "ethers";
import type { Content } from "../../sdk/content.ts";
import { type Addresses, type Protocol, protocol, type TestToken, token } from "../../sdk/contracts.ts";
import type { Job } from "../../studio/server/jobs/job.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

export type StackInfo = {
  genesis: string;
  addresses: Addresses;
  token: { address: string };
  vkId: string;
  accounts: { index: number; name: string; address: string }[];
  bases: { id: string; hash: string }[];
  problems: string[];
};
export type Answer<T> = { status: number; body: T & { error?: { code: string; message: string } } };

/** `openledger studio` in a process of its own, and its API as a page uses it. */
export class StudioProcess {
  readonly url: string;
  readonly stack: StackInfo;
  readonly #process: ChildProcess;
  readonly #rpc: JsonRpcProvider;

  private constructor(process: ChildProcess, url: string, stack: StackInfo) {
    this.#process = process;
    this.url = url;
    this.stack = stack;
    this.#rpc = new JsonRpcProvider(`${url}/rpc`, 31337, {
      staticNetwork: true,
      cacheTimeout: -1,
      pollingInterval: 50,
    });
  }

  static async start(data: string): Promise<StudioProcess> {
    const args = [
      "--disable-warning=ExperimentalWarning",
      "bin/openledger.ts",
      "studio",
      "--port",
      "0",
      "--data",
      data,
    ];
    const env = { ...process.env, TMPDIR: data }; // so that nothing stays after a kill -9
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    for await (const part of child.stdout!) if (/Studio at/.test((said += part))) break;
    child.stdout!.resume();
    const url = /Studio at (http:\S+)/.exec(said)![1]!;
    return new StudioProcess(child, url, (await (await fetch(`${url}/api/stack`)).json()) as StackInfo);
  }

  /** Processes that this one started, by pid, with their command lines. */
  children(): Map<number, string> {
    const of = (parent: number): [number, string][] =>
      readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8")
        .trim()
        .split(" ")
        .filter(Boolean)
        .map((pid) => [Number(pid), readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")]);
    return new Map(of(this.#process.pid!));
  }

  /** @returns exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#rpc.destroy();
    const gone = once(this.#process, "exit");
    this.#process.kill(signal);
    return (await gone)[0];
  }

  async ask<T = Job>(path: string, body?: unknown): Promise<Answer<T>> {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`${this.url}${path}`, body === undefined ? {} : init);
    return { status: answer.status, body: (await answer.json()) as Answer<T>["body"] };
  }

  readonly content: Content = {
    put: async (bytes) => {
      const headers = { "content-type": "application/octet-stream" };
      const answer = await fetch(`${this.url}/api/content`, { method: "POST", headers, body: new Uint8Array(bytes) });
      return ((await answer.json()) as { id: string }).id;
    },
    get: async (id) => new Uint8Array(await (await fetch(`${this.url}/api/content/${id}`)).arrayBuffer()),
  };

  /** The account that the node keeps unlocked for a person, and the protocol and its token as that account uses them. */
  async as(name: string): Promise<{ signer: JsonRpcSigner; protocol: Protocol; token: TestToken }> {
    const { address } = this.stack.accounts.find((account) => account.name === name)!;
    const signer = await this.#rpc.getSigner(address);
    return { signer, protocol: protocol(this.stack.addresses, signer), token: token(this.stack.token.address, signer) };
  }

  /** The jobs that one connection to a job's events is told, until `enough` says so. */
  async *events(id: string): AsyncGenerator<Job> {
    const { body } = await fetch(`${this.url}/api/jobs/${id}/events`);
    let text = "";
    for await (const part of body!.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split("\n\n");
      text = events.pop()!;
      for (const event of events) yield JSON.parse(event.replace("data: ", "")) as Job;
    }
  }

  /** Waits until a job is what `wanted` says, as a page does. */
  async until(id: string, wanted: (job: Job) => boolean): Promise<Job> {
    for await (const job of this.events(id)) if (wanted(job)) return job;
    throw new Error("the events ended");
  }
}
