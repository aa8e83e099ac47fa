/**
 * Random settlements put to library, circuit, contract and reference, for as long as you like:
 *   npm run fuzz:proof -- --cases 5000 --seed 7
 * Every model follows from seed and index alone, so a failure can be run again. Progress is kept in
 * build/fuzz/proof-<seed>.json after each model: the same command goes on where it was stopped.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { ROOT } from "../circuits/cache.ts";
import { deployAttribution } from "../test/support/attribution.ts";
import { emptyTally, fuzzModel, registerChunkSizes, type Tally } from "../test/support/fuzz.ts";

const QUERIES = 10; // settlements a model
const MODELS = 50; // models a chain: a longer one only grows

const { values } = parseArgs({
  options: { cases: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
if (!Number.isSafeInteger(cases) || !Number.isSafeInteger(seed) || cases < 1 || seed < 0) {
  console.error("Give --cases as a number of 1 or more, and --seed as one of 0 or more.");
  process.exit(1);
}

const folder = join(ROOT, "build/fuzz");
const path = join(folder, `proof-${seed}.json`);
mkdirSync(folder, { recursive: true });
const progress: { next: number; seconds: number; tally: Tally } = existsSync(path)
  ? JSON.parse(readFileSync(path, "utf8"))
  : { next: 0, seconds: 0, tally: emptyTally() };
if (progress.next > 0) console.log(`Going on after ${progress.tally.cases} cases of seed ${seed}.`);

let chain = undefined as Awaited<ReturnType<typeof deployAttribution>> | undefined;
for (let made = 0; progress.tally.cases < cases; made++) {
  const started = Date.now();
  if (chain === undefined || made % MODELS === 0) {
    chain = await deployAttribution(await network.create());
    await registerChunkSizes(chain);
  }
  await fuzzModel(chain, seed, progress.next, QUERIES, progress.tally);
  progress.next++;
  progress.seconds += (Date.now() - started) / 1000;
  writeFileSync(`${path}.tmp`, JSON.stringify(progress, null, 2));
  renameSync(`${path}.tmp`, path);
  if (progress.next % 10 === 0)
    console.log(`${progress.tally.cases} of ${cases} cases, ${Math.round(progress.seconds)} s, all agree`);
}
console.log(JSON.stringify(progress.tally, null, 2));
process.exit(0); // snarkjs leaves threads behind
