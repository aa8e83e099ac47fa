/**
 * The whole loop on real data, through the doors that people use: Hardhat tasks, `openledger serve`, `openledger operator`,
 * an OpenAI route paid by voucher. `npm run demo`; with `-- --json` the last line is one JSON object.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getBytes } from "ethers";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { readR1cs } from "../circuits/setup/r1cs.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { startLocalChain } from "../deploy/local.ts";
import { Customer, payingFetch } from "../openlora/index.ts";
import * as prover from "../prover/index.ts";
import * as sdk from "../sdk/index.ts";
import * as trainer from "../trainer/index.ts";
import { complete, Doors } from "./demo/doors.ts";
import { forge, replay } from "./demo/forgeries.ts";
import { Report } from "./demo/report.ts";
import { step } from "./demo/step.ts";

const PACKAGES = ["@openzeppelin/contracts", "solady", "@solidstate/contracts", "@prb/math"];
const ROWS_EACH = 300;
const ALLOWED = "licence"; // two files of @prb/math say UNLICENSED, the package as a whole says MIT
const PROMPTS_EACH = 12; // held-out rows of each package, of which this many are asked in epoch 0:
const EPOCH_0_PROMPTS = 8;
const MAX_TOKENS = 32;
const DEPOSIT = 100_000_000n;
const MOST_FOR_A_CALL = 1_000_000n;
const [ADMIN, REVIEWER, BUILDER, SERVER, OPERATOR, CUSTOMER, TREASURY] = [0, 5, 6, 7, 8, 9, 10] as const;
const contributors = PACKAGES.map((name, c) => ({ name, account: c + 1 }));

const folder = mkdtempSync(join(tmpdir(), "openledger-demo-"));
const root = new URL("..", import.meta.url).pathname;
const content = join(folder, "content");
const store = new sdk.ContentStore(content);
const report = new Report(contributors.map(({ name }) => name));

const { key, srs } = await step("Development keys for 1,260 rows (made once)", async () => ({
  key: await devKey(INSTANCES.r1260),
  srs: await devSrs(INSTANCES.r1260.rows),
}));
const chain = await step("Contracts compiled and deployed on a local chain", async () =>
  startLocalChain(OPERATOR, TREASURY, await verifyingKey(key)),
);
const protocol = chain.as(ADMIN);
const { splitter } = protocol;
const addresses = join(folder, "31337.json");
writeFileSync(addresses, JSON.stringify({ chainId: 31337, addresses: chain.deployment }));
const doors = new Doors(chain.url, addresses);
/** Runs a task and takes down the gas of its transaction. */
const task = async (gas: string, id: string, account: number, ...args: string[]) => {
  const result = await doors.task(id, account, ...args);
  report.gas(gas, (await chain.provider.getTransactionReceipt(result.transaction))!);
  return result;
};

const heldOut: sdk.Row[][] = [];
const { datanetId, version } = await step("Datanet: four contributors, review, freeze", async (progress) => {
  const reviewer = await chain.account(REVIEWER).getAddress();
  const about = ["--description", "Solidity sources, for models that help to write Solidity", "--store", content];
  const create = ["--reviewers", reviewer, ...about, "Solidity"];
  const { datanetId } = await doors.task("datanet:create", ADMIN, ...create);
  const ids: string[] = [];
  for (const { name, account } of contributors) {
    progress(name);
    const files = join(root, "node_modules", name);
    const cut = [
      "--prefix",
      name,
      "--rows",
      String(ROWS_EACH),
      "--held-out",
      "0.1",
      "--allow",
      ALLOWED,
      "--store",
      content,
    ];
    const sent = await task("contribute 300 rows", "datanet:contribute", account, ...cut, datanetId, files, ".sol");
    if (sent.filesWithCutLines.length > 0)
      report.notes.push(`lines of over 512 bytes were cut in ${sent.filesWithCutLines.join(", ")}`);
    ids.push(sent.contributionId);
    heldOut.push(sdk.selectRows((await sdk.readRows(files, ".sol", name, 0.1)).heldOut, PROMPTS_EACH));
  }
  await task("review four contributions", "datanet:review", REVIEWER, "--allow", ALLOWED, "--store", content, ...ids);
  const { version } = await task("freeze a version", "datanet:freeze", ADMIN, datanetId);
  return { datanetId, version };
});

const { rows, counts } = await sdk.fetchVersion(protocol.datanets, store, BigInt(datanetId), BigInt(version));
const texts = rows.map((row) => row.text);
const base = trainer.loadBase(join(root, "models", "tiny-llama"));
const pool = await step("Base model in two threads", () => trainer.Pool.start(base));
const tuned = await step(`Fine-tune a LoRA adapter on 1,200 rows (${pool.backend.name})`, (progress) =>
  trainer.finetune(pool, {
    ...trainer.PRESETS.demo,
    rows: texts,
    heldOut: heldOut.flat().map((row) => row.text),
    onProgress: ({ step, steps, loss }) => progress(`step ${step} of ${steps}, loss ${loss.toFixed(3)}`),
  }),
);
report.notes.push(`${tuned.truncatedRows} rows are longer than the model's context and were cut for training`);
const sketches = await step("Attribute: gradient sketch of each row", (progress) =>
  trainer.buildSketches(pool, tuned.adapter, texts, { onProgress: (done) => progress(`${done} of 1200 rows`) }),
);

const server = await step("Server and operator started", async () => {
  const server = await doors.serve(chain.key(SERVER), content, join(folder, "server"));
  await doors.operate(chain.key(OPERATOR), content, server.url, join(folder, "operator"));
  return server;
});

