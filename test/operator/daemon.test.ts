import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { epochCount, moment } from "../../prover/daemon/look.ts";
import { claimOf, earningsOf } from "../../sdk/history.ts";
import { mined } from "../../sdk/transactions.ts";
import type { Program } from "../support/program.ts";
import { integers } from "../support/samples.ts";
import { ACCOUNTS, COUNTS, DEPOSIT, program, World } from "./world.ts";

/** Where the daemon is killed, in the order in which epochs 2 and 3 come to it. */
const OPENING = [
  ["before steps.open", "before sender.record", "after sender.record", "after sender.broadcast"],
  ["after steps.open"],
];
const PROPOSING = [
  ["before steps.propose", "before steps.receipts", "after steps.receipts", "after steps.propose"],
  ["after sender.record", "after sender.broadcast"],
];
const PROVING = [["before steps.prove", "before proofs.save", "after proofs.save"], ["after steps.prove"]];
const SETTLING = [
  ["before steps.settle", "before sender.record", "after sender.broadcast"],
  ["after sender.record", "after sender.finish"],
];

describe("the operator's daemon", () => {
  let world: World;
  let config: string;
  const running = new Set<Program>();
  const start = (script: string, ...args: string[]) => {
    const started = program(script, args);
    running.add(started);
    return started;
  };
  const run = () => start("bin/openledger.ts", "operator", "run", "--config", config);

  before(async () => {
    world = await World.start();
    config = world.configFile();
  });
  afterEach(async function () {
    for (const one of running) {
      await one.stop();
      if (this.currentTest?.isFailed()) console.log(one.output);
    }
    running.clear();
  });
  after(() => world.close());

  /** What the daemon does for an epoch that has sold something; the test moves the clock and redeems. */
  async function settle(epochId: bigint): Promise<void> {
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed");
    await world.redeem(epochId);
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed");
    await world.chain.wait(61);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled");
  }

  /** Everybody takes what is his: every unit that came in is paid, or held for who did not spend it. */
  async function expectConservation(): Promise<void> {
    const { chain, splitter, commitmentId } = world;
    for (const c of COUNTS.keys()) await mined(splitter.claim([await claimOf(splitter, commitmentId, c)]));
    const { builder, server, operator, treasury } = ACCOUNTS;
    const parties = [1, 2, 3, builder, server, operator, treasury];
    let paid = 0n;
    for (const party of parties) {
      const address = await chain.account(party).getAddress();
      if ((await splitter.balance(chain.token, address)) > 0n)
        await mined(chain.as(0).splitter.withdrawFor(chain.token, address));
      paid += await chain.token.balanceOf(address);
    }
    expect(await chain.token.balanceOf(chain.addresses.splitter)).to.equal(await splitter.dust(commitmentId));
    expect(paid + (await splitter.dust(commitmentId)) + (await chain.token.balanceOf(chain.addresses.escrow))).to.equal(
      DEPOSIT,
    );
    chain.account(operator).reset();
  }

  const events = async (epochId: bigint) => {
    const { splitter, modelId } = world;
    const { EpochProposed, EpochSettled, OperatorPaid } = splitter.filters;
    const filters = [EpochProposed(modelId, epochId), EpochSettled(modelId, epochId), OperatorPaid(modelId, epochId)];
    return Promise.all(filters.map(async (filter) => (await splitter.queryFilter(filter as never)).length));
  };

  it("settles two epochs by itself, refuses a second daemon meanwhile, and everybody claims", async () => {
    const daemon = run();
    await daemon.says(/Operator 0x\w+ at work/);
    const second = run();
    expect((await second.ended).code).to.equal(1);
    expect(second.output).to.contain(`Process ${daemon.child.pid} holds`).and.contain("OPERATOR_LOCKED");
    for (const epochId of [0n, 1n]) {
      expect(await world.sell()).to.equal(epochId);
      await settle(epochId);
      expect(await events(epochId)).to.deep.equal([1, 1, 1]);
    }
    expect((await earningsOf(world.splitter, world.commitmentId)).every((amount) => amount > 0n)).to.equal(true);
    await daemon.stop();
    expect((await daemon.ended).code).to.equal(0);
    await expectConservation();
  });

  it("settles each epoch once and pays nobody twice, killed at twenty points", async () => {
    const operator = await world.chain.account(ACCOUNTS.operator).getAddress();
    const sent = await world.chain.provider.getTransactionCount(operator);
    const killAt = async (points: string[]) => {
      for (const point of points) {
        const killed = start("test/operator/killed.ts", config, ...point.split(" "));
        expect((await killed.ended).signal, `${point}\n${killed.output}`).to.equal("SIGKILL");
        running.delete(killed);
      }
    };
    for (const [i, epochId] of [2n, 3n].entries()) {
      expect(await world.sell()).to.equal(epochId);
      await killAt(OPENING[i]!);
      await world.redeem(epochId);
      await killAt([...PROPOSING[i]!, ...PROVING[i]!]);
      await world.chain.wait(61);
      await killAt(SETTLING[i]!);
      expect(await events(epochId)).to.deep.equal([1, 1, 1]);
    }
    expect(await world.chain.provider.getTransactionCount(operator)).to.equal(sent + 6);
    await expectConservation();
  });

  it("proposes nothing while a server is down or its records are not signed by it, says so, and tries again", async () => {
    const epochId = await world.sell();
    const daemon = run();
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed");
    await world.stopServing();
    await world.redeem(epochId);
    await daemon.says(new RegExp(`attempt 1 failed: .*model=1&epoch=${epochId} cannot be reached.*OPERATOR_SERVER`));
    world.tamper = ([first, ...rest]) => [{ ...first!, recordSignature: first!.receiptSignature }, ...rest];
    await world.serve();
    await daemon.says(/SIGNATURE_WRONG_SIGNER/);
    const status = start("bin/openledger.ts", "operator", "status", "--json", "--config", config);
    await status.ended;
    const { problems, epochs } = JSON.parse(status.output);
    expect(problems[0]).to.include({ what: `model 1 epoch ${epochId}`, code: "SIGNATURE_WRONG_SIGNER" });
    expect(epochs[Number(epochId)]).to.include({ epochId: String(epochId), state: "to propose" });
    expect(await events(epochId)).to.deep.equal([0, 0, 0]);
    world.tamper = (records) => records;
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed");
    await world.chain.wait(61);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled");
    await daemon.stop();
    await expectConservation();
  });

  it("pays by base weights where nothing scored, passes over an epoch without fees, and shows its figures", async () => {
    world.sketch = () => new Int8Array(128);
    const epochId = await world.sell();
    const daemon = run();
    await settle(epochId);
    const { splitter, modelId, chain } = world;
    const [settled] = await splitter.queryFilter(splitter.filters.EpochSettled(modelId, epochId));
    expect(settled!.args.totals).to.equal("0x");
    await chain.wait(600);
    await world.until(epochId + 1n, ({ closedAt }) => closedAt !== 0n, "closed");
    await chain.wait(61);
    await daemon.says(new RegExp(`epoch ${epochId + 1n}: without fees`));
    const [url] = daemon.output.match(/http:[^ \n]+/)!;
    const get = async (path: string) => (await fetch(`${url}${path}`)).text();
    expect(await get("/healthz")).to.equal('{"ok":true}');
    expect(await get("/readyz")).to.equal('{"ready":true}');
    const figures = await get("/metrics");
    expect(figures).to.contain(`openledger_operator_epochs{model="1",state="settled"} ${epochId + 1n}`);
    expect(figures).to.contain('openledger_operator_steps_total{step="settleByBase"} 1');
    await daemon.stop();
    await expectConservation();
  });

  it("waits while disputed, proposes again after a rejection, but not what it lost its stake for", async () => {
    const { chain, splitter, modelId } = world;
    const { splitter: disputes } = chain.as(0);
    const epochId = await world.sell();
    const daemon = run();
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed");
    await world.redeem(epochId);
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed");
    await mined(disputes.openDispute(modelId, epochId));
    await chain.wait(61);
    await daemon.says(new RegExp(`epoch ${epochId}: no scores, disputed`));
    await mined(disputes.reject(modelId, epochId, ZeroAddress));
    await world.until(epochId, ({ proposedAt, round }) => proposedAt !== 0n && round === 2n, "proposed again");
    await mined(disputes.reject(modelId, epochId, chain.account(ACCOUNTS.builder)));
    await daemon.says(new RegExp(`epoch ${epochId}: own proposal rejected, not repeated`));
    await chain.wait(3 * 3600 + 1);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled");
    expect((await splitter.epoch(modelId, epochId)).round).to.equal(2n);
    await daemon.stop();
    await expectConservation();
  });

  it("takes up a model that appears while it runs, whose records one of its servers has", async () => {
    const other = await World.start(); // its server knows model 1 only, and this chain not at all
    const path = join(world.folder, "two servers.json");
    const { servers, ...rest } = world.configuration("data");
    writeFileSync(path, JSON.stringify({ ...rest, servers: [...servers, ...other.configuration("data").servers] }));
    const daemon = start("bin/openledger.ts", "operator", "run", "--config", path);
    await daemon.says(/at work/);
    const modelId = await world.addModel("second");
    world.sketch = (epochId, length) => integers(`query ${epochId} ${length}`, 128, 9);
    await daemon.says(new RegExp(`model ${modelId} epoch 0: open`));
    const epochId = await world.sell(modelId);
    await world.until(epochId, ({ closedAt }) => closedAt !== 0n, "closed", modelId);
    await world.redeem(epochId, modelId);
    await world.until(epochId, ({ proposedAt }) => proposedAt !== 0n, "proposed", modelId);
    await world.chain.wait(61);
    await world.until(epochId, ({ settledAt }) => settledAt !== 0n, "settled", modelId);
    const { EpochSettled } = world.splitter.filters;
    const [settled] = await world.splitter.queryFilter(EpochSettled(modelId, epochId));
    expect(settled!.args.totals).to.not.equal("0x");
    await daemon.stop();
    await other.close();
  });

  it("counts only facts with enough blocks above them", async () => {
    const { chain, splitter, modelId } = world;
    await chain.wait(600);
    const before = await splitter.currentEpoch(modelId);
    await mined(chain.as(0).splitter.openEpoch(modelId));
    const counts = async (confirmations: number) =>
      epochCount(chain.as(0), modelId, await moment(chain.provider, confirmations));
    expect([await counts(1), await counts(2)]).to.deep.equal([before + 2n, before + 1n]);
    await chain.wait(1);
    expect(await counts(2)).to.equal(before + 2n);
  });
});
