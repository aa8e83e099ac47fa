/**
 * The whole loop on real data: contribute, review, freeze, fine-tune, attribute, register, serve for money, settle under
 * a proof, claim. `npm run demo`; with `-- --json` the last line is one JSON object.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { readR1cs } from "../circuits/setup/r1cs.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { startLocalChain } from "../deploy/local.ts";
import { Customer, Meter, PaidModel } from "../openlora/index.ts";
import * as prover from "../prover/index.ts";
import * as sdk from "../sdk/index.ts";
import * as trainer from "../trainer/index.ts";
import { forge, replay } from "./demo/forgeries.ts";
import { Report } from "./demo/report.ts";
import { step } from "./demo/step.ts";

const PACKAGES = ["@openzeppelin/contracts", "solady", "@solidstate/contracts", "@prb/math"];
const ROWS_EACH = 300;
const PROMPTS_EACH = 12; // held-out rows of each package, of which this many are asked in epoch 0:
const EPOCH_0_PROMPTS = 8;
const MAX_TOKENS = 32;
const DEPOSIT = 100_000_000n;
const TERMS = {
  inputPrice: 100_000n,
  outputPrice: 400_000n,
  split: { data: 5000, owner: 2000, server: 2000, operator: 500, protocol: 500 },
};
const [ADMIN, REVIEWER, BUILDER, SERVER, OPERATOR, CUSTOMER, TREASURY] = [0, 5, 6, 7, 8, 9, 10] as const;
const contributors = PACKAGES.map((name, c) => ({ name, account: c + 1 }));

const folder = mkdtempSync(join(tmpdir(), "openledger-demo-"));
const root = new URL("..", import.meta.url).pathname;
const store = new sdk.ContentStore(join(folder, "content"));
const report = new Report(contributors.map(({ name }) => name));

const { key, srs } = await step("Development keys for 1,260 rows (made once)", async () => ({
  key: await devKey(INSTANCES.r1260),
  srs: await devSrs(INSTANCES.r1260.rows),
}));
const chain = await step("Contracts compiled and deployed on a local chain", async () =>
  startLocalChain(OPERATOR, TREASURY, await verifyingKey(key)),
);

const heldOut: sdk.Row[][] = [];
const { datanetId, version } = await step("Datanet: four contributors, review, freeze", async (progress) => {
  const { datanets } = chain.as(ADMIN);
  const reviewer = await chain.account(REVIEWER).getAddress();
  const description = await store.put(Buffer.from("Solidity sources, for models that help to write Solidity"));
  const created = await sdk.mined(datanets.create(reviewer, "Solidity", "MIT", description));
  const datanetId = sdk.emitted(datanets, "DatanetCreated", created).datanetId as bigint;
  const ids: bigint[] = [];
  for (const { name, account } of contributors) {
    progress(name);
    const own = await sdk.readRows(join(root, "node_modules", name), ".sol", name, 0.1);
    if (own.longLines.length > 0) report.notes.push(`lines of over 512 bytes were cut in ${own.longLines.join(", ")}`);
    heldOut.push(sdk.selectRows(own.heldOut, PROMPTS_EACH));
    const rows = sdk.selectRows(own.train, ROWS_EACH);
    const sent = await sdk.contribute(chain.as(account).datanets, store, datanetId, rows);
    report.gas("contribute 300 rows", sent.receipt);
    ids.push(sent.contributionId);
  }
  for (const id of ids) await sdk.fetchContribution(datanets, store, id); // what a reviewer checks
  const reviewed = chain.as(REVIEWER).datanets.review(ids, true, "content checked");
  report.gas("review four contributions", await sdk.mined(reviewed));
  const frozen = await sdk.mined(datanets.freeze(datanetId));
  report.gas("freeze a version", frozen);
  return { datanetId, version: sdk.emitted(datanets, "VersionFrozen", frozen).version as bigint };
});

const { rows, counts } = await sdk.fetchVersion(chain.as(BUILDER).datanets, store, datanetId, version);
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

const { modelId, ...registered } = await step(
  "Mint the model, commit its sketches, prove whose row is whose",
  async () => {
    const builder = chain.as(BUILDER);
    const manifest = {
      name: "Solidity assistant",
      ...(await trainer.publishModel(folder, store, base, tuned.adapter, sketches)),
      versions: [{ datanetId: String(datanetId), version: String(version) }],
      training: { ...trainer.PRESETS.demo },
    };
    const terms = { ...TERMS, token: await chain.token.getAddress() };
    const { modelId, receipt } = await sdk.mintModel(builder.models, store, manifest, terms);
    report.gas("mint a model", receipt);
    const registered = await prover.registerSketches(builder, modelId, chain.vkId, sketches.rows, sketches.k, srs);
    report.gas("registerCommitments", registered.receipt);
    await sdk.mined(builder.splitter.openEpoch(modelId));
    return { modelId, ...registered };
  },
);
const { committed, commitmentId } = registered;

const [server, payer] = [chain.account(SERVER), chain.account(CUSTOMER)];
const meter = await Meter.open(chain.as(SERVER), server, modelId, join(folder, "calls.jsonl"));
const model = new PaidModel(pool, tuned.adapter, meter);
const customer = await Customer.open(chain.as(CUSTOMER), payer, modelId, await server.getAddress());
await sdk.mined(chain.token.mint(payer, DEPOSIT));
report.gas("deposit", await customer.deposit(DEPOSIT));

/** Asks for each prompt, pays, closes the epoch, signs records, proposes, proves and settles. */
async function runEpoch(epochId: bigint, from: number, to: number) {
  const prompts = heldOut.flatMap((own, truth) => own.slice(from, to).map((row) => ({ row, truth })));
  await step(`Epoch ${epochId}: ${prompts.length} paid completions on held-out files`, async (progress) => {
    for (const [n, { row, truth }] of prompts.entries()) {
      progress(`${n} of ${prompts.length}`);
      const prompt = row.text.slice(0, Math.ceil(row.text.length / 2));
      const promise = await customer.voucher(model.promptTokens(prompt, MAX_TOKENS), MAX_TOKENS);
      const answer = await model.complete({ prompt, maxTokens: MAX_TOKENS, ...promise });
      customer.accept(answer, TERMS);
      report.answers.push({ truth, path: row.path, prompt, answer });
    }
  });
  const operator = chain.as(OPERATOR);
  const { redeemWindow, challengeWindow, epochLength } = await operator.splitter.timing();
  const received = await step(`Epoch ${epochId}: close, redeem, sign the sketch records`, async () => {
    await chain.wait(Number(epochLength));
    report.gas("close an epoch, open the next", await sdk.mined(operator.splitter.openEpoch(modelId)));
    await model.redeem(epochId);
    await chain.wait(Number(redeemWindow) + 1);
    return model.records(epochId, sketches);
  });
  const { m0, k } = sketches;
  const receipts = await prover.weighReceipts(operator, modelId, epochId, received, (sketch, fee18) =>
    trainer.queryWeight(fee18, trainer.movement(sketches, sketch), m0),
  );
  report.queries.push(...received.map(({ sketch }) => sketch));
  const [settled] = report.settlements;
  if (settled) report.forgeries.push(await replay(chain, OPERATOR, modelId, epochId, settled));
  report.gas("propose", await prover.proposeEpoch(operator, modelId, epochId, receipts, k));
  const settlement = await step(`Epoch ${epochId}: prove the totals`, async () => {
    const started = process.cpuUsage();
    const feeTo = await chain.account(OPERATOR).getAddress();
    const proven = await prover.proveEpoch(operator, modelId, epochId, feeTo, committed, key, srs);
    report.proof(process.cpuUsage(started));
    return proven;
  });
  await chain.wait(Number(challengeWindow) + 1);
  const forging = () => forge(operator, modelId, epochId, settlement, committed, key, srs);
  if (!settled) report.forgeries.push(...(await step("Two forged settlements", forging)));
  report.settled(settlement, await prover.settleEpoch(operator, modelId, epochId, settlement));
  await step(`Epoch ${epochId}: everybody claims`, async () => {
    for (const [c, { account }] of contributors.entries()) {
      const claim = await sdk.claimOf(operator.splitter, commitmentId, c);
      report.gas("claim", await sdk.mined(chain.as(account).splitter.claim([claim])));
    }
    for (const account of [BUILDER, SERVER, OPERATOR, TREASURY])
      report.gas("withdraw", await sdk.mined(chain.as(account).splitter.withdraw(chain.token)));
  });
}

