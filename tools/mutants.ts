/**
 * Mutation testing of the contracts that hold money, and of the registries:
 *   npm run mutants:contracts
 *   npm run mutants:contracts -- --only OperatorRegistry,Payout --jobs 2
 *   npm run mutants:contracts -- --sample 200 --seed 1
 *   npm run mutants:contracts -- --record
 * A mutant is one small change of a source (tools/mutants/operators.ts). All tests of test/contracts that run the
 * changed statement are put to it; one that fails, or does not end, kills it. Finished mutants are kept in
 * build/mutants/, and the same command goes on where it was stopped: killed ones stay so until their source changes,
 * survivors are tried again when a test changes. `--own` puts to a mutant only the test files about its contract: much
 * faster, and what it counts as killed is. `--record` writes bench/results/mutants.json and does not run anything.
 * Exits with 1 if a survivor is not explained in tools/mutants/survivors.json, or fewer than 90% are killed.
 */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { contentHash, ROOT } from "../circuits/cache.ts";
import { sourceOf } from "../test/support/solc.ts";
import { type Mutant, mutantsOf } from "./mutants/operators.ts";
import {
  type Answer,
  contractName,
  type Order,
  type Outcome,
  type Reach,
  TARGETS,
  type Target,
  TESTS,
} from "./mutants/targets.ts";

const GOAL = 0.9;
const MUTANT_LIMIT = 900_000; // of one mutant, in ms: longer than its tests take together
const REACH_LIMIT = 3_600_000;
const WORKER_MUTANTS = 150; // then a new process: solc gives no memory back
const FIRST_TESTS = 3;
const SLOW = 3000; // ms: tests above it come last

type Kept = Outcome & { source: string; tests: string };

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    jobs: { type: "string", default: "1" },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    own: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
  },
});
const [jobs, sample] = [Number(values.jobs), values.sample === undefined ? Infinity : Number(values.sample)];
if (!(jobs >= 1) || !(sample >= 1)) fail("Give --jobs and --sample as numbers of 1 or more.");
const names = values.only?.split(",");
const unknown = names?.filter((name) => !TARGETS.some(({ file }) => contractName(file) === name)) ?? [];
if (unknown.length > 0)
  fail(
    `No target is called ${unknown.join(", ")}. They are: ${TARGETS.map(({ file }) => contractName(file)).join(", ")}.`,
  );
const targets = TARGETS.filter(({ file }) => names?.includes(contractName(file)) ?? true);

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const folder = join(ROOT, "build/mutants");
mkdirSync(folder, { recursive: true });
const survivorsFile = join(ROOT, "tools/mutants/survivors.json");
const explained = JSON.parse(readFileSync(survivorsFile, "utf8")) as Record<string, string>;

const hashOf = (...patterns: string[]): string =>
  contentHash(
    ...globSync(patterns, { cwd: ROOT })
      .sort()
      .map((path) => readFileSync(join(ROOT, path))),
  );
/** What all tests depend on, and what an outcome depends on besides its own source. */
const worldHash = hashOf("test/support/*.ts", "contracts/**/*.sol");
const testsHash = contentHash(hashOf(TESTS, "test/support/*.ts"), String(values.own));

