/**
 * Coverage of contracts/ by the tests of test/contracts, line by line and branch by branch: `npm run coverage`. A few test
 * files at a time make a part, kept in build/coverage until something that it is made from changes: the same command goes
 * on where it was stopped. Writes bench/results/coverage.json and fails below the goals.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../circuits/cache.ts";
import type { Points } from "./branches.ts";

const GOALS = { lines: 98, branches: 95 };
/** Test files that share a process, and with it what takes longest in most of them: the deployment. */
const PART = 5;
/** What a part is made from besides its test files: it is run again when one of these changes. */
const SHARED = [
  "contracts/**/*.sol",
  "deploy/modules/*.ts",
  "{sdk,test/support}/**/*.ts",
  "tools/coverage/{branches,hardhat.config}.ts",
  "package-lock.json",
];
/** These hold what calls cost and contracts measure, which reports of statements and branches add to. */
const MEASURING = [
  "below the size limit",
  "Snapshots of gas are as kept",
  "costs less than a settlement by Groth16",
  "accepts one chunk with padding",
  "accepts 256 columns",
  "for [0-9]+,000 gas",
].join("|");

interface Count {
  hit: number;
  of: number;
}

const { values } = parseArgs({ options: { jobs: { type: "string", default: "1" } } });
const jobs = Number(values.jobs);
if (!Number.isSafeInteger(jobs) || jobs < 1) {
  console.error("Give --jobs as a number of 1 or more: how many parts run at once.");
  process.exit(1);
}

const read = (path: string) => readFileSync(join(ROOT, path));
const parse = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const sha256 = (...parts: (string | Buffer)[]) =>
  parts
    .reduce((hash, part) => hash.update(part), createHash("sha256"))
    .digest("hex")
    .slice(0, 16);

const shared = globSync(SHARED, { cwd: ROOT }).sort();
const key = sha256(...shared.flatMap((path) => [path, read(path)]));
const folder = join(ROOT, "build/coverage", key);
if (!(await once(join(folder, "points"), "COVERAGE_POINTS", ["build"]))) process.exit(1);
const files = globSync("test/contracts/*.test.ts", { cwd: ROOT }).sort();
const parts = Array.from({ length: Math.ceil(files.length / PART) }, (_, i) => files.slice(i * PART, (i + 1) * PART));
const waiting = parts.values();
const reached = new Set<string>();
await Promise.all(Array.from({ length: jobs }, work));
if (process.exitCode === undefined) report(globSync(join(folder, "points/*.json")).map(parse));
else console.error("There is no report before every test passes.");

async function work(): Promise<void> {
  for (const part of waiting) {
    const path = join(folder, `${sha256(...part.flatMap((file) => [file, read(file)]))}.json`);
    if (await once(path, "COVERAGE_HITS", ["test", "mocha", ...part, "--no-compile", "--grep-exclude", MEASURING]))
      for (const tag of parse(path)) reached.add(tag);
    else process.exitCode = 1;
  }
}

/** Runs a task that makes `path`, unless an earlier run finished it. Says whether it is there. */
async function once(path: string, variable: string, task: string[]): Promise<boolean> {
  if (existsSync(path)) return true;
  const unfinished = `${path}.tmp`;
  const child = spawn("npx", ["hardhat", "--config", "tools/coverage/hardhat.config.ts", "--coverage", ...task], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, COVERAGE_FOLDER: folder, [variable]: unfinished },
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
  });
  const code = await new Promise((done) => child.on("close", done));
  console.log(output.split("Saved html report")[0]!.trim()); // Hardhat's own table is of this file alone
  if (code === 0) renameSync(unfinished, path);
  return code === 0;
}

function report(sources: Points[]): void {
  const contracts: Record<string, { lines: Count; branches: Count }> = {};
  const missing: string[] = [];
  const total = { lines: { hit: 0, of: 0 }, branches: { hit: 0, of: 0 } };
  for (const { name: source, statements, branches } of sources.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (statements.length === 0) continue;
    const lines = new Map<number, boolean>(); // whether all that begins there ran
    for (const { line, tag } of statements) lines.set(line, (lines.get(line) ?? true) && reached.has(tag));
    const unreached = [...lines].filter(([, ran]) => !ran).map(([line]) => ({ line, what: "never runs" }));
    const ways = branches.flatMap(({ line, condition, holds, fails }) => [
      { line, tag: holds, what: `never holds: ${condition}` },
      { line, tag: fails, what: `always holds: ${condition}` },
    ]);
    const untaken = ways.filter(({ tag }) => !reached.has(tag));
    const counts = {
      lines: { hit: lines.size - unreached.length, of: lines.size },
      branches: { hit: ways.length - untaken.length, of: ways.length },
    };
    contracts[source] = counts;
    for (const kind of ["lines", "branches"] as const) {
      total[kind].hit += counts[kind].hit;
      total[kind].of += counts[kind].of;
    }
    for (const { line, what } of [...unreached, ...untaken].sort((a, b) => a.line - b.line))
      missing.push(`${source}:${line} ${what}`);
  }
  const shown = ({ hit, of }: Count) => `${of === 0 ? "–" : `${percent({ hit, of }).toFixed(2)}%`} (${hit}/${of})`;
  console.table(
    Object.entries({ ...contracts, "all of them": total }).map(([contract, { lines, branches }]) => ({
      contract: contract.replace(/^contracts\//, ""),
      lines: shown(lines),
      branches: shown(branches),
    })),
  );
  for (const line of missing) console.log(line);
  const result = { total, contracts, missing };
  writeFileSync(join(ROOT, "bench/results/coverage.json"), `${JSON.stringify(result, null, 2)}\n`);
  const low = (["lines", "branches"] as const).filter((kind) => percent(total[kind]) < GOALS[kind]);
  for (const kind of low) console.error(`${kind}: ${percent(total[kind]).toFixed(2)}%, below ${GOALS[kind]}%`);
  if (low.length > 0) process.exitCode = 1;
}

function percent({ hit, of }: Count): number {
  return (100 * hit) / of;
}
