/**
 * Settles a model of many rows and verifies it from scratch: random sketches, a local chain in this process, the real
 * contracts, one worker at a time. `npm run bench:chunks` does N = 20,790 and N = 80,000, or `-- --rows N --instance r5040`
 * another; it goes on where it was cut off, since finished chunks are kept under build/. --json prints one line each.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { id } from "ethers";
import { groth16 } from "snarkjs";
import { chooseInstance, INSTANCES, type Instance } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { type LocalChain, startLocalChain } from "../deploy/local.ts";
import type { ChunkUsage } from "../prover/chunk-job.ts";
import { solveChunk, stopProver } from "../prover/groth16.ts";
import { proposeEpoch, proveEpoch, settleEpoch } from "../prover/operator.ts";
import { registerSketches } from "../prover/register.ts";
import type { ChunkProver, Settlement } from "../prover/settlement.ts";
import { memoryOf, workerProver } from "../prover/workers.ts";
import { canonicalJson } from "../sdk/content.ts";
import { ContentStore } from "../sdk/content-store.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { escrowDomain, signVoucher } from "../sdk/eip712.ts";
import { int8Bytes } from "../sdk/hash.ts";
import { mintModel } from "../sdk/models.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { Random } from "../trainer/random.ts";

const K = 128;
const CONTRIBUTORS = 100;
const LARGEST = 16; // of an entry: no row of 128 comes near the norm bound
const FEE = 10_000_000n;
const [OWNER, SERVER, OPERATOR, CUSTOMER, FIRST_CONTRIBUTOR] = [5, 6, 7, 8, 10];
const WINDOWS = { epochLength: 600, redeemWindow: 60, challengeWindow: 60 };

const { values } = parseArgs({
  options: {
    rows: { type: "string", multiple: true, default: ["20790", "80000"] },
    instance: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const root = path.join(import.meta.dirname, "..");
const results = path.join(root, "bench/results/chunks.json");
for (const rows of values.rows.map(Number)) {
  const instance = values.instance
    ? INSTANCES[values.instance as keyof typeof INSTANCES]
    : chooseInstance(rows, memoryOf({}));
  if (!instance || !(rows >= CONTRIBUTORS))
    throw new Error(`--rows must be ${CONTRIBUTORS} or more, --instance one of ${Object.keys(INSTANCES).join(", ")}`);
  const result = await run(rows, instance);
  if (values.json) console.log(JSON.stringify(result));
  const kept = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : {};
  writeFileSync(results, `${JSON.stringify({ ...kept, [`${rows}-${instance.name}`]: result }, null, 2)}\n`);
}

async function run(rows: number, instance: Instance) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const seconds: Record<string, number> = {};
  async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const value = await work();
    seconds[what] = Number(((performance.now() - from) / 1000).toFixed(1));
    if (!values.json) console.log(`${rows} rows, ${instance.name}: ${what} ${seconds[what]} s`);
    return value;
  }
  const folder = path.join(root, "build/bench-chunks", `${rows}-${instance.name}`);
  mkdirSync(folder, { recursive: true });
  const key = await timed("key, made or found", () => devKey(instance));
  const srs = await timed("powers of tau, made or found", () => devSrs(rows));
  const chain = await startLocalChain(OPERATOR, 9, await verifyingKey(key), {
    timing: { ...WINDOWS, settleWindow: 86_400 },
  });
  try {
    const store = new ContentStore(path.join(folder, "content"));
    const random = new Random(rows);
    const entry = () => Math.floor(random.uniform() * (2 * LARGEST + 1)) - LARGEST;
    const sketches = Int8Array.from({ length: rows * K }, entry);
    const counts = Array.from({ length: CONTRIBUTORS }, (_, c) => share(rows, c + 1) - share(rows, c));
    const modelId = await timed("contribute, freeze, mint", () => mint(chain, store, counts, sketches));
    const owner = chain.as(OWNER);
    // m0 weighs receipts and is no part of the proof; the median that it should be takes N² products.
    const published = { rows: sketches, k: K, m0: 1 };
    const registered = await timed("commit and register", () =>
      registerSketches(owner, modelId, chain.vkId, published, srs),
    );
    await mined(owner.splitter.openEpoch(modelId));
    await timed("sell and propose", () => sell(chain, modelId, Int8Array.from({ length: K }, entry)));
    const { committed } = registered;
    const chunks: ChunkUsage[] = [];
    const workers = workerProver({
      folder: path.join(folder, "chunks"),
      onChunk: ({ done, chunks: of, usage }) => {
        if (usage) chunks.push(usage);
        if (!values.json) console.log(`  chunk ${done} of ${of}${usage ? "" : ", found"}`);
      },
    });
    const prove = instance.name === "r210" ? here(path.join(folder, "chunks"), workers) : workers;
    const operator = chain.as(OPERATOR);
    const account = await chain.account(OPERATOR).getAddress();
    const settlement = await timed("prove", () =>
      proveEpoch(operator, modelId, 0n, account, committed, key, srs, prove),
    );
    await chain.wait(WINDOWS.challengeWindow);
    const from = 1 + (await chain.provider.getBlockNumber());
    const settled = await timed("settle", () => settleEpoch(operator, modelId, 0n, settlement));
    const transactions = await gasBetween(chain, from, settled.blockNumber);
    const verified = await timed("openledger verify", () => verify(chain, modelId, path.join(folder, "content")));
    const { user, system } = process.cpuUsage(cpu);
    const peakMB = Math.round(process.resourceUsage().maxRSS / 1024);
    const result = {
      ...{ rows, columns: K, contributors: CONTRIBUTORS, instance: instance.name },
      machine: { cpu: cpus()[0]!.model, cores: cpus().length },
      chunks: settlement.proof.chunks.length,
      gas: {
        register: Number(registered.receipt.gasUsed),
        settle: transactions.reduce((sum, gas) => sum + gas, 0),
        // In stages: what each transaction took, and what the chain says to a single one.
        ...(transactions.length > 1 && { transactions, atOnce: await verifyAtOnce(operator, settlement) }),
      },
      seconds: { ...seconds, all: Number(((performance.now() - started) / 1000).toFixed(1)) },
      provedHere: {
        chunks: chunks.length,
        seconds: chunks.reduce((sum, { seconds }) => sum + seconds, 0),
        cpuSeconds: chunks.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
        peakMB: Math.max(0, ...chunks.map(({ peakMB }) => peakMB)),
      },
      thisProcess: { cpuSeconds: (user + system) / 1e6, peakMB },
      verify: verified,
    };
    rmSync(folder, { recursive: true });
    return result;
  } finally {
    await chain.close();
  }
}

/** Proves small chunks in this process, which takes less than to start another for each; the workers then find them. */
function here(folder: string, then: ChunkProver): ChunkProver {
  return async (key, sd, jobs) => {
    mkdirSync(path.join(folder, sd), { recursive: true });
    for (const [t, { chunk, statement }] of jobs.entries()) {
      const file = path.join(folder, sd, `${t}.json`);
      if (existsSync(file)) continue;
      const { proof } = await groth16.prove(key.zkey, await solveChunk(key.circuit, chunk, statement));
      writeFileSync(`${file}.part`, JSON.stringify(proof));
      renameSync(`${file}.part`, file);
      if (!values.json) console.log(`  chunk ${t + 1} of ${jobs.length}, here`);
    }
    await stopProver();
    return then(key, sd, jobs);
  };
}