await runEpoch(0n, 0, EPOCH_0_PROMPTS);
await runEpoch(1n, EPOCH_0_PROMPTS, PROMPTS_EACH);

const balance = (address: string) => chain.token.balanceOf(address);
const parties = [...contributors.map(({ account }) => account), BUILDER, SERVER, OPERATOR, TREASURY];
let paid = 0n;
for (const party of parties) paid += await balance(await chain.account(party).getAddress());
const { escrow, splitter } = chain.addresses;
const summary = report.finish({
  texts,
  counts,
  sketches,
  completionAlone: await trainer.sketchQueries(
    pool,
    tuned.adapter,
    sketches,
    report.answers.map(({ answer }) => answer),
    "completion",
  ),
  loss: { heldOutBefore: tuned.heldOutBefore, heldOutAfter: tuned.heldOutAfter },
  constraints: readR1cs(key.circuit.r1cs).constraints,
  money: { in: DEPOSIT, paid, held: (await balance(escrow)) + (await balance(splitter)) },
  earned: await sdk.earningsOf(chain.as(ADMIN).splitter, commitmentId),
  decimals: Number(await chain.token.decimals()),
});
await pool.close();
await prover.stopProver();
await chain.close();
rmSync(folder, { recursive: true });
if (process.argv.includes("--json")) console.log(JSON.stringify(summary));
process.exit(summary.ok ? 0 : 1);
