import { once } from "node:events";
import { Command } from "../../sdk/command.ts";
import { loadConfig } from "./config.ts";
import { Daemon } from "./daemon.ts";
import { doctor } from "./doctor.ts";
import { type InitOptions, init } from "./init.ts";
import { status } from "./status.ts";

export const HELP = `openledger operator: proposes, proves and settles the epochs of models

  openledger operator init --rpc URL --addresses deployments/31337.json --content FOLDER --server URL
                           writes the configuration; --server again for more servers, --model ID for some models only,
                           --keys FOLDER (of exported proving keys), --data FOLDER, --keystore FILE,
                           --port N (of health and metrics; 0: any free one), --poll SECONDS (between looks at the chain)
  openledger operator doctor [--json]    checks all that a run needs; exit code 1 if something is missing
  openledger operator run                works until it is stopped (Ctrl-C, SIGTERM);
                           --workers N chunks are proven at a time, in at most --memory MB together (default: the
                           configuration's, or 1 and three quarters of the machine's)
  openledger operator status [--json]    every epoch, and what does not work

  --config FILE   the configuration, operator.json unless named

Environment: OPENLEDGER_OPERATOR_KEY, or OPENLEDGER_KEYSTORE_PASSWORD with a keystore; OPENLEDGER_RECORDS_TOKEN, the
servers' token; OPENLEDGER_AUDITORS_TOKEN, by which auditors read receipts (nobody does where it is not set); DATABASE_URL for
a Postgres of your own.`;

const OPTIONS = {
  config: { type: "string", default: "operator.json" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  rpc: { type: "string" },
  addresses: { type: "string" },
  content: { type: "string" },
  keys: { type: "string" },
  model: { type: "string", multiple: true },
  server: { type: "string", multiple: true },
  data: { type: "string", default: "operator-data" },
  port: { type: "string", default: "9464" },
  poll: { type: "string", default: "5" },
  keystore: { type: "string" },
  workers: { type: "string" },
  memory: { type: "string" },
} as const;

const command = new Command("operator");

/** Runs until SIGINT or SIGTERM. */
export async function runUntilStopped(daemon: Daemon): Promise<void> {
  console.log(`Operator ${daemon.sender.address} at work; health and metrics on ${await daemon.start()}`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  console.log("Stopping after the step under way.");
  await daemon.stop();
}

/** `openledger operator …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const { values, positionals } = command.parseWithWords(args, OPTIONS);
  const { config: path, json, help, ...options } = values;
  const [action] = positionals;
  if (help || action === undefined) {
    console.log(HELP);
    return 0;
  }
  switch (action) {
    case "init":
      for (const name of ["rpc", "addresses", "content", "server"] as const)
        if (!options[name]) throw command.wrong(`init needs --${name}`);
      await init(path, options as InitOptions);
      console.log(`Wrote ${path}. Next: openledger operator doctor --config ${path}`);
      return 0;
    case "doctor": {
      const findings = await doctor(loadConfig(path));
      if (json) console.log(JSON.stringify(findings));
      else console.table(findings.map(({ check, ok, detail }) => ({ check, ok: ok ? "ok" : "WRONG", detail })));
      return findings.every(({ ok }) => ok) ? 0 : 1;
    }
    case "run":
      await runUntilStopped(await Daemon.open({ ...loadConfig(path), ...resources(options) }));
      return 0;
    case "status":
      await show(path, json);
      return 0;
    default:
      throw command.wrong(`operator has no command ${action}`);
  }
}

async function show(path: string, json: boolean): Promise<void> {
  const { daemon, epochs, problems } = await status(loadConfig(path));
  if (json) {
    const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
    console.log(JSON.stringify({ daemon, epochs, problems }, text));
    return;
  }
  console.log(daemon ? `An operator runs, process ${daemon.pid}.` : "No operator runs.");
  console.table(
    epochs.map(({ modelId, epochId, fees, state }) => ({
      model: String(modelId),
      epoch: String(epochId),
      fees: String(fees),
      state,
    })),
  );
  for (const { what, attempts, since, message } of problems)
    console.log(`${what}: ${message} (${attempts} attempts since ${since})`);
}

/** What `--workers` and `--memory` change of a configuration. */
function resources({ workers, memory }: { workers?: string; memory?: string }) {
  return {
    ...(workers !== undefined && { workers: command.whole("workers", workers, 1) }),
    ...(memory !== undefined && { memoryMB: command.whole("memory", memory, 1) }),
  };
}