/** Gas of each transaction in these blocks. */
async function gasBetween({ provider }: LocalChain, from: number, to: number): Promise<number[]> {
  const spent: number[] = [];
  for (let n = from; n <= to; n++)
    for (const hash of (await provider.getBlock(n))!.transactions)
      spent.push(Number((await provider.getTransactionReceipt(hash))!.gasUsed));
  return spent;
}

/** What comes of the whole proof in one call of the verifier with all the gas that a transaction may have. */
async function verifyAtOnce({ verifier, splitter }: Protocol, { statement: s, proof }: Settlement) {
  const from = await splitter.getAddress();
  try {
    const args = [s.commitmentId, s.vkId, s.epochId, s.prover, s.floorUnits, int8Bytes(s.q), s.totals, proof] as const;
    const { verify } = verifier.connect(verifier.runner!.provider!); // a signer calls from its own address only
    await verify.staticCall(...args, { from, gasLimit: 2 ** 24 });
    return "verified";
  } catch (error) {
    return (error as { shortMessage?: string }).shortMessage ?? String(error);
  }
}

/** First row of contributor c: shares grow slowly, so that some span chunks' borders. */
function share(rows: number, c: number): number {
  return Math.floor((rows * c * (c + CONTRIBUTORS)) / (2 * CONTRIBUTORS ** 2));
}

