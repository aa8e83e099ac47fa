/**
 * The whole check: `npm test`, or `npm test -- contracts trainer` for some parts.
 * Prints the time of each part, of which two run side by side, and last how many tests passed and failed.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../circuits/cache.ts";

type Part = { name: string; commands: string[][] };

const mocha = (folder: string) => ["mocha", "--timeout", "300000", "--exit", `test/${folder}/**/*.test.ts`];

/** Before all others, which need what it makes. */
const BUILD: Part = { name: "build", commands: [["hardhat", "build", "--quiet"]] };
/**
 * Lanes run side by side where there is more than one core, the parts of one after each other. Parts that Hardhat's test
 * runner runs are in one lane, since they share its cache.
 */
const LANES: Part[][] = [
  [
    { name: "contracts", commands: [["hardhat", "test", "mocha"]] },
    { name: "invariants", commands: [["hardhat", "test", "solidity"]] },
    { name: "tasks", commands: [["hardhat", "test", "mocha", ...globSync("test/tasks/*.test.ts")]] },
    { name: "journey", commands: [mocha("journey")] },
    { name: "demo", commands: [mocha("e2e")] },
  ],
  [
    {
      name: "lint",
      commands: [
        ["biome", "ci", "--error-on-warnings"],
        ["prettier", "--check", "--log-level=warn", "{contracts,test/invariants}/**/*.sol"],
        ["solhint", "--noPoster", "--max-warnings=0", "contracts/**/*.sol"],
        ["tsc", "--noEmit"],
        ["tsc", "--noEmit", "-p", "studio/web"],
      ],
    },
    { name: "sdk", commands: [mocha("{sdk,tools}")] },
    { name: "prover", commands: [mocha("{circuits,prover,reference}")] },
    { name: "attacks", commands: [mocha("attacks")] },
    { name: "trainer", commands: [mocha("trainer")] },
    { name: "openlora", commands: [mocha("openlora")] },
    { name: "operator", commands: [mocha("operator")] },
    { name: "studio", commands: [mocha("studio")] },
  ],
];

const chosen = process.argv.slice(2);
const names = [BUILD, ...LANES.flat()].map(({ name }) => name);
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No part is called ${unknown.join(", ")}. The parts are: ${names.join(", ")}.`);
  process.exit(1);
}

const counts = { passed: 0, failed: 0 };
const summary: { part: string; seconds: number; result: string }[] = [];

/** Runs one command of node_modules/.bin, showing its output line by line under the part's name; adds up what mocha counted. */
async function run(name: string, command: string[]): Promise<boolean> {
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(join(ROOT, "node_modules/.bin", program), args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((done) => child.on("close", done));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      console.log(`${name.padEnd(10)} │ ${line}`);
      const [, count, word] = line.match(/^\s*(\d+) (passing|failing)/) ?? [];
      if (word === "passing") counts.passed += Number(count);
      if (word === "failing") counts.failed += Number(count);
    });
  return (await ended) === 0;
}

async function runParts(parts: Part[]): Promise<void> {
  for (const { name, commands } of parts) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const started = Date.now();
    let failures = 0;
    for (const command of commands) if (!(await run(name, command))) failures++;
    summary.push({
      part: name,
      seconds: Math.round((Date.now() - started) / 1000),
      result: failures ? "FAILED" : "ok",
    });
  }
}

const started = Date.now();
await runParts([BUILD]);
if (availableParallelism() > 1) await Promise.all(LANES.map(runParts));
else await runParts(LANES.flat());
console.table(summary);
const broken = summary.filter(({ result }) => result === "FAILED").length;
console.log(`${((Date.now() - started) / 60_000).toFixed(1)} minutes`);
console.log(`${counts.passed} passed, ${counts.failed || broken} failed`);
process.exit(broken ? 1 : 0);