function read<T>(name: string): T | undefined {
  const path = join(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function write(path: string, value: unknown): void {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** Why there is no answer: too slow, or the process ended, as it may by what a failed test left running. */
type None = "time" | "end";

/** A process that answers one order at a time. One that takes too long is ended, and replaced at the next order. */
class Worker {
  private child: Promise<ChildProcess> | undefined;
  private orders = 0;

  async ask(order: Order, limit: number): Promise<Answer | None> {
    if (this.orders++ % WORKER_MUTANTS === 0 || !(await this.child)?.connected) await this.stop();
    this.child ??= new Promise((resolve, reject) => {
      const child = fork(join(ROOT, "tools/mutants/worker.ts"), { cwd: ROOT });
      child.once("message", () => resolve(child));
      child.once("exit", (code) => reject(new Error(`The worker ended with ${code} before it began.`)));
    });
    const child = await this.child;
    return new Promise((resolve) => {
      const end = (result: () => void) => {
        clearTimeout(timer);
        child.removeAllListeners();
        result();
      };
      const timer = setTimeout(() => end(() => void this.stop().then(() => resolve("time"))), limit);
      child.once("message", (answer: Answer) => end(() => resolve(answer)));
      child.once("exit", () => {
        this.child = undefined;
        end(() => resolve("end"));
      });
      child.send(order);
    });
  }

  async stop(): Promise<void> {
    const child = await this.child;
    this.child = undefined;
    child?.kill("SIGKILL");
  }
}

const workers = Array.from({ length: jobs }, () => new Worker());

/** What the tests of each file reach. They are run again when the file, or what all depend on, has changed. */
async function reached(): Promise<Map<string, Reach>> {
  const all = new Map<string, Reach>();
  for (const file of globSync(TESTS, { cwd: ROOT }).sort()) {
    const test = basename(file, ".test.ts");
    if (values.own && !targets.some(({ tests }) => tests.includes(test))) continue;
    const name = `reach-${test}-${contentHash(worldHash, readFileSync(join(ROOT, file)))}.json`;
    let reach = read<Reach>(name);
    if (!reach) {
      console.log(`Looking which statements are run by ${file} …`);
      const answer = await workers[0]!.ask({ kind: "reach", file }, REACH_LIMIT);
      if (typeof answer === "string" || !("reach" in answer)) fail(`${file} did not end.`);
      reach = answer.reach;
      write(join(folder, name), reach);
    }
    all.set(test, reach);
  }
  return all;
}

const scope = ({ key }: { key: string }) => key.slice(0, key.indexOf(" | "));

/** Those of a file's tests that run the changed statement; all that run any where it stands in none, as modifiers do. */
function testsOf({ file }: Target, { start, end }: Mutant, reach: Reach): string[] {
  const statements = reach.statements[file]!;
  const [around] = statements
    .filter((statement) => statement.start <= start && end <= statement.end)
    .sort((a, b) => a.end - a.start - (b.end - b.start));
  const titles = new Set((around ? [around] : statements).flatMap(({ tests }) => tests));
  return [...titles].filter((title) => title in reach.tests);
}

/** What killed most mutants of the same function, then file by file, and of each the slow tests last. */
function batchesOf(work: Work, mutant: Mutant, reach: Map<string, Reach>): string[][] {
  const { target, kept } = work;
  const kills = new Map<string, number>();
  for (const [key, { by }] of Object.entries(kept))
    if (by && scope({ key }) === scope(mutant)) kills.set(by, (kills.get(by) ?? 0) + 1);
  const files = [...target.tests, ...(values.own ? [] : reach.keys())];
  const batches = [...new Set(files)].flatMap((test) => {
    const { tests } = reach.get(test)!;
    const titles = testsOf(target, mutant, reach.get(test)!);
    const isSlow = (title: string) => tests[title]! > SLOW;
    return [titles.filter((title) => !isSlow(title)), titles.filter(isSlow)];
  });
  const first = batches
    .flat()
    .filter((title) => kills.has(title))
    .sort((a, b) => kills.get(b)! - kills.get(a)!)
    .slice(0, FIRST_TESTS);
  return [first, ...batches.map((titles) => titles.filter((title) => !first.includes(title)))];
}

interface Work {
  readonly target: Target;
  readonly mutants: Mutant[];
  readonly kept: Record<string, Kept>;
  readonly source: string;
}

const works: Work[] = targets.map((target) => {
  const mutants = mutantsOf(target.file);
  const source = contentHash(sourceOf(target.file));
  const kept = read<Record<string, Kept>>(`${contractName(target.file)}.json`) ?? {};
  for (const [key, outcome] of Object.entries(kept)) if (outcome.source !== source) delete kept[key];
  return { target, mutants, kept, source };
});

/** A sample is spread over all targets, the same for the same seed; a larger one begins with it. */
const drawn = new Set(
  works
    .flatMap(({ mutants }) => mutants)
    .map(({ key }) => [contentHash(values.seed, key), key] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, sample)
    .map(([, key]) => key),
);

async function test(work: Work, mutant: Mutant, worker: Worker, reach: Map<string, Reach>) {
  const { target, kept, source } = work;
  const started = Date.now();
  const batches = batchesOf(work, mutant, reach);
  const ask = () => worker.ask({ kind: "mutant", target, mutant, batches }, MUTANT_LIMIT);
  let answer = await ask();
  if (answer === "end") answer = await ask(); // the mutant before may have been the cause
  if (typeof answer !== "string" && !("outcome" in answer)) throw new Error("The worker answered something else.");
  const outcome: Outcome =
    typeof answer === "string" ? { status: "killed", by: answer, ms: Date.now() - started } : answer.outcome;
  kept[mutant.key] = { ...outcome, source, tests: testsHash };
  write(join(folder, `${contractName(target.file)}.json`), kept);
}

async function runAll(): Promise<void> {
  const order = new Map([...drawn].map((key, i) => [key, i]));
  const open = works
    .flatMap((work) => work.mutants.map((mutant) => ({ work, mutant })))
    .filter(({ work, mutant: { key } }) => {
      const outcome = work.kept[key];
      return drawn.has(key) && (!outcome || (outcome.status === "survived" && outcome.tests !== testsHash));
    })
    .sort((a, b) => order.get(a.mutant.key)! - order.get(b.mutant.key)!);
  if (open.length === 0) return;
  const reach = await reached();
  console.log(`${open.length} of ${drawn.size} mutants to test.`);
  let done = 0;
  const started = Date.now();
  await Promise.all(
    workers.map(async (worker) => {
      for (let next = open.shift(); next; next = open.shift()) {
        await test(next.work, next.mutant, worker, reach);
        if (++done % 25 === 0) {
          const seconds = Math.round((Date.now() - started) / 1000);
          console.log(`${done} tested, ${open.length} left, ${seconds} s`);
        }
      }
      await worker.stop();
    }),
  );
}

interface Row {
  contract: string;
  mutants: number;
  killed: number;
  survived: number;
  invalid: number;
  same: number;
  score: number;
  explained: number;
  untested: number;
}

function rowOf(contract: string, works: Work[]): Row {
  const all = works.flatMap(({ mutants, kept }) =>
    mutants.filter(({ key }) => drawn.has(key)).map(({ key }) => ({ key, status: kept[key]?.status })),
  );
  const count = (status: Outcome["status"] | undefined) => all.filter((one) => one.status === status).length;
  const [killed, survived] = [count("killed"), count("survived")];
  return {
    contract,
    mutants: killed + survived,
    killed,
    survived,
    invalid: count("invalid"),
    same: count("same"),
    score: Math.round((1000 * killed) / (killed + survived)) / 1000,
    explained: all.filter(({ key, status }) => status === "survived" && key in explained).length,
    untested: count(undefined),
  };
}

if (!values.record) await runAll();

const rows = works.map((work) => rowOf(contractName(work.target.file), [work]));
const total = rowOf("all", works);
const survivors = works.flatMap(({ mutants, kept, target }) =>
  mutants
    .filter(({ key }) => drawn.has(key) && kept[key]?.status === "survived")
    .map(({ key, line }) => ({ key, at: `${target.file}:${line}`, why: explained[key] ?? null })),
);
console.table([...rows, total]);
for (const { key, at, why } of survivors) console.log(`${at}  ${key}\n    ${why ?? "not explained"}`);
if (values.record) {
  const path = join(ROOT, "bench/results/mutants.json");
  const possible = works.reduce((sum, { mutants }) => sum + mutants.length, 0);
  write(path, { sampled: drawn.size, of: possible, seed: Number(values.seed), contracts: rows, all: total, survivors });
}
process.exit(total.untested === 0 && total.score >= GOAL && survivors.every(({ why }) => why !== null) ? 0 : 1);