const { modelId, commitmentId } = await step(
  "Mint the model, commit its sketches, prove whose row is whose",
  async () => {
    const manifest: sdk.ModelManifest = {
      name: "Solidity assistant",
      ...(await trainer.publishModel(folder, store, base, tuned.adapter, sketches)),
      versions: [{ datanetId, version }],
      training: { ...trainer.PRESETS.demo },
    };
    const id = await store.put(sdk.canonicalJson(manifest));
    const { modelId } = await task("mint a model", "model:mint", BUILDER, "--store", content, id);
    const registered = await doors.task("model:register", BUILDER, "--store", content, modelId);
    report.gas("registerCommitments", (await chain.provider.getTransactionReceipt(registered.registration))!);
    await server.request("POST", `models?model=${modelId}`);
    return { modelId: BigInt(modelId), commitmentId: registered.commitmentId };
  },
);

const payer = chain.account(CUSTOMER);
const customer = await Customer.open(chain.as(CUSTOMER), payer, modelId, await chain.account(SERVER).getAddress());
await sdk.mined(chain.token.connect(payer).mint(payer, DEPOSIT));
report.gas("deposit", await customer.deposit(DEPOSIT));
const pay = payingFetch(customer, MOST_FOR_A_CALL);

/** Asks for each prompt and pays; server and operator do the rest by themselves, and this lets the time pass. */
async function runEpoch(epochId: bigint, from: number, to: number) {
  const prompts = heldOut.flatMap((own, truth) => own.slice(from, to).map((row) => ({ row, truth })));
  let spent = 0n;
  await step(`Epoch ${epochId}: ${prompts.length} paid completions on held-out files`, async (progress) => {
    for (const [n, { row, truth }] of prompts.entries()) {
      progress(`${n} of ${prompts.length}`);
      const prompt = row.text.slice(0, Math.ceil(row.text.length / 2));
      const answer = await complete(pay, server.url, String(modelId), prompt, MAX_TOKENS);
      spent += answer.fee;
      report.answers.push({ truth, path: row.path, prompt, ...answer });
    }
  });
  const { redeemWindow, challengeWindow, epochLength } = await splitter.timing();
  const epoch = () => splitter.epoch(modelId, epochId);
  await step(`Epoch ${epochId}: close, redeem, sign the sketch records`, async () => {
    await chain.wait(Number(epochLength));
    await doors.until("the vouchers are redeemed", async () => (await epoch()).fees === spent);
    const records = sdk.decodeAttributed(await server.request("GET", `records?model=${modelId}&epoch=${epochId}`));
    report.queries.push(...records.map(({ sketch }) => sketch));
    await chain.wait(Number(redeemWindow) + 1);
  });
  const settled = await step(`Epoch ${epochId}: prove the totals`, async () => {
    await doors.until("the operator proposes", async () => (await epoch()).proposedAt !== 0n);
    await chain.wait(Number(challengeWindow) + 1);
    await doors.until("the operator settles", async () => (await epoch()).settledAt !== 0n);
    return (await splitter.queryFilter(splitter.filters.EpochSettled(modelId, epochId)))[0]!;
  });
  const [opened] = await splitter.queryFilter(splitter.filters.EpochOpened(modelId, epochId + 1n));
  const [proposed] = await splitter.queryFilter(splitter.filters.EpochProposed(modelId, epochId));
  const steps = { "close an epoch, open the next": opened!, propose: proposed!, settle: settled };
  for (const [name, event] of Object.entries(steps)) report.gas(name, await event.getTransactionReceipt());
  const { q, floorUnits } = await sdk.proposalOf(splitter, modelId, epochId);
  report.settlements.push({ q, floorUnits, totals: sdk.decodeTotals(getBytes(settled.args.totals)) });
  await step(`Epoch ${epochId}: everybody claims`, async () => {
    for (const { account } of contributors) await task("claim", "claim", account, String(modelId));
    for (const account of [BUILDER, SERVER, OPERATOR, TREASURY]) await task("withdraw", "withdraw", account);
  });
  return settled;
}

const settled = await runEpoch(0n, 0, EPOCH_0_PROMPTS);
await runEpoch(1n, EPOCH_0_PROMPTS, PROMPTS_EACH);
await step("Anyone verifies the last settlement from scratch", () => doors.verify(content, modelId, 1n));
await step("Server and operator end with exit code 0 on SIGTERM", () => doors.close());
await step("Three forged settlements", async () => {
  const committed = await prover.registeredAs(protocol, commitmentId, sketches.rows);
  const forged = await forge(protocol, modelId, 0n, settled, committed, key, srs, (used) => report.proof(used));
  report.forgeries.push(...forged);
  report.forgeries.push(await replay(chain, OPERATOR, modelId, 0n, settled));
});

const balance = (address: string) => chain.token.balanceOf(address);
const parties = [...contributors.map(({ account }) => account), BUILDER, SERVER, OPERATOR, TREASURY];
let paid = 0n;
for (const party of parties) paid += await balance(await chain.account(party).getAddress());
const held = (await balance(chain.addresses.escrow)) + (await balance(chain.addresses.splitter));
const summary = report.finish({
  texts,
  counts,
  sketches,
  completionAlone: await trainer.sketchQueries(pool, tuned.adapter, sketches, report.answers, "completion"),
  loss: { heldOutBefore: tuned.heldOutBefore, heldOutAfter: tuned.heldOutAfter },
  constraints: readR1cs(key.circuit.r1cs).constraints,
  money: { in: DEPOSIT, paid, held },
  earned: await sdk.earningsOf(splitter, commitmentId),
  decimals: Number(await chain.token.decimals()),
});
await pool.close();
await prover.stopProver();
await chain.close();
rmSync(folder, { recursive: true });
if (process.argv.includes("--json")) console.log(JSON.stringify(summary));
process.exit(summary.ok ? 0 : 1);
