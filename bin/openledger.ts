#!/usr/bin/env node
/** The command line: `openledger COMMAND …`, each command in a module of its own. */
import { OpenLedgerError } from "../sdk/errors.ts";

/** A command ends with its exit code, or runs on until it is stopped. */
const COMMANDS: Record<string, () => Promise<{ main(args: string[]): Promise<number | undefined> }>> = {
  serve: () => import("../openlora/serve.ts"),
  operator: () => import("../prover/daemon/cli.ts"),
  studio: () => import("../studio/main.ts"),
  train: () => import("../trainer/train-cli.ts"),
  export: () => import("../trainer/export-cli.ts"),
  audit: () => import("../openlora/audit-cli.ts"),
  verify: () => import("../prover/verify-cli.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  console.error(`Usage: openledger COMMAND [--help]\n\nCommands: ${Object.keys(COMMANDS).join(", ")}`);
  process.exit(name === "--help" ? 0 : 1);
}
try {
  const code = await (await command()).main(args);
  if (code !== undefined) process.exit(code);
} catch (error) {
  // Ours say what to do; of anything else the trace is wanted.
  console.error(error instanceof OpenLedgerError ? error.message : error);
  process.exit(1);
}
