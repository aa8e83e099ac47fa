import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { encodeTree } from "../../sdk/receipts-tree.ts";
import { changed, proposeTree, sold } from "../support/disputes.ts";
import { sampleSketches } from "../support/samples.ts";
import {
  FIRST_CONTRIBUTOR,
  folder,
  idle,
  known,
  OPERATOR,
  refused,
  run,
  SERVER,
  STRANGER,
  useTasks,
} from "../support/tasks.ts";
import {
  COMMITTEE,
  COUNTS,
  contributors,
  customer,
  deployed,
  deposit,
  freeze,
  K,
  mint,
  networkHelpers,
  operator,
  owner,
  pay,
  proposal,
  propose,
  ready,
  register,
  registerKey,
  server,
  TIMING,
  vector,
} from "../support/world.ts";

describe("Tasks of a registered model", function () {
  this.timeout(300_000);
  useTasks();

  const EPOCH = { model: 1n, epoch: 0n };

  it("is shown with its terms, versions, contributors and current epoch", async () => {
    const { id } = await known(await networkHelpers.loadFixture(ready));
    const shown = await run("model:show", { model: 1n });
    expect(shown).to.deep.include({ owner: owner.address, commitmentId: id, currentEpoch: "0", rows: "10" });
    expect(shown.versions).to.deep.equal([{ datanetId: "1", version: "1" }]);
    expect(shown.contributors.map(({ rows }: { rows: string }) => Number(rows))).to.deep.equal(COUNTS);
    expect(shown.splitBps.data).to.equal("5000");
  });

  it("has its epochs opened, shown, settled by base weights, and paid out", async () => {
    const world = await known(await networkHelpers.loadFixture(ready));
    expect((await run("epoch:show", EPOCH)).state).to.match(/^open/);
    expect(await refused("epoch:open", { model: 1n })).to.match(/SplitterEpochRunning/);
    await pay(world, 100_000n);
    await networkHelpers.time.increase(TIMING.epochLength);
    expect(await run("epoch:open", { model: 1n, account: STRANGER })).to.include({ epochId: "1" });
    expect(await run("epoch:show", EPOCH)).to.include({ state: "closed: its fees may still be redeemed" });
    expect(await refused("epoch:settle", EPOCH)).to.match(/epoch: .*SplitterNotProposed/);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    expect((await run("epoch:show", EPOCH)).state).to.equal("may be proposed");
    await world.splitter.connect(operator).propose(...(await proposal(world, 1n, 0n, vector(0n))));
    expect(await refused("epoch:settle", EPOCH)).to.match(/epoch: .*SplitterWindowOpen/);
    expect(await run("epoch:show", EPOCH)).to.deep.include({ fees: "0.1", state: "proposed: may be challenged" });
    await networkHelpers.time.increase(TIMING.challengeWindow);
    expect(await refused("claim", { models: [1n], account: FIRST_CONTRIBUTOR })).to.match(/CLAIM_NOTHING/);
    await run("epoch:settle", { ...EPOCH, account: OPERATOR });
    const settled = await run("epoch:show", EPOCH);
    expect(settled).to.include({
      state: "settled",
      settledBy: "base weights",
      pot: "0.05",
      prover: operator.address,
    });
    expect(settled.payouts.map(({ paid }: { paid: string }) => paid)).to.deep.equal(["0.015", "0.025", "0.01"]);
    expect(await refused("epoch:settle", EPOCH)).to.match(/SplitterAlreadySettled/);

    const { claimed } = await run("claim", { models: [1n], for: contributors[1]!.address });
    expect(claimed).to.deep.include({
      model: "1",
      contributor: 1,
      token: world.token.target,
      amount: "0.025",
    });
    expect(await world.token.balanceOf(contributors[1]!)).to.equal(25_000n);
    expect(await refused("claim", { models: [1n], for: contributors[1]!.address })).to.match(/CLAIM_NOTHING/);
    expect(await refused("claim", { models: [2n] })).to.match(/model: .*ModelUnknown/);
    expect(await run("withdraw", { account: SERVER })).to.include({ amount: "0.02", account: server.address });
    expect(await refused("withdraw", { account: SERVER })).to.match(/SplitterNothingToWithdraw/);
  });

  it("has a proposal disputed: listed, demanded, judged, and rejected for a fault in its leaves", async () => {
    const all = await networkHelpers.loadFixture(sold);
    await known(all);
    const tree = join(folder, "tree.json");
    const from = { ...EPOCH, account: STRANGER };
    expect(await refused("epoch:challenge", { ...from, kind: "demand" })).to.match(/EPOCH_NOT_PROPOSED/);
    const bad = changed(all.tree, 2, ({ feeSum }) => ({ feeSum: feeSum + 1n }));
    await proposeTree(all, bad);
    expect((await run("epoch:disputes", EPOCH)).disputes).to.deep.equal([]);
    for (const [args, message] of [
      [{ kind: "fee" }, /kind: there is no fee.*KIND_UNKNOWN/],
      [{ kind: "step" }, /tree: .*TREE_MISSING/],
      [{ kind: "step", tree }, /tree: there is no .*TREE_MISSING/],
      [{ kind: "sketch" }, /evidence: .*EVIDENCE_MISSING/],
      [{ kind: "demand", index: 99n }, /JudgeUnknownIndex/],
    ] as const)
      expect(await refused("epoch:challenge", { ...from, ...args })).to.match(message);
    writeFileSync(tree, encodeTree(all.tree));
    expect(await refused("epoch:challenge", { ...from, kind: "step", tree })).to.match(/DISPUTE_OTHER_TREE/);
    writeFileSync(tree, encodeTree(bad));
    expect(await refused("epoch:challenge", { ...from, kind: "payer", tree })).to.match(
      /epoch:challenge … step.*DISPUTE_NOT_FOUND/,
    );
    const shown = { kind: "step", index: 2, fault: "fee sum" };
    const planned = await idle("epoch:challenge", { ...from, kind: "step", tree, dryRun: true });
    expect(planned.transactions[0].function).to.match(/^challengeStep/);
    await run("epoch:challenge", { ...from, kind: "demand", index: 1n });
    await run("epoch:challenge", { ...from, kind: "sketch", index: 1n, evidence: "bafy" });
    const { disputes, open, locksDemand, wins } = await run("epoch:disputes", EPOCH);
    expect(locksDemand, "a tenth of the stake").to.match(/^0\.000045 of 0x/);
    expect(wins, "half of the stake").to.match(/^0\.000224 of 0x/);
    expect(open).to.equal("2");
    expect(disputes.map(({ kind, outcome }: Record<string, string>) => [kind, outcome])).to.deep.equal([
      ["demand", "open"],
      ["sketch", "open"],
    ]);
    expect(await run("epoch:challenge", { ...from, kind: "step", tree })).to.include(shown);
    expect((await all.splitter.epoch(1n, 0n)).proposedAt).to.equal(0n);
    for (const dispute of [1n, 2n]) {
      expect(await run("epoch:resolve", { dispute })).to.include({ outcome: "released" });
      expect((await idle("epoch:resolve", { dispute })).message).to.match(/nothing sent/);
    }
    expect(await refused("epoch:resolve", { dispute: 3n })).to.match(/DISPUTE_UNKNOWN/);
  });

  it("loses its proposal to a demand that nobody answers, and to a verdict", async () => {
    const all = await networkHelpers.loadFixture(sold);
    await known(all);
    const from = { ...EPOCH, account: STRANGER };
    await proposeTree(all, all.tree);
    await run("epoch:challenge", { ...from, kind: "demand", index: 1n });
    expect(await refused("epoch:resolve", { dispute: 1n })).to.match(/DisputesAnswerable/);
    await networkHelpers.time.increase(TIMING.answerWindow);
    expect(await run("epoch:resolve", { dispute: 1n })).to.include({ kind: "demand", outcome: "upheld" });
    expect((await all.splitter.epoch(1n, 0n)).proposedAt).to.equal(0n);

    await proposeTree(all, all.tree);
    await run("epoch:challenge", { ...from, kind: "sketch", index: 1n, evidence: "bafy" });
    expect(await refused("epoch:resolve", { dispute: 2n })).to.match(/DisputesPending/);
    await networkHelpers.time.increase(COMMITTEE.commitPeriod + COMMITTEE.revealPeriod);
    await run("committee:close", { case: 1n });
    expect(await run("epoch:resolve", { dispute: 2n })).to.include({ kind: "sketch", outcome: "undecided" });
    expect((await all.splitter.epoch(1n, 0n)).proposedAt, "rejected, all bonds back").to.equal(0n);
  });

  it("has an epoch with scores settled under a proof from its sketches, and from no others", async () => {
    const key = await devKey(INSTANCES.r210);
    const counts = [9, 7];
    const sketches = sampleSketches(16, K);
    const world = await deployed();
    const vkId = await registerKey(world, await verifyingKey(key));
    const datanetId = await freeze(world, counts);
    const modelId = await mint(world, datanetId, world.token);
    const id = await register(world, modelId, counts, { rows: sketches, k: K, m0: 1 }, vkId);
    await world.splitter.openEpoch(modelId);
    await deposit(world, customer, 1_000_000n);
    const all = await known({ ...world, modelId, id });
    await pay(all, 40_000n);
    await propose(all, 0n, vector(10n ** 12n));
    await networkHelpers.time.increase(TIMING.challengeWindow);

    expect(await refused("epoch:settle", EPOCH)).to.match(/sketches: .*SplitterNeedsProof/);
    expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/sketches: .*SKETCHES_MISSING/);
    writeFileSync(join(folder, "rows.int8"), int8Bytes(sketches).with(0, 99));
    expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/sketches: .*SKETCHES_WRONG/);
    writeFileSync(join(folder, "rows.int8"), int8Bytes(sketches));
    expect(await run("epoch:settle", { ...EPOCH, sketches: folder })).to.include({ settledBy: "proof" });
    const { payouts, settledBy } = await run("epoch:show", EPOCH);
    expect(settledBy).to.equal("proof");
    expect(payouts.every(({ total }: { total: string }) => BigInt(total) > 0n)).to.equal(true);
    expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/epoch: .*EPOCH_SETTLED/);
  });
});
