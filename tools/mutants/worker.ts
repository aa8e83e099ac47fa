/**
 * Puts mutants to the contracts' tests, all in one process: Hardhat and the test files are loaded once, and where a
 * test deploys one of our contracts, the mutant's code is sent in its place.
 */
import { globSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { inspect } from "node:util";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import Mocha from "mocha";
import { ROOT } from "../../circuits/cache.ts";
import { compile, sourceOf } from "../../test/support/solc.ts";
import { type Answer, contractName, type Order, type Outcome, type Reach, TARGETS, TESTS } from "./targets.ts";

const TEST_TIMEOUT = 300_000;
const UNOPTIMISED = { enabled: false }; // compiles in a quarter of the time
const INSTRUMENTATION = "0.8.35"; // the newest Solidity that EDR parses

/** Hardhat's own copy of its engine. */
const engine = createRequire(import.meta.resolve("hardhat"));
const { addStatementCoverageInstrumentation } = engine("@nomicfoundation/edr") as {
  addStatementCoverageInstrumentation(
    source: string,
    name: string,
    solidity: string,
  ): { source: string; metadata: { tag: Uint8Array; startUtf16: bigint; endUtf16: bigint }[] };
};
const { getCoverageLibrary } = engine("@nomicfoundation/edr/coverage") as {
  getCoverageLibrary(): { filename: string; content: string };
};

interface Connection extends Pick<NetworkConnection, "provider" | "close"> {
  networkHelpers: { loadFixture<T>(fixture: () => Promise<T>): Promise<T>; clearSnapshots(): void };
  ignition: { deploy(module: { id: string }, options: object): Promise<unknown> };
}
interface Transaction {
  readonly to?: string | null;
  readonly data?: string;
  readonly gas?: string;
}

let replaced: { from: string; to: string }[] = [];
let sent: Transaction[] = []; // since it was last emptied
let hits = new Set<string>(); // statements run since it was last emptied
const fixtureHits = new Map<unknown, Set<string>>();
const opened: Connection[] = [];

hre.hooks.registerHandlers("network", {
  async newConnection(context, next) {
    const connection = await next(context);
    opened.push(connection as never);
    const { networkHelpers, ignition } = connection as unknown as Connection;
    // Ignition takes a second each time. From an empty chain, the same transactions deploy the same.
    const deployments = new Map<string, { transactions: Transaction[]; contracts: unknown }>();
    const deploy = ignition.deploy.bind(ignition);
    ignition.deploy = async (module, options) => {
      if ((await connection.provider.request({ method: "eth_blockNumber" })) !== "0x0") return deploy(module, options);
      const key = inspect([module.id, options], { depth: null });
      const known = deployments.get(key);
      if (known) {
        for (const { gas: _, ...transaction } of known.transactions)
          await connection.provider.request({ method: "eth_sendTransaction", params: [transaction] });
        return known.contracts;
      }
      sent = [];
      const contracts = await deploy(module, options);
      deployments.set(key, { transactions: sent.slice(), contracts });
      return contracts;
    };
    // What a fixture runs is run for every test that starts from its snapshot.
    const load = networkHelpers.loadFixture;
    networkHelpers.loadFixture = async (fixture) => {
      const before = hits;
      hits = new Set();
      const loaded = await load(fixture);
      if (hits.size > 0) fixtureHits.set(fixture, hits);
      hits = new Set([...before, ...(fixtureHits.get(fixture) ?? [])]);
      return loaded;
    };
    return connection;
  },
  async onRequest(context, connection, request, next) {
    const [transaction, ...rest] = (request.params ?? []) as Transaction[];
    if (request.method === "eth_sendTransaction") sent.push(transaction!);
    const { to, data } = transaction ?? {};
    const found = typeof data === "string" && !to && replaced.find(({ from }) => data.startsWith(from));
    if (found)
      request = { ...request, params: [{ ...transaction, data: found.to + data.slice(found.from.length) }, ...rest] };
    return next(context, connection, request);
  },
  // That there is such a handler lifts the limits on code and gas, too.
  async onCoverageData(_context, tags) {
    for (const tag of tags) hits.add(tag);
  },
});

const mocha = new Mocha({ timeout: TEST_TIMEOUT, reporter: class {} as never });
for (const file of globSync(TESTS, { cwd: ROOT }).sort()) mocha.addFile(join(ROOT, file));
await mocha.loadFilesAsync();
mocha.cleanReferencesAfterRun(false);
const lasting = opened.slice(); // those of the files themselves; others belong to a test
const fresh = new Map<Connection, unknown>();

/** Takes the chains back to where no test had run, and drops those that tests made. */
async function renew(): Promise<void> {
  for (const connection of opened.splice(lasting.length)) await connection.close();
  for (const connection of lasting) {
    const snapshot = fresh.get(connection);
    if (snapshot) await connection.provider.request({ method: "evm_revert", params: [snapshot] });
    fresh.set(connection, await connection.provider.request({ method: "evm_snapshot" }));
    connection.networkHelpers.clearSnapshots();
  }
  fixtureHits.clear();
  sent = [];
}

/** Runs the tests of these titles. Returns the first that failed, if it is to stop there. */
function run(titles: string[], bail: boolean, listen?: (runner: Mocha.Runner) => void): Promise<string | null> {
  mocha.grep(new RegExp(`^(?:${titles.map((title) => title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|")})$`));
  mocha.bail(bail);
  return new Promise((resolve) => {
    let failed: string | null = null;
    const runner = mocha.run(() => resolve(failed));
    runner.on("fail", (test, error) => {
      failed ??= test.fullTitle() + (error.message.startsWith("Timeout") ? ": time" : "");
    });
    listen?.(runner);
  });
}

/** Creation code of a contract of ours, as the tests send it. */
const original = async (file: string) => (await hre.artifacts.readArtifact(contractName(file))).bytecode;

const compiled = (file: string, read = sourceOf) => compile(file, contractName(file), UNOPTIMISED, read).bytecode;
const unchanged = new Map<string, string>();

async function mutate(order: Order & { kind: "mutant" }): Promise<Outcome> {
  const started = Date.now();
  const { target, mutant, batches } = order;
  const done = (status: Outcome["status"], by?: string): Outcome => ({
    status,
    ...(by === undefined ? {} : { by }),
    ms: Date.now() - started,
  });
  const text = sourceOf(target.file);
  const changed = text.slice(0, mutant.start) + mutant.to + text.slice(mutant.end);
  const pairs: typeof replaced = [];
  let same = true;
  for (const file of target.built) {
    let code: string;
    try {
      code = compiled(file, (path) => (path === target.file ? changed : sourceOf(path)));
    } catch {
      return done("invalid");
    }
    if (!unchanged.has(file)) unchanged.set(file, compiled(file));
    if (code !== unchanged.get(file)) same = false;
    pairs.push({ from: await original(file), to: code });
  }
  if (same) return done("same");
  replaced = pairs;
  await renew();
  for (const titles of batches) {
    const failed = titles.length > 0 ? await run(titles, true) : null;
    if (failed) return done("killed", failed);
  }
  return done("survived");
}

/** Full titles of a file's tests. */
function titlesOf(file: string, suite = mocha.suite): string[] {
  const own = suite.tests.filter((test) => test.file === join(ROOT, file)).map((test) => test.fullTitle());
  return [...own, ...suite.suites.flatMap((inner) => titlesOf(file, inner))];
}

/** Runs the tests of a file over sources that tell which of their statements run. */
async function reach(file: string): Promise<Reach> {
  const statements: Reach["statements"] = {};
  const byTag = new Map<string, string[]>();
  const instrumented = new Map<string, string>();
  for (const { file } of TARGETS) {
    const { source, metadata } = addStatementCoverageInstrumentation(sourceOf(file), file, INSTRUMENTATION);
    instrumented.set(file, source);
    statements[file] = metadata.map(({ tag, startUtf16, endUtf16 }) => {
      const tests: string[] = [];
      byTag.set(Buffer.from(tag).toString("hex"), tests);
      return { start: Number(startUtf16), end: Number(endUtf16), tests };
    });
  }
  const library = getCoverageLibrary();
  const read = (path: string) =>
    path.endsWith(library.filename) ? library.content : (instrumented.get(path) ?? sourceOf(path));
  const built = [...new Set(TARGETS.flatMap(({ built }) => built))];
  const times = new Map<string, number>();
  const note = (runner: Mocha.Runner) => {
    const inSuite = new Map<Mocha.Suite | undefined, Set<string>>();
    runner.on("hook", (hook) => {
      if (hook.title.startsWith('"before all"')) hits.clear();
    });
    runner.on("hook end", (hook) => {
      if (hook.title.startsWith('"before all"')) inSuite.set(hook.parent, new Set(hits));
    });
    runner.on("test", () => hits.clear());
    runner.on("pass", (test) => {
      const title = test.fullTitle();
      times.set(title, test.duration ?? 0);
      for (let suite = test.parent; suite; suite = suite.parent)
        for (const tag of inSuite.get(suite) ?? []) hits.add(tag);
      for (const tag of hits) byTag.get(tag)?.push(title);
    });
    runner.on("fail", (test, error) =>
      console.error(`Left out, since it fails on unchanged sources: ${test.fullTitle()}: ${error.message}`),
    );
  };
  replaced = await Promise.all(built.map(async (file) => ({ from: await original(file), to: compiled(file, read) })));
  await renew();
  await run(titlesOf(file), false, note);
  return { tests: Object.fromEntries(times), statements };
}

// soljson.js throws what nobody handles, in the middle of whatever test runs then; Hardhat's test task does not. What a
// failed test left running fails later, too.
process.removeAllListeners("unhandledRejection").on("unhandledRejection", () => {});

process.on("message", async (order: Order) => {
  const answer: Answer = order.kind === "reach" ? { reach: await reach(order.file) } : { outcome: await mutate(order) };
  process.send!(answer);
});
process.send!("ready");
