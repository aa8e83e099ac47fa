/**
 * The experimental argument (docs/experimental-proof.md) against the settlement proof in use, on the same machine and
 * chain: CPU time to prove 16,384 rows, memory, and gas to verify. `npm run bench:plonk -- --json` also writes
 * bench/results/plonk.json. Development keys; the verifiers' gas is that of one transaction that calls `verify`.
 */
import { writeFileSync } from "node:fs";
import { network } from "hardhat";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { type Domain, devDomain, openTable } from "../prover/experimental/domain.ts";
import { proveTotals } from "../prover/experimental/prove.ts";
import { stopProver } from "../prover/groth16.ts";
import { commitColumns, commitFlags } from "../prover/kzg.ts";
import { type Committed, proveSettlement, type SettlementContext } from "../prover/settlement.ts";
import { int8Bytes } from "../sdk/hash.ts";
import {
  type Attribution,
  deployAttribution,
  registerModel,
  settle,
  settlementContext,
  verifyArguments,
} from "../test/support/attribution.ts";
import { sampleQuery, sampleSketches } from "../test/support/samples.ts";

const [POWER, LARGE_POWER, K] = [14, 17, 100];
const GROTH_ROWS = INSTANCES.r1260.rows;
const ROUNDS = 3;

const evenly = (rows: number, contributors: number) =>
  Array.from(
    { length: contributors },
    (_, c) => Math.floor(((c + 1) * rows) / contributors) - Math.floor((c * rows) / contributors),
  );

/** Least CPU seconds (all threads) of a few rounds: the first also pays for compilation. */
async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1e6);
  }
  return Number(least.toFixed(2));
}

const word = (digit: string) => `0x${digit.repeat(64)}`;
const context = (vkId: string): SettlementContext => ({
  splitter: word("1").slice(0, 42),
  chainId: 31337n,
  verifier: word("2").slice(0, 42),
  vkId,
  commitmentId: word("3"),
  epochId: 3n,
  prover: word("4").slice(0, 42),
  floorUnits: 10n ** 15n,
});

/** N rows of 128 columns; the width does not matter to either prover. */
async function commitment(rows: number): Promise<Committed> {
  const srs = await devSrs(rows);
  const [counts, sketches] = [evenly(rows, K), sampleSketches(rows, 128)];
  return {
    counts,
    sketches,
    columns: await commitColumns(sketches, 128, srs),
    flags: await commitFlags(counts, srs),
  };
}

async function proving(power: number): Promise<{ rows: number; cpuSeconds: number; peakRssMb: number }> {
  const domain = await devDomain(power);
  const committed = await commitment(domain.size);
  const query = sampleQuery(128);
  const seconds = await cpuSeconds(() => proveTotals(committed, query, context(domain.id), domain));
  return {
    rows: domain.size,
    cpuSeconds: seconds,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

async function provingByGroth16(): Promise<{ rows: number; cpuSeconds: number }> {
  const committed = await commitment(GROTH_ROWS);
  const key = await devKey(INSTANCES.r1260);
  const srs = await devSrs(GROTH_ROWS);
  const seconds = await cpuSeconds(() => proveSettlement(committed, sampleQuery(128), context(word("5")), key, srs));
  await stopProver();
  return { rows: GROTH_ROWS, cpuSeconds: seconds };
}

type Gas = {
  domain: number;
  rows: number;
  contributors: number;
  columns: number;
  experimental: number;
  groth16: number;
};

async function gas(chain: Attribution, power: number, counts: number[], columns: number): Promise<Gas> {
  const domain: Domain = { ...(await devDomain(power)), srs: chain.srs };
  const verifier = await chain.ethers.deployContract("PlonkVerifier", [chain.registry, chain.verifier]);
  await verifier.registerDomain(power, domain.table, await openTable(domain));
  const model = await registerModel(chain, [counts], columns);
  const used = async (request: object) => {
    const sent = await chain.splitter.sendTransaction({ ...request, gasLimit: 16_000_000 });
    return Number((await sent.wait())!.gasUsed);
  };
  const own = {
    ...(await settlementContext(chain, model.commitmentId)),
    verifier: await verifier.getAddress(),
    vkId: domain.id,
  };
  const { statement: s, proof } = await proveTotals(model.committed, sampleQuery(columns), own, domain);
  const experimental = await used(
    await verifier.verify.populateTransaction(
      s.commitmentId,
      s.vkId,
      s.epochId,
      s.prover,
      s.floorUnits,
      int8Bytes(s.q),
      s.totals,
      proof,
    ),
  );
  const present = await settle(chain, model);
  const groth16 = await used(
    await chain.verifier.verify.populateTransaction(...verifyArguments(present.statement, present.proof)),
  );
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return { domain: domain.size, rows, contributors: counts.length, columns, experimental, groth16 };
}

const groth16 = await provingByGroth16();
const small = await proving(POWER - 2);
const full = await proving(POWER);
const large = await proving(LARGE_POWER);
const chain = await deployAttribution(await network.create());
const results = {
  measured: "development keys; CPU seconds are user + system of all threads, least of 3 runs, check included",
  proving: {
    experimental: [small, full, large],
    groth16,
    groth16ScaledTo: { rows: full.rows, cpuSeconds: Math.round((groth16.cpuSeconds / groth16.rows) * full.rows) },
    cpuMsPerRow: {
      experimental: Number(((1000 * full.cpuSeconds) / full.rows).toFixed(3)),
      groth16: Number(((1000 * groth16.cpuSeconds) / groth16.rows).toFixed(3)),
    },
  },
  // Groth16 with 210 rows a chunk: a larger key takes more rows for the gas of one chunk.
  gas: [
    await gas(chain, 8, evenly(200, K), 128),
    await gas(chain, 11, evenly(200, K), 128),
    await gas(chain, 8, evenly(200, 10), 128),
    await gas(chain, 8, evenly(200, 200), 128),
    await gas(chain, 8, evenly(200, K), 256),
    await gas(chain, 8, evenly(200, K), 512),
    await gas(chain, 11, evenly(840, K), 128),
  ],
  proofBytes: { experimental: 34 * 32, groth16: "64 + 352 a chunk" },
};
console.log(JSON.stringify(results, null, 2));
if (process.argv.includes("--json"))
  writeFileSync(new URL("results/plonk.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
process.exit(0);
