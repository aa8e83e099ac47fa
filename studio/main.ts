import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "../sdk/command.ts";
import { Deployments } from "./deployments.ts";
import { createApp } from "./server/app.ts";
import { Bases } from "./server/bases.ts";
import { Chats } from "./server/chats.ts";
import { Jobs } from "./server/jobs/manager.ts";
import { startStack } from "./stack.ts";
import { builtWeb } from "./web-build.ts";

const HELP = `openledger studio: starts the whole on this machine, with web pages: a local chain, OpenLoRA, an operator

Usage: openledger studio [options]

  --port PORT    of the web pages (default 4400)
  --data FOLDER  keeps training jobs, bases and content when the Studio ends; without it nothing is kept.
                 The chain is fresh at each start either way.`;

const OPTIONS = {
  help: { type: "boolean", short: "h", default: false },
  port: { type: "string", default: "4400" },
  data: { type: "string" },
} as const;
const command = new Command("studio");

/** Runs until the process is asked to end; with --help it only explains itself. */
export async function main(args: string[]): Promise<number | undefined> {
  const { help, data: kept, ...options } = command.parse(args, OPTIONS);
  if (help) {
    console.log(HELP);
    return 0;
  }
  const port = command.port(options.port);
  const data = kept === undefined ? mkdtempSync(join(tmpdir(), "openledger-studio-data-")) : resolve(kept);
  mkdirSync(data, { recursive: true });
  const say = (line: string) => console.log(line);
  const web = await builtWeb(say);
  const stack = await startStack(data, say);
  const deployments = new Deployments(stack);
  const bases = await Bases.open(join(data, "bases"));
  const chats = new Chats();
  const { chain, contentFolder: content } = stack;
  const jobs = new Jobs(join(data, "jobs"), { rpc: chain.url, addresses: chain.addresses, content });
  const app = await createApp({ stack, deployments, bases, jobs, chats }, web);

  const close = async () => {
    await app.close();
    await jobs.close();
    await deployments.close();
    await chats.close();
    await stack.close();
    if (kept === undefined) rmSync(data, { recursive: true, force: true });
  };
  const url = await app.listen({ host: "127.0.0.1", port }).catch(async (cause: unknown) => {
    await close();
    throw command.wrong(`Nothing can listen on 127.0.0.1:${port}. Name another with --port`, cause);
  });
  let closing = false; // Ctrl-C comes twice: from the terminal, and passed on by tools/run.mjs
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, async () => {
      if (closing) return;
      closing = true;
      await close();
      process.exit(0);
    });
  console.log(`Studio at ${url} (chain ${chain.url}). Ctrl-C ends it.`);
  return undefined;
}
