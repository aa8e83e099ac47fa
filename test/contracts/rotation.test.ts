import { expect } from "chai";
import type { Result } from "ethers";
import { attributionDomain, type ChangePayout, signChangePayout } from "../../sdk/eip712.ts";
import { claimOf, earningsOf } from "../../sdk/history.ts";
import { commitmentsOf } from "../../sdk/models.ts";
import {
  COUNTS,
  closeEpoch,
  contributors,
  ethers,
  freeze,
  K,
  MANIFEST,
  networkHelpers,
  operator,
  owner,
  pay,
  propose,
  type Ready,
  ready,
  register,
  type Signer,
  stranger,
  TIMING,
  vector,
} from "../support/world.ts";

const { time } = networkHelpers;
/** A struct as an object by field names. */
const fields = (struct: unknown) => (struct as Result).toObject();
const world = () => networkHelpers.loadFixture(ready);
const DELAY = 2 * 24 * 3600;
const [alice, safe, other] = [contributors[0]!, contributors[5]!, contributors[6]!];

async function change(all: Ready, signer: Signer, changes: Partial<ChangePayout> = {}) {
  const { attribution } = all;
  const value = {
    account: alice.address,
    payout: safe.address,
    nonce: await attribution.nonces(changes.account ?? alice),
    deadline: 10n ** 12n,
    ...changes,
  };
  const domain = attributionDomain(31337n, attribution.target as string);
  const signature = await signChangePayout(signer, domain, value);
  return { value, signature };
}

async function send(all: Ready, signer: Signer, changes: Partial<ChangePayout> = {}) {
  const { value, signature } = await change(all, signer, changes);
  return all.attribution.connect(stranger).changePayout(value.account, value.payout, value.deadline, signature);
}

/** Settles epoch `epochId` of 1,000 units by base weights. */
async function settle(all: Ready, epochId: bigint, id = all.id) {
  await pay(all, 1000n, epochId);
  const q = await propose(all, epochId, vector(0n));
  await time.increase(TIMING.challengeWindow);
  await all.splitter.settleByBase(all.modelId, epochId, operator, q, await earningsOf(all.splitter, id));
}

describe("Changing who is paid for an account", () => {
  it("takes effect after the delay and moves what was earned before, credit kept", async () => {
    const all = await world();
    const { attribution, splitter, token, id } = all;
    await settle(all, 0n);
    const sent = await send(all, alice);
    const readyAt = (await sent.getBlock())!.timestamp + DELAY;
    await expect(sent).to.emit(attribution, "PayoutChanged").withArgs(alice, safe, readyAt);
    expect(await attribution.pendingPayout(alice)).to.deep.equal([safe.address, BigInt(readyAt)]);
    expect(await attribution.payoutOf(alice)).to.equal(alice.address);
    await time.increaseTo(readyAt - 1);
    expect(await attribution.accountOf(id, 0)).to.equal(alice.address);
    await time.increaseTo(readyAt);
    expect(await attribution.accountOf(id, 0)).to.equal(safe.address);
    expect(await attribution.accountOf(id, 1)).to.equal(contributors[1]!.address);
    expect(await attribution.pendingPayout(alice)).to.deep.equal([ethers.ZeroAddress, 0n]);
    await expect(splitter.claim([await claimOf(splitter, id, 0)])).to.changeTokenBalances(
      ethers,
      token,
      [alice, safe],
      [0n, 150n],
    );
  });

  it("is then the new account's to sign, and no more the old one's", async () => {
    const all = await world();
    const { attribution } = all;
    await send(all, alice);
    await time.increase(DELAY);
    await expect(send(all, alice, { payout: alice.address }))
      .to.be.revertedWithCustomError(attribution, "RegistryInvalidSignature")
      .withArgs(safe);
    await send(all, safe, { payout: other.address });
    expect(await attribution.payoutOf(alice)).to.equal(safe.address);
    await time.increase(DELAY);
    expect(await attribution.payoutOf(alice)).to.equal(other.address);
  });

  it("is taken until its deadline", async () => {
    const all = await world();
    const deadline = BigInt(await time.latest()) + 100n;
    const { signature } = await change(all, alice, { deadline });
    await time.setNextBlockTimestamp(deadline);
    await all.attribution.changePayout(alice, safe, deadline, signature);
  });

  it("is stopped by a later change that names who is paid now", async () => {
    const all = await world();
    await send(all, alice, { payout: other.address });
    await time.increase(DELAY - 10);
    await send(all, alice, { payout: alice.address });
    await time.increase(DELAY);
    expect(await all.attribution.payoutOf(alice)).to.equal(alice.address);
  });

  it("takes contract wallets' signatures", async () => {
    const all = await world();
    const wallet = await ethers.deployContract("TestWallet", [alice]);
    const account = wallet.target as string;
    await send(all, alice, { account });
    await time.increase(DELAY);
    expect(await all.attribution.payoutOf(account)).to.equal(safe.address);
  });

  it("refuses other signers, other content, old nonces, passed deadlines, and accounts that cannot be paid", async () => {
    const all = await world();
    const { attribution } = all;
    const { value, signature } = await change(all, alice);
    const refused = (sent: Promise<unknown>, error = "RegistryInvalidSignature") =>
      expect(sent).to.be.revertedWithCustomError(attribution, error);
    await refused(send(all, stranger));
    await refused(attribution.changePayout(alice, other, value.deadline, signature));
    await refused(attribution.changePayout(alice, safe, value.deadline + 1n, signature));
    await refused(attribution.changePayout(other, safe, value.deadline, signature));
    await refused(send(all, alice, { nonce: 1n }));
    await attribution.changePayout(alice, safe, value.deadline, signature);
    await refused(attribution.changePayout(alice, safe, value.deadline, signature));
    await refused(send(all, alice, { deadline: 1n }), "RegistrySignatureExpired");
    await refused(send(all, alice, { payout: ethers.ZeroAddress }), "RegistryInvalidPayout");
    await refused(send(all, alice, { payout: attribution.target as string }), "RegistryInvalidPayout");
  });
});

