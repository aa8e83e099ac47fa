/** `openledger COMMAND …`: each command is a module of its own. */
const COMMANDS: Record<string, () => Promise<{ main(args: string[]): Promise<number> }>> = {
  operator: () => import("../prover/daemon/cli.ts"),
};

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name ?? ""];
if (command) {
  try {
    process.exit(await (await command()).main(args));
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
console.log(`openledger COMMAND, one of: ${Object.keys(COMMANDS).join(", ")}. Each explains itself with --help.`);
process.exit(name === undefined || name === "--help" ? 0 : 1);
