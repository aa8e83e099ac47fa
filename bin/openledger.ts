#!/usr/bin/env node
/** The command line: `openledger COMMAND …`, each command in a module of its own. */
import { OpenLedgerError } from "../sdk/errors.ts";

/** What a command does, and its module; it ends with its exit code, or runs on until it is stopped. */
type Command = [does: string, load: () => Promise<{ main(args: string[]): Promise<number | undefined> }>];
const COMMANDS: Record<string, Command> = {
  studio: ["all of it on this machine, with web pages", () => import("../studio/main.ts")],
  train: ["fine-tunes a LoRA adapter on files or on a Datanet", () => import("../trainer/train-cli.ts")],
  export: ["writes a model for other programs: GGUF, Hugging Face", () => import("../trainer/export-cli.ts")],
  serve: ["serves models to paying customers through OpenAI's API", () => import("../openlora/serve.ts")],
  operator: ["proposes, proves and settles the epochs of models", () => import("../prover/daemon/cli.ts")],
  verify: ["checks a settlement from scratch", () => import("../prover/verify-cli.ts")],
  audit: ["derives a model's sketches again, and compares", () => import("../openlora/audit-cli.ts")],
};

const [name = "", ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  const asked = name === "--help" || name === "-h";
  const lines = Object.entries(COMMANDS).map(([command, [does]]) => `  ${command.padEnd(10)}${does}`);
  const usage = ["Usage: openledger COMMAND [--help]", "", ...lines].join("\n");
  if (asked) console.log(usage);
  else console.error(name === "" ? usage : `There is no command ${name}.\n\n${usage}`);
  process.exit(asked ? 0 : 1);
}
try {
  const code = await (await command[1]()).main(args);
  if (code !== undefined) process.exit(code);
} catch (error) {
  // Ours say what to do; of anything else the trace is wanted.
  console.error(error instanceof OpenLedgerError ? error.message : error);
  process.exit(1);
}
