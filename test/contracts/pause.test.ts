import { expect } from "chai";
import { pauseSwitch } from "../../sdk/contracts.ts";
import { claimOf } from "../../sdk/history.ts";
import {
  admin,
  contributors,
  customer,
  deposit,
  ethers,
  freeze,
  MANIFEST,
  mint,
  networkHelpers,
  operator,
  owner,
  pay,
  propose,
  ready,
  register,
  reviewer,
  SPLIT,
  server,
  stranger,
  THAW,
  TIMING,
  vector,
} from "../support/world.ts";

const GROUPS = { datanets: 0, contributions: 1, models: 2, epochs: 3, deposits: 4 };

async function world() {
  const all = await networkHelpers.loadFixture(ready);
  return { ...all, pauses: await pauseSwitch(all) };
}

describe("PauseSwitch", () => {
  it("is the guardians' only", async () => {
    const { pauses } = await world();
    await expect(pauses.connect(stranger).setPaused(0, true))
      .to.be.revertedWithCustomError(pauses, "AccessManagedUnauthorized")
      .withArgs(stranger);
    await expect(pauses.connect(admin).setPaused(4, true)).to.emit(pauses, "PauseSet").withArgs(4n, true);
    expect([await pauses.isPaused(4), await pauses.isPaused(0)]).to.deep.equal([true, false]);
  });

  it("stops the obligations of a group, and of no other, until it is set again", async () => {
    const all = await world();
    const { pauses, datanets, models, splitter, token } = all;
    const datanetId = await freeze(all, [1]);
    const unopened = await mint(all, datanetId, token);
    await register(all, unopened, [1]);
    const versions = [{ datanetId, version: 1n }];
    const terms = { token: token.target as string, inputPrice: 1n, outputPrice: 1n, split: SPLIT };
    const bond = { token: ethers.ZeroAddress, amount: 0n, beneficiary: ethers.ZeroAddress, slashable: 0n };
    const kind = { policy: 0, aiTraining: true, shareAlike: false, bond };
    const settings = { name: "n", licence: "MIT", metadataCid: "", ...kind };
    const submission = { cid: "bafy", rows: 1, rowRoot: ethers.id("rows") };
    const from = datanets.connect(owner);
    const calls: Record<keyof typeof GROUPS, (() => Promise<unknown>)[]> = {
      datanets: [() => from.create(reviewer, "n", "MIT", ""), () => from.createWith(settings, [reviewer])],
      contributions: [
        () => from.contribute(datanetId, "bafy", 1, ethers.id("rows")),
        () => from.contributeBatch(datanetId, [submission]),
      ],
      models: [
        () => models.connect(owner).mint(MANIFEST, versions, terms),
        () => models.connect(owner).mintDerived(MANIFEST, versions, terms, [{ modelId: 1n, royaltyBps: 1n }]),
        () => models.connect(owner).retrain(unopened, MANIFEST, versions),
      ],
      epochs: [() => splitter.openEpoch(unopened)],
      deposits: [() => deposit(all, customer, 1n)],
    };
    for (const [group, index] of Object.entries(GROUPS)) {
      const snapshot = await networkHelpers.takeSnapshot();
      await pauses.setPaused(index, true);
      for (const [name, list] of Object.entries(calls))
        for (const call of list)
          if (name === group)
            await expect(call()).to.be.revertedWithCustomError(pauses, "PauseGroupPaused").withArgs(index);
          else await call();
      await pauses.setPaused(index, false);
      for (const call of calls[group as keyof typeof GROUPS]) if (group !== "epochs") await call();
      await snapshot.restore();
    }
  });

  it("holds up nothing that is owed, whatever is paused", async () => {
    const all = await world();
    const { pauses, datanets, splitter, escrow, token, modelId, id } = all;
    await datanets.connect(contributors[0]!).contribute(1n, "bafy", 1, ethers.id("rows"));
    for (const index of Object.values(GROUPS)) await pauses.setPaused(index, true);

    await datanets.connect(reviewer).review([4n], true, "");
    await datanets.connect(owner).freeze(1n);
    await datanets.connect(contributors[0]!).withdraw([4n], 0);
    await pay(all, 1000n);
    const q = await propose(all, 0n, vector(0n)); // closes epoch 0 and opens epoch 1
    await networkHelpers.time.increase(TIMING.challengeWindow);
    await splitter.settleByBase(modelId, 0n, operator, q, []);
    const claims = [await claimOf(splitter, id, 0)];
    await expect(splitter.claim(claims)).to.changeTokenBalance(ethers, token, contributors[0]!, 150n);
    await splitter.connect(server).withdraw(token);
    await escrow.connect(customer).startWithdrawal(token, 999_000n);
    await networkHelpers.time.increase(THAW);
    await expect(escrow.connect(customer).withdraw(token)).to.changeTokenBalance(ethers, token, customer, 999_000n);
  });
});
