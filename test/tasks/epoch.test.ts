import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { commitColumns } from "../../prover/kzg.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { sampleSketches } from "../support/samples.ts";
import {
  FIRST_CONTRIBUTOR,
  folder,
  known,
  OPERATOR,
  refused,
  run,
  SERVER,
  STRANGER,
  useTasks,
} from "../support/tasks.ts";
import {
  COUNTS,
  contributors,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  K,
  mint,
  networkHelpers,
  operator,
  owner,
  pay,
  propose,
  ready,
  register,
  registerKey,
  server,
  TIMING,
  vector,
} from "../support/world.ts";

describe("Tasks of a registered model", function () {
  this.timeout(60_000);
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
    await world.splitter.connect(operator).propose(1n, 0n, vector(0n), 1n, ethers.ZeroHash);
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

  it("has an epoch with scores settled under a proof from its sketches, and from no others", async () => {
    const key = await devKey(INSTANCES.r210);
    const counts = [9, 7];
    const sketches = sampleSketches(16, K);
    const world = await deployed();
    const vkId = await registerKey(world, await verifyingKey(key));
    const datanetId = await freeze(world, counts);
    const modelId = await mint(world, datanetId, world.token);
    const columns = await commitColumns(sketches, K, await devSrs(16));
    const id = await register(world, modelId, datanetId, counts, { columns, gRoot: sketchRoot(sketches, K) }, vkId);
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
