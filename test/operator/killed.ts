/**
 * `openledger operator run` that kills itself at a named point: `killed.ts CONFIG before|after OBJECT.METHOD`. Only tests
 * start it, so that the daemon itself needs no hook.
 */
import { runUntilStopped } from "../../prover/daemon/cli.ts";
import { loadConfig } from "../../prover/daemon/config.ts";
import { Daemon } from "../../prover/daemon/daemon.ts";

type Methods = Record<string, (...args: unknown[]) => unknown>;

const [config, when, target] = process.argv.slice(2);
const [object, method] = target!.split(".");
const daemon = await Daemon.open(loadConfig(config!));
const owner = daemon[object as "steps" | "sender" | "proofs"] as unknown as Methods;
const original = owner[method!]!.bind(owner);
owner[method!] = async (...args) => {
  if (when === "before") process.kill(process.pid, "SIGKILL");
  const result = await original(...args);
  process.kill(process.pid, "SIGKILL");
  return result;
};
await runUntilStopped(daemon);
process.exit(0);
