import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../circuits/cache.ts";

const BINARY = join(ROOT, "tools/forge/node_modules/.bin/forge");

export interface Invariant {
  readonly name: string;
  readonly failure: string | undefined; // why, and after which calls
  readonly calls: number;
}

/** Runs the invariant tests of `root`, which holds contracts and tests as this project does. */
export async function runInvariants(
  root: string,
  args: string[],
  settings: Record<string, string>,
): Promise<Invariant[]> {
  if (!existsSync(BINARY)) throw new Error("forge is not installed: run `npm ci --prefix tools/forge`.");
  const child = spawn(BINARY, ["test", "--root", root, "--json", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...settings, FOUNDRY_CONFIG: join(ROOT, "tools/forge/foundry.toml") },
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  await new Promise((done) => child.on("close", done));
  const line = output.split("\n").find((text) => text.startsWith("{"));
  if (!line) throw new Error(`forge ran no test:\n${output}${errors}`);
  return Object.values(JSON.parse(line) as Record<string, Suite>).flatMap(({ test_results }) =>
    Object.entries(test_results).map(([name, { status, reason, counterexample, kind }]) => ({
      name,
      failure: status === "Success" ? undefined : `${reason}\n${JSON.stringify(counterexample)}`,
      calls: kind.Invariant?.calls ?? 0,
    })),
  );
}

interface Suite {
  test_results: Record<
    string,
    { status: string; reason: string | null; counterexample: unknown; kind: { Invariant?: { calls: number } } }
  >;
}
