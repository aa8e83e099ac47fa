/**
 * The whole check: `npm test`, or `npm test -- contracts trainer` for some parts.
 * Prints the time of each part and, last, how many tests passed and failed.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

type Part = { name: string; commands: string[][] };

const mocha = (folder: string) => ["mocha", "--timeout", "300000", "--exit", `test/${folder}/**/*.test.ts`];

const PARTS: Part[] = [
  { name: "build", commands: [["hardhat", "build", "--quiet"]] },
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
  { name: "contracts", commands: [["hardhat", "test", "mocha"]] },
  { name: "invariants", commands: [["hardhat", "test", "solidity"]] },
  { name: "tasks", commands: [["hardhat", "test", "mocha", ...globSync("test/tasks/*.test.ts")]] },
  { name: "prover", commands: [mocha("{circuits,prover,reference}")] },
  { name: "attacks", commands: [mocha("attacks")] },
  { name: "trainer", commands: [mocha("trainer")] },
  { name: "openlora", commands: [mocha("openlora")] },
  { name: "operator", commands: [mocha("operator")] },
  { name: "studio", commands: [mocha("studio")] },
  { name: "journey", commands: [mocha("journey")] },
  { name: "demo", commands: [mocha("e2e")] },
];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`No part is called ${unknown.join(", ")}. The parts are: ${PARTS.map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}

/** Runs one command of node_modules/.bin, showing its output; adds what mocha counted to `counts`. */
function run(command: string[], counts: { passed: number; failed: number }): Promise<number> {
  return new Promise((done) => {
    const child = spawn("npx", ["--no-install", ...command], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      process.stdout.write(data);
      output += data.toString();
    });
    child.on("close", (code) => {
      const count = (word: string) =>
        [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}`, "gm"))].reduce((sum, match) => sum + Number(match[1]), 0);
      counts.passed += count("passing");
      counts.failed += count("failing");
      done(code ?? 1);
    });
  });
}

const counts = { passed: 0, failed: 0 };
const summary: { part: string; seconds: number; result: string }[] = [];
for (const { name, commands } of PARTS) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n━━ ${name}`);
  const started = Date.now();
  let failures = 0;
  for (const command of commands) if ((await run(command, counts)) !== 0) failures++;
  summary.push({ part: name, seconds: Math.round((Date.now() - started) / 1000), result: failures ? "FAILED" : "ok" });
}
console.table(summary);
const broken = summary.filter(({ result }) => result === "FAILED").length;
console.log(`${counts.passed} passed, ${counts.failed || broken} failed`);
process.exit(broken ? 1 : 0);