describe("Retraining a model", () => {
  const RETRAINED = {
    ...MANIFEST,
    manifestHash: ethers.id("second"),
    adapterHash: ethers.id("better"),
    methodVersion: 2n,
  };

  it("is a new release, by the token's holder only, on frozen versions", async () => {
    const { models, modelId } = await world();
    const versions = [{ datanetId: 1n, version: 1n }];
    const from = models.connect(owner);
    await expect(models.connect(stranger).retrain(modelId, RETRAINED, versions))
      .to.be.revertedWithCustomError(models, "ModelNotOwner")
      .withArgs(modelId, stranger);
    for (const [field, manifest, refs] of [
      ["adapterHash", { ...RETRAINED, adapterHash: ethers.ZeroHash }, versions],
      ["versions", RETRAINED, []],
    ] as const)
      await expect(from.retrain(modelId, manifest, [...refs]))
        .to.be.revertedWithCustomError(models, "ModelInvalidField")
        .withArgs(field);
    await expect(from.retrain(modelId, RETRAINED, versions))
      .to.emit(models, "ModelRetrained")
      .withArgs(modelId, 2n, Object.values(RETRAINED), [[1n, 1n]]);
    expect(await models.releases(modelId)).to.equal(2n);
    expect(await models.manifest(modelId)).to.deep.equal(Object.values(RETRAINED));
    expect(await models.release(modelId, 1n)).to.deep.equal([Object.values(MANIFEST), [[1n, 1n]]]);
    for (const number of [0n, 3n])
      await expect(models.release(modelId, number))
        .to.be.revertedWithCustomError(models, "ModelReleaseUnknown")
        .withArgs(modelId, number);
  });

  it("is registered again, for the epochs that open later; earlier earnings stay claimable", async () => {
    const all = await world();
    const { models, attribution, splitter, token, modelId, id } = all;
    const datanetId = await freeze(all, [4, 6]);
    await models.connect(owner).retrain(modelId, RETRAINED, [{ datanetId, version: 1n }]);
    expect(await attribution.commitmentOf(modelId)).to.equal(id);
    await pay(all, 1000n);
    const again = { rows: new Int8Array(10 * K).map((_, at) => (at % K === K - 1 ? 1 : 0)), k: K, m0: 1 };
    const second = await register(all, modelId, [4, 6], again);
    expect(await attribution.commitmentOf(modelId)).to.equal(second);
    expect(await commitmentsOf(attribution, modelId)).to.deep.equal([id, second]);
    expect(fields(await attribution.commitment(second))).to.deep.include({ release: 2n, methodVersion: 2n });
    expect(fields(await attribution.commitment(id))).to.deep.include({ release: 1n, methodVersion: 1n });
    await expect(register(all, modelId, [4, 6], again))
      .to.be.revertedWithCustomError(attribution, "RegistryAlreadyRegistered")
      .withArgs(modelId, second);

    // Epoch 0 opened before, and settles under the first commitment.
    const q = await propose(all, 0n, vector(0n));
    await time.increase(TIMING.challengeWindow);
    await splitter.settleByBase(modelId, 0n, operator, q, []);
    expect((await splitter.epoch(modelId, 1n)).commitmentId).to.equal(second);
    await settle(all, 1n, second);
    const claims = [await claimOf(splitter, id, 0), await claimOf(splitter, second, 0)];
    await expect(splitter.claim(claims)).to.changeTokenBalance(ethers, token, alice, 150n + 200n);
    await closeEpoch(all);
    expect(COUNTS).to.deep.equal((await attribution.rowCounts(id)).map(Number));
  });

  it("with nothing changed has no commitment of its own: one more under the same id would add to its contributors", async () => {
    const all = await world();
    const { models, attribution, splitter, token, modelId, id } = all;
    await models.connect(owner).retrain(modelId, MANIFEST, [{ datanetId: 1n, version: 1n }]);
    await expect(register(all, modelId))
      .to.be.revertedWithCustomError(attribution, "RegistryAlreadyRegistered")
      .withArgs(modelId, id);
    expect((await attribution.rowCounts(id)).map(Number)).to.deep.equal(COUNTS);
    await settle(all, 0n);
    await expect(splitter.claim([await claimOf(splitter, id, 0)])).to.changeTokenBalance(ethers, token, alice, 150n);
  });
});