async function mint(chain: LocalChain, store: ContentStore, counts: number[], sketches: Int8Array): Promise<bigint> {
  const { datanets, models } = chain.as(OWNER);
  const created = await mined(datanets.create(chain.account(OWNER), "Bench", "MIT", ""));
  const { datanetId } = emitted(datanets, "DatanetCreated", created);
  for (const [c, rows] of counts.entries())
    await mined(
      chain.as(FIRST_CONTRIBUTOR + (c % 10)).datanets.contribute(datanetId, `cid ${c}`, rows, id(`rows ${c}`)),
    );
  await mined(
    datanets.review(
      counts.map((_, c) => BigInt(c + 1)),
      true,
      "",
    ),
  );
  await mined(datanets.freeze(datanetId));
  const manifest = {
    name: "bench",
    methodVersion: 1,
    base: { name: "base", hash: id("base") },
    adapter: { hash: id("adapter"), config: "config", weights: "weights" },
    sketches: {
      rows: await store.put(int8Bytes(sketches)),
      basis: "basis",
      description: await store.put(canonicalJson({ k: K, m0: 1 })),
    },
    versions: [{ datanetId: String(datanetId), version: "1" }],
    training: {},
  };
  const split = { data: 5000, owner: 2000, server: 2000, operator: 500, protocol: 500 };
  const terms = { token: await chain.token.getAddress(), inputPrice: 1n, outputPrice: 1n, split };
  return (await mintModel(models, store, manifest, terms)).modelId;
}

/** One receipt, whose fee the escrow redeems; then the epoch is over and its V is proposed. */
async function sell(chain: LocalChain, modelId: bigint, sketch: Int8Array): Promise<void> {
  const token = await chain.token.getAddress();
  const [customer, server] = [chain.account(CUSTOMER), chain.account(SERVER)];
  const { escrow, addresses } = chain.as(CUSTOMER);
  await mined(chain.token.mint(customer, FEE));
  await mined(chain.token.connect(customer).approve(escrow, FEE));
  await mined(escrow.deposit(customer, token, FEE));
  const voucher = {
    customer: await customer.getAddress(),
    server: await server.getAddress(),
    ...{ modelId, epochId: 0n, token, cumulative: FEE, deadline: 10n ** 12n },
  };
  const signature = await signVoucher(customer, escrowDomain(31337n, addresses.escrow), voucher);
  await mined(chain.as(SERVER).escrow.redeem(voucher, signature, FEE));
  await chain.wait(WINDOWS.epochLength);
  await mined(chain.as(OWNER).splitter.openEpoch(modelId));
  await chain.wait(WINDOWS.redeemWindow);
  const receipt = {
    ...{ server: voucher.server, customer: voucher.customer, receiptId: id("receipt"), recordId: id("record") },
    ...{ fee: FEE, weight: 10n ** 12n, sketch },
  };
  await proposeEpoch(chain.as(OPERATOR), modelId, 0n, [receipt], K);
}

/** What the command says that anyone would run. */
async function verify(chain: LocalChain, modelId: bigint, content: string) {
  const addresses = path.join(content, "..", "addresses.json");
  writeFileSync(addresses, JSON.stringify(chain.addresses));
  const args = ["verify", "--model", String(modelId), "--epoch", "0", "--json"];
  const child = spawn(
    process.execPath,
    [path.join(root, "bin/openledger.ts"), ...args, "--rpc", chain.url, "--addresses", addresses, "--content", content],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let report = "";
  child.stdout.on("data", (data) => {
    report += data;
  });
  const exitCode = await new Promise<number | null>((done) => child.on("close", done));
  if (exitCode !== 0) throw new Error(`openledger verify ended with ${exitCode}: ${report}`);
  return { exitCode, ...(JSON.parse(report) as { ok: boolean; findings: unknown[] }) };
}
