#!/usr/bin/env node
/** The command line: `openledger COMMAND …`, each command in a module of its own. */
import { OpenLedgerError } from "../sdk/errors.ts";

const COMMANDS: Record<string, () => Promise<{ run(args: string[]): Promise<void> }>> = {
  serve: () => import("../openlora/serve.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  console.error(`Usage: openledger COMMAND [--help]\n\nCommands: ${Object.keys(COMMANDS).join(", ")}`);
  process.exit(name === "--help" ? 0 : 1);
}
try {
  await (await command()).run(args);
} catch (error) {
  // Ours say what to do; of anything else the trace is wanted.
  console.error(error instanceof OpenLedgerError ? error.message : error);
  process.exit(1);
}
