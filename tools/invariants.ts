/**
 * The invariants of test/invariants under forge, the second engine beside Hardhat's. `npm run invariants:forge` makes the
 * 52,000 calls that CI makes under Hardhat. `npm run invariants:nightly` makes 1,040,000: 20 seeds, the books looked at
 * after every tenth call; it is recorded in bench/results/invariants.json. A seed that is done is kept in build/forge
 * until contracts or tests change: the same command goes on where it was stopped.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../circuits/cache.ts";
import { runInvariants } from "./forge.ts";

const { values } = parseArgs({ options: { nightly: { type: "boolean", default: false } } });
const { seeds, checkInterval } = values.nightly ? { seeds: 20, checkInterval: 10 } : { seeds: 1, checkInterval: 1 };

const made = createHash("sha256");
for (const path of globSync(["{contracts,test/invariants}/**/*.sol", "tools/forge/*.{toml,json}"], {
  cwd: ROOT,
}).sort())
  made.update(path).update(readFileSync(join(ROOT, path)));
const sources = made.digest("hex").slice(0, 16);
const folder = join(ROOT, "build/forge", sources);
mkdirSync(folder, { recursive: true });

const done: { seed: number; calls: number; seconds: number }[] = [];
for (let seed = 1; seed <= seeds; seed++) {
  const path = join(folder, `seed-${seed}-every-${checkInterval}.json`);
  if (!existsSync(path)) {
    const started = Date.now();
    const invariants = await runInvariants(ROOT, ["--fuzz-seed", String(seed)], {
      FOUNDRY_INVARIANT_CHECK_INTERVAL: String(checkInterval),
    });
    const broken = invariants.filter(({ failure }) => failure !== undefined);
    for (const { name, failure } of broken) console.error(`Seed ${seed}: ${name} does not hold: ${failure}`);
    if (broken.length > 0) process.exit(1);
    const calls = invariants.reduce((sum, invariant) => sum + invariant.calls, 0);
    writeFileSync(`${path}.tmp`, JSON.stringify({ seed, calls, seconds: Math.round((Date.now() - started) / 1000) }));
    renameSync(`${path}.tmp`, path);
  }
  done.push(JSON.parse(readFileSync(path, "utf8")));
  const calls = done.reduce((sum, part) => sum + part.calls, 0);
  console.log(`Seed ${seed} of ${seeds}: all properties hold, ${calls} calls so far`);
  if (values.nightly)
    writeFileSync(
      join(ROOT, "bench/results/invariants.json"),
      `${JSON.stringify({ engine: "forge", sources, calls, checkInterval, seeds: done }, null, 2)}\n`,
    );
}
