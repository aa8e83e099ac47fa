import { expect } from "chai";
import type { Result } from "ethers";
import { floorUnits, proposalFor, quantise, sharePot, sumReceipts, toFee18 } from "../../sdk/epoch.ts";
import { bytesInt8 } from "../../sdk/hash.ts";
import { claimOf as claim, earningsOf } from "../../sdk/history.ts";
import { claimRoot } from "../../sdk/merkle.ts";
import {
  admin,
  bond,
  COUNTS,
  closeEpoch,
  contributors,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  K,
  MANIFEST,
  mint,
  networkHelpers,
  operator,
  owner,
  pay,
  proposal,
  propose,
  type Ready,
  ready,
  register,
  SPLIT,
  server,
  stranger,
  TIMING,
  treasury,
  vector,
  voucher,
} from "../support/world.ts";

const world = () => networkHelpers.loadFixture(ready);
const { time } = networkHelpers;
const BASE = COUNTS.map(BigInt);
/** A struct as an object by field names. */
const fields = (struct: unknown) => (struct as Result).toObject();
const PROOF = { chunks: [], opening: [0n, 0n] as [bigint, bigint] };
const { redeemWindow, proposeWindow, challengeWindow, settleWindow, fallbackWindow } = TIMING;

/** Settles an epoch by base weights, with `stranger` as sender and `operator` as prover. */
const settleByBase = async (all: Ready, epochId: bigint, q: string) =>
  all.splitter
    .connect(stranger)
    .settleByBase(all.modelId, epochId, operator, q, await earningsOf(all.splitter, all.id));

/** An epoch of `fees` that was proposed without scores and settled. */
async function settled(fees: bigint): Promise<Ready> {
  const all = await world();
  await pay(all, fees);
  const q = await propose(all, 0n, vector(0n));
  await time.increase(challengeWindow);
  await settleByBase(all, 0n, q);
  return all;
}

/** A second model of the same owner and Datanet, paid in its own token. */
async function secondModel(all: Ready): Promise<Ready> {
  const token = await ethers.deployContract("TestToken", ["Ether-like", "WETH", 18]);
  const datanetId = await freeze(all, [4, 4]);
  const modelId = await mint(all, datanetId, token);
  const id = await register(all, modelId, [4, 4]);
  await all.splitter.openEpoch(modelId);
  const second = { ...all, token: token as never, modelId, id };
  await deposit(second, customer, 1_000_000n);
  await bond(second, second.token, 1_000_000n);
  return second;
}

const claimOf = (all: Ready, c: number) => claim(all.splitter, all.id, c);

describe("RewardSplitter", () => {
  it("refuses windows that overlap, epochs without length, an endless thaw, no treasury and no stakes", async () => {
    const { splitter, models, attribution, verifier, operators } = await networkHelpers.loadFixture(deployed);
    const deploy = async (timing: Partial<typeof TIMING>, account = treasury.address, thaw = 600n, factor = 7n) =>
      ethers.deployContract("RewardSplitter", [
        models.target,
        attribution.target,
        verifier.target,
        operators.target,
        await splitter.pauses(),
        account,
        thaw,
        factor,
        { ...TIMING, ...timing },
        admin.address,
      ]);
    for (const [timing, account, thaw, factor] of [
      [{ redeemWindow: 501 }, undefined, undefined, undefined],
      [{ epochLength: 0 }, undefined, undefined, undefined],
      [{}, ethers.ZeroAddress, undefined, undefined],
      [{}, undefined, 2n ** 32n, undefined],
      [{}, undefined, undefined, 0n],
    ] as const)
      await expect(deploy(timing, account, thaw, factor)).to.be.revertedWithCustomError(
        splitter,
        "SplitterInvalidDeployment",
      );
    const made = await deploy({ redeemWindow: 500 });
    expect(Object.values(fields(await made.timing()))).to.deep.equal(
      Object.values({ ...TIMING, redeemWindow: 500 }).map(BigInt),
    );
    const { models: of, attribution: by, verifier: judge, operators: bonds, treasury: to, bondFactor } = made;
    expect(await Promise.all([of(), by(), judge(), bonds(), to(), bondFactor()])).to.deep.equal([
      models.target,
      attribution.target,
      verifier.target,
      operators.target,
      treasury.address,
      7n,
    ]);
  });

  describe("epochs", () => {
    it("open once the model has a commitment, and fix what they settle under", async () => {
      const all = await networkHelpers.loadFixture(deployed);
      const { splitter, token } = all;
      const datanetId = await freeze(all, COUNTS);
      const modelId = await mint(all, datanetId, token);
      await expect(splitter.currentEpoch(modelId))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownEpoch")
        .withArgs(modelId, 0n);
      await expect(splitter.openEpoch(modelId))
        .to.be.revertedWithCustomError(splitter, "SplitterNoCommitment")
        .withArgs(modelId);
      const id = await register(all, modelId);
      await expect(splitter.connect(stranger).openEpoch(modelId))
        .to.emit(splitter, "EpochOpened")
        .withArgs(modelId, 0n, id, all.vkId, token);
      const epoch = await splitter.epoch(modelId, 0n);
      expect(fields(epoch)).to.deep.include({
        token: token.target,
        openedAt: BigInt(await time.latest()),
        closedAt: 0n,
        dataBps: SPLIT.data,
        ownerBps: SPLIT.owner,
        serverBps: SPLIT.server,
        protocolBps: SPLIT.protocol,
        decimals: 6n,
        commitmentId: id,
        vkId: all.vkId,
      });
    });

    it("need a key that the verifier holds, and a token with at most 18 decimals", async () => {
      const all = await networkHelpers.loadFixture(deployed);
      const { splitter } = all;
      const datanetId = await freeze(all, [1]);
      const keyless = await mint(all, datanetId, all.token);
      const unknown = ethers.id("key");
      await register(all, keyless, [1], undefined, unknown);
      await expect(splitter.openEpoch(keyless))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownKey")
        .withArgs(unknown);
      const hostile = await ethers.deployContract("HostileToken");
      const modelId = await mint(all, datanetId, hostile);
      await register(all, modelId, [1]);
      await hostile.setDecimals(19);
      await expect(splitter.openEpoch(modelId))
        .to.be.revertedWithCustomError(splitter, "SplitterTokenDecimals")
        .withArgs(hostile, 19n);
    });

    it("begin in listed tokens only, and go on when one is delisted", async () => {
      const all = await networkHelpers.loadFixture(deployed);
      const { splitter, token } = all;
      const tokens = [token.target as string];
      await expect(splitter.connect(stranger).setTokens(tokens, true))
        .to.be.revertedWithCustomError(splitter, "AccessManagedUnauthorized")
        .withArgs(stranger);
      const datanetId = await freeze(all, COUNTS);
      const modelId = await mint(all, datanetId, token);
      const id = await register(all, modelId);
      await expect(splitter.connect(admin).setTokens(tokens, false))
        .to.emit(splitter, "TokenSet")
        .withArgs(token, false);
      expect(await splitter.acceptsToken(token)).to.equal(false);
      await expect(splitter.openEpoch(modelId))
        .to.be.revertedWithCustomError(splitter, "SplitterTokenNotAllowed")
        .withArgs(token);
      await splitter.connect(admin).setTokens(tokens, true);
      await splitter.openEpoch(modelId);
      await splitter.connect(admin).setTokens(tokens, false);
      await closeEpoch({ ...all, modelId, id });
      expect(await splitter.currentEpoch(modelId)).to.equal(1n);
    });

    it("close although their model's owner commits to a key that nobody registered: the next keeps the last one's", async () => {
      const all = await world();
      const { models, splitter, modelId, id, vkId } = all;
      await pay(all, 1000n);
      const manifest = { ...MANIFEST, manifestHash: ethers.id("retrained") };
      await models.connect(owner).retrain(modelId, manifest, [{ datanetId: 1n, version: 1n }]);
      await register(all, modelId, COUNTS, undefined, ethers.id("key"));
      const q = await propose(all, 0n, vector(0n));
      expect(fields(await splitter.epoch(modelId, 1n))).to.deep.include({ commitmentId: id, vkId });
      await time.increase(challengeWindow);
      await settleByBase(all, 0n, q);
    });

    it("close although their token shows other decimals by then, and keep those of the first", async () => {
      const all = await networkHelpers.loadFixture(deployed);
      const { splitter } = all;
      const hostile = await ethers.deployContract("HostileToken");
      const modelId = await mint(all, await freeze(all, COUNTS), hostile);
      const id = await register(all, modelId);
      await splitter.openEpoch(modelId);
      await hostile.setDecimals(19);
      await closeEpoch({ ...all, modelId, id });
      expect((await splitter.epoch(modelId, 1n)).decimals).to.equal(18n);
    });

    it("run for their length; the next opens in the transaction that closes one", async () => {
      const { splitter, modelId, id, vkId, token } = await world();
      const { openedAt } = await splitter.epoch(modelId, 0n);
      const until = Number(openedAt) + TIMING.epochLength;
      await time.setNextBlockTimestamp(until - 1);
      await expect(splitter.openEpoch(modelId))
        .to.be.revertedWithCustomError(splitter, "SplitterEpochRunning")
        .withArgs(until);
      await time.setNextBlockTimestamp(until);
      await expect(splitter.connect(stranger).openEpoch(modelId))
        .to.emit(splitter, "EpochClosed")
        .withArgs(modelId, 0n)
        .and.to.emit(splitter, "EpochOpened")
        .withArgs(modelId, 1n, id, vkId, token);
      expect((await splitter.epoch(modelId, 0n)).closedAt).to.equal(until);
      expect(await splitter.currentEpoch(modelId)).to.equal(1n);
      await expect(splitter.epoch(modelId, 2n))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownEpoch")
        .withArgs(modelId, 2n);
    });
  });

  describe("fees", () => {
    it("are shared at once with server, owner and protocol; the rest is held for the epoch", async () => {
      const all = await world();
      const { escrow, splitter, token, modelId } = all;
      const sent = escrow.connect(server).redeem(...(await voucher(all, { cumulative: 1003n })));
      await expect(sent).to.emit(splitter, "FeeCredited").withArgs(modelId, 0n, server, 1003n, 200n, owner, 150n, 50n);
      expect(await splitter.balance(token, server)).to.equal(200n);
      expect(await splitter.balance(token, owner)).to.equal(150n);
      expect(await splitter.balance(token, treasury)).to.equal(50n);
      const { fees, held } = await splitter.epoch(modelId, 0n);
      expect([fees, held]).to.deep.equal([1003n, 603n]);
    });

    it("go to whoever holds the model when they come in", async () => {
      const all = await world();
      const { splitter, models, token, modelId } = all;
      await pay(all, 1000n);
      await models.connect(owner).transferFrom(owner, stranger, modelId);
      await pay(all, 3000n);
      expect(await splitter.balance(token, owner)).to.equal(150n);
      expect(await splitter.balance(token, stranger)).to.equal(300n);
    });

    it("are withdrawn by their account, or by anyone for it, once", async () => {
      const all = await world();
      const { splitter, token } = all;
      await pay(all, 1000n);
      const own = splitter.connect(server).withdraw(token);
      await expect(own).to.emit(splitter, "Withdrawn").withArgs(token, server, 200n);
      await expect(own).to.changeTokenBalances(ethers, token, [splitter, server], [-200n, 200n]);
      const other = splitter.connect(stranger).withdrawFor(token, owner);
      await expect(other).to.changeTokenBalances(ethers, token, [splitter, owner, stranger], [-150n, 150n, 0n]);
      for (const account of [server, owner, stranger])
        await expect(splitter.connect(account).withdraw(token))
          .to.be.revertedWithCustomError(splitter, "SplitterNothingToWithdraw")
          .withArgs(token, account);
    });

    it("are paid elsewhere at the word of their account or of its claimer, and of nobody else", async () => {
      const all = await world();
      const { splitter, token } = all;
      await pay(all, 1000n);
      await expect(splitter.connect(stranger).withdrawTo(token, server, stranger))
        .to.be.revertedWithCustomError(splitter, "SplitterNotClaimer")
        .withArgs(server, stranger);
      await splitter.connect(server).setClaimer(stranger, true);
      const sent = splitter.connect(stranger).withdrawTo(token, server, customer);
      await expect(sent).to.emit(splitter, "Withdrawn").withArgs(token, server, 200n);
      await expect(sent).to.changeTokenBalances(ethers, token, [server, customer], [0n, 200n]);
      const own = splitter.connect(owner).withdrawTo(token, owner, customer);
      await expect(own).to.changeTokenBalances(ethers, token, [owner, customer], [0n, 150n]);
    });

    it("that a token does not send to their account block nobody else, and can go elsewhere", async () => {
      const all = await world();
      const { splitter } = all;
      const hostile = await ethers.deployContract("HostileToken");
      const datanetId = await freeze(all, [1, 1]);
      const modelId = await mint(all, datanetId, hostile);
      const id = await register(all, modelId, [1, 1]);
      await splitter.openEpoch(modelId);
      await deposit(all, customer, 5000n, hostile as never);
      await bond(all, hostile as never, 5000n);
      const one = { ...all, modelId, id, token: hostile as never };
      await pay(one, 4000n);
      const q = await propose(one, 0n, vector(0n));
      await time.increase(challengeWindow);
      await settleByBase(one, 0n, q);
      for (const account of [server, contributors[0]!]) await hostile.setBlocked(account, true);
      const [blocked, free] = [await claimOf(one, 0), await claimOf(one, 1)];
      await expect(splitter.withdrawFor(hostile, server)).to.be.revertedWith("HostileToken: blocked");
      await splitter.withdrawFor(hostile, owner);
      await expect(splitter.claim([blocked])).to.be.revertedWith("HostileToken: blocked");
      await expect(splitter.claim([free])).to.changeTokenBalance(ethers, hostile, contributors[1]!, 1000n);
      const elsewhere = splitter.connect(contributors[0]!).claimTo([blocked], stranger);
      await expect(elsewhere).to.changeTokenBalance(ethers, hostile, stranger, 1000n);
      await splitter.connect(server).withdrawTo(hostile, server, stranger);
    });

    it("cannot be taken twice by a token that calls back", async () => {
      const all = await world();
      const { splitter } = all;
      const hostile = await ethers.deployContract("HostileToken");
      const datanetId = await freeze(all, [1]);
      const modelId = await mint(all, datanetId, hostile);
      await register(all, modelId, [1]);
      await splitter.openEpoch(modelId);
      await deposit(all, customer, 5000n, hostile as never);
      await pay({ ...all, modelId, token: hostile as never }, 5000n);
      await hostile.setHook(
        splitter,
        splitter.interface.encodeFunctionData("withdrawFor", [hostile.target as string, server.address]),
      );
      await expect(splitter.withdrawFor(hostile, server)).to.be.revertedWithCustomError(
        splitter,
        "SplitterNothingToWithdraw",
      );
    });
  });

  describe("proposals", () => {
    it("fix Q and the floor, computed from V and the fees as the sdk computes them", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      await pay(all, 123_457n);
      const receipts = [1, 2, 3].map((i) => ({
        server: server.address,
        customer: customer.address,
        receiptId: ethers.id(`receipt ${i}`),
        recordId: ethers.id(`record ${i}`),
        fee: 41_152n + (i === 1 ? 1n : 0n),
        weight: 10n ** 15n + BigInt(i),
        sketch: Int8Array.from({ length: K }, (_, j) => ((i * 31 + j * 7) % 255) - 127),
      }));
      const { v, root } = sumReceipts(receipts, K);
      await closeEpoch(all);
      await time.increase(redeemWindow);
      const { q, d } = quantise(v);
      const floor = floorUnits(toFee18(123_457n, 6), d);
      const sent = splitter.connect(operator).propose(modelId, 0n, ...proposalFor(receipts, K));
      await expect(sent)
        .to.emit(splitter, "EpochProposed")
        .withArgs(modelId, 0n, v, ethers.hexlify(new Uint8Array(q.buffer)), floor, 3n, root);
      expect(fields(await splitter.epoch(modelId, 0n))).to.deep.include({
        proposedAt: BigInt(await time.latest()),
        count: 3n,
        queryHash: ethers.keccak256(new Uint8Array(q.buffer)),
        receiptsRoot: root,
        floorUnits: floor,
        settledAt: 0n,
      });
      expect(floor).to.be.greaterThan(0n);
      expect(bytesInt8(ethers.hexlify(new Uint8Array(q.buffer)))).to.deep.equal(q);
    });

    it("come from operators only", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      for (const account of [stranger, admin])
        await expect(splitter.connect(account).propose(...(await proposal(all, modelId, 0n, vector(0n)))))
          .to.be.revertedWithCustomError(splitter, "AccessManagedUnauthorized")
          .withArgs(account);
    });

    it("are taken from D0 to D1 after the end, and once", async () => {
      const all = await world();
      const { modelId, splitter } = all;
      const [, , ...given] = await proposal(all, modelId, 0n, vector(0n));
      const attempt = (epochId = 0n) => splitter.connect(operator).propose(modelId, epochId, ...given);
      await expect(attempt()).to.be.revertedWithCustomError(splitter, "SplitterNotProposable").withArgs(0n, 0n);
      await expect(attempt(1n)).to.be.revertedWithCustomError(splitter, "SplitterUnknownEpoch").withArgs(modelId, 1n);
      await closeEpoch(all);
      const closedAt = Number((await splitter.epoch(modelId, 0n)).closedAt);
      const [from, until] = [closedAt + redeemWindow, closedAt + proposeWindow];
      for (const moment of [from - 1, until + 1]) {
        const snapshot = await networkHelpers.takeSnapshot();
        await time.setNextBlockTimestamp(moment);
        await expect(attempt()).to.be.revertedWithCustomError(splitter, "SplitterNotProposable").withArgs(from, until);
        await snapshot.restore();
      }
      for (const moment of [from, until]) {
        const snapshot = await networkHelpers.takeSnapshot();
        await time.setNextBlockTimestamp(moment);
        await attempt();
        await snapshot.restore();
      }
      await time.setNextBlockTimestamp(from);
      await attempt();
      await expect(attempt()).to.be.revertedWithCustomError(splitter, "SplitterAlreadyProposed").withArgs(modelId, 0n);
    });

    it("need one entry a column, each below 2^120", async () => {
      const all = await world();
      const { modelId, splitter } = all;
      await closeEpoch(all);
      await time.increase(redeemWindow);
      const attempt = async (v: bigint[]) =>
        splitter.connect(operator).propose(...(await proposal(all, modelId, 0n, v)));
      for (const length of [K - 1, K + 1, 0])
        await expect(attempt(Array<bigint>(length).fill(1n)))
          .to.be.revertedWithCustomError(splitter, "SplitterVectorLength")
          .withArgs(length, K);
      await expect(attempt(vector(1n, -(1n << 120n))))
        .to.be.revertedWithCustomError(splitter, "SplitterVectorEntry")
        .withArgs(1n);
    });
  });

  describe("settling by base weights", () => {
    it("shares the pot by base weights, pays the operator, and carries the dust", async () => {
      const all = await world();
      const { splitter, token, modelId, id } = all;
      await pay(all, 1003n);
      const q = await propose(all, 0n, vector(0n));
      await time.increase(challengeWindow);
      const { pay: shares, dust } = sharePot(501n, [0n, 0n, 0n], 0n, BASE);
      await expect(splitter.connect(stranger).settleByBase(modelId, 0n, operator, q, []))
        .to.emit(splitter, "EpochSettled")
        .withArgs(modelId, 0n, id, operator, 501n, claimRoot(id, shares), "0x", shares)
        .and.to.emit(splitter, "OperatorPaid")
        .withArgs(modelId, 0n, operator, 102n);
      expect(await splitter.balance(token, operator)).to.equal(102n);
      expect(await splitter.dust(id)).to.equal(dust);
      expect(await splitter.claimsRoot(id)).to.equal(claimRoot(id, shares));
      const { held, settledAt, fees } = await splitter.epoch(modelId, 0n);
      expect([held, settledAt, fees]).to.deep.equal([0n, BigInt(await time.latest()), 1003n]);
    });

    it("pays no more to who cuts his rows in ten, each a tenth as long, or adds rows that are zero", async () => {
      const all = await deployed();
      const { splitter } = all;
      /** What contributors of rows of these lengths earn of 1,000 units; the sketches' last column is all they have. */
      const earned = async (contributions: number[][], epochId: bigint) => {
        const counts = contributions.map((lengths) => lengths.length);
        const rows = new Int8Array(K * counts.reduce((sum, count) => sum + count, 0));
        for (const [i, length] of contributions.flat().entries()) rows[(i + 1) * K - 1] = length;
        const modelId = await mint(all, await freeze(all, counts), all.token);
        const id = await register(all, modelId, counts, { rows, k: K, m0: 1 });
        await splitter.openEpoch(modelId);
        await deposit(all, customer, 1_000n);
        const model = { ...all, modelId, id };
        await pay(model, 1_000n, epochId);
        const q = await propose(model, epochId, vector(1n));
        await time.increase(challengeWindow);
        await settleByBase(model, epochId, q);
        return earningsOf(splitter, id);
      };
      const others = [Array<number>(5).fill(100), Array<number>(2).fill(100)];
      const honest = await earned([[100, 100, 100], ...others], 0n);
      expect(honest).to.deep.equal([150n, 250n, 100n]);
      expect(await earned([Array<number>(30).fill(10), ...others], 0n)).to.deep.equal(honest);
      expect(await earned([[100, 100, 100, ...Array<number>(27).fill(0)], ...others], 0n)).to.deep.equal(honest);
    });

    it("adds to earlier earnings, with the dust of the last pot", async () => {
      const all = await settled(1003n);
      const { splitter, id } = all;
      const first = sharePot(501n, [0n, 0n, 0n], 0n, BASE);
      await pay(all, 777n, 1n);
      const q = await propose(all, 1n, vector(0n));
      await time.increase(challengeWindow);
      await settleByBase(all, 1n, q);
      const second = sharePot(388n + first.dust, [0n, 0n, 0n], 0n, BASE);
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal(
        first.pay.map((amount, c) => amount + second.pay[c]!),
      );
      expect(await splitter.dust(id)).to.equal(second.dust);
    });

    it("waits for the challenge window", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      await pay(all, 1000n);
      const q = await propose(all, 0n, vector(0n));
      const until = (await time.latest()) + challengeWindow;
      await time.setNextBlockTimestamp(until - 1);
      await expect(settleByBase(all, 0n, q))
        .to.be.revertedWithCustomError(splitter, "SplitterWindowOpen")
        .withArgs(until);
      await expect(splitter.settle(modelId, 0n, operator, q, "0x", PROOF, []))
        .to.be.revertedWithCustomError(splitter, "SplitterWindowOpen")
        .withArgs(until);
      await time.setNextBlockTimestamp(until);
      await settleByBase(all, 0n, q);
    });

    it("takes the zero Q as well", async () => {
      const all = await world();
      await pay(all, 1000n);
      const q = await propose(all, 0n, vector(0n, 0n));
      await time.increase(challengeWindow);
      await settleByBase(all, 0n, q);
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal([150n, 250n, 100n]);
    });

    it("is refused while there are scores to prove, until the last deadline", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      await pay(all, 1000n);
      const q = await propose(all, 0n, vector(3n));
      const from = (await time.latest()) + challengeWindow + settleWindow + fallbackWindow;
      expect(await splitter.fallbackAt(modelId, 0n)).to.equal(from);
      await time.setNextBlockTimestamp(from - 1);
      await expect(settleByBase(all, 0n, q))
        .to.be.revertedWithCustomError(splitter, "SplitterNeedsProof")
        .withArgs(from);
      await time.setNextBlockTimestamp(from);
      await settleByBase(all, 0n, "0x");
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal([150n, 250n, 100n]);
    });

    it("is open after the last deadline to an epoch that nobody proposed for", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      await pay(all, 1000n);
      expect(await splitter.fallbackAt(modelId, 0n)).to.equal(0n);
      await expect(settleByBase(all, 0n, "0x"))
        .to.be.revertedWithCustomError(splitter, "SplitterNotProposed")
        .withArgs(modelId, 0n);
      await closeEpoch(all);
      const from = (await time.latest()) + proposeWindow + settleWindow + fallbackWindow;
      expect(await splitter.fallbackAt(modelId, 0n)).to.equal(from);
      await time.setNextBlockTimestamp(from - 1);
      await expect(settleByBase(all, 0n, "0x"))
        .to.be.revertedWithCustomError(splitter, "SplitterNotProposed")
        .withArgs(modelId, 0n);
      await time.setNextBlockTimestamp(from);
      await settleByBase(all, 0n, "0x");
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal([150n, 250n, 100n]);
    });

    it("needs the proposed Q, the right earlier earnings and a prover", async () => {
      const all = await settled(1000n);
      const { splitter, modelId, id } = all;
      const q = await propose(all, 1n, vector(0n));
      await time.increase(challengeWindow);
      const earned = await earningsOf(all.splitter, all.id);
      const wrong = ethers.hexlify(new Uint8Array(K));
      for (const attempt of [
        () => splitter.settleByBase(modelId, 1n, operator, wrong, earned),
        () => splitter.settle(modelId, 1n, operator, wrong, "0x", PROOF, earned),
      ])
        await expect(attempt())
          .to.be.revertedWithCustomError(splitter, "SplitterQueryMismatch")
          .withArgs(ethers.keccak256(wrong), ethers.keccak256(q));
      for (const previous of [[], earned.slice(1), earned.with(0, 151n), [...earned, 0n]])
        await expect(splitter.settleByBase(modelId, 1n, operator, q, previous))
          .to.be.revertedWithCustomError(splitter, "SplitterPreviousMismatch")
          .withArgs(previous.length ? claimRoot(id, previous) : ethers.ZeroHash, claimRoot(id, earned));
      await expect(splitter.settleByBase(modelId, 1n, ethers.ZeroAddress, q, earned)).to.be.revertedWithCustomError(
        splitter,
        "SplitterInvalidProver",
      );
    });

    it("happens once, by whatever way", async () => {
      const all = await settled(1000n);
      const { splitter, modelId } = all;
      const again = async (q: string) => {
        const earned = await earningsOf(all.splitter, all.id);
        for (const attempt of [
          () => splitter.settleByBase(modelId, 0n, operator, q, earned),
          () => splitter.settle(modelId, 0n, operator, q, "0x", PROOF, earned),
        ])
          await expect(attempt())
            .to.be.revertedWithCustomError(splitter, "SplitterAlreadySettled")
            .withArgs(modelId, 0n);
      };
      const [event] = await splitter.queryFilter(splitter.filters.EpochProposed(modelId, 0n));
      await again(event!.args.q);
      await time.increase(10_000);
      await again(event!.args.q);
    });

    it("settles epochs in any order, and an epoch without fees as well as not at all", async () => {
      const all = await world();
      const { splitter, modelId } = all;
      await pay(all, 1001n);
      for (let i = 0; i < 2; i++) await closeEpoch(all);
      await pay(all, 555n, 2n);
      await closeEpoch(all);
      await time.increase(proposeWindow + settleWindow + fallbackWindow);
      await settleByBase(all, 2n, "0x");
      const first = sharePot(277n, [0n, 0n, 0n], 0n, BASE);
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal(first.pay);
      await settleByBase(all, 0n, "0x");
      const second = sharePot(500n + first.dust, [0n, 0n, 0n], 0n, BASE);
      const earned = first.pay.map((amount, c) => amount + second.pay[c]!);
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal(earned);
      await settleByBase(all, 1n, "0x");
      const third = sharePot(second.dust, [0n, 0n, 0n], 0n, BASE);
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal(earned.map((amount, c) => amount + third.pay[c]!));
      expect((await splitter.epoch(modelId, 1n)).fees).to.equal(0n);
    });
  });

  describe("claims", () => {
    it("pay the registry's account, whoever sends them", async () => {
      const all = await settled(1000n);
      const { splitter, token, id } = all;
      const sent = splitter.connect(stranger).claim([await claimOf(all, 1)]);
      await expect(sent).to.emit(splitter, "Claimed").withArgs(id, 1n, contributors[1], 250n);
      await expect(sent).to.changeTokenBalances(
        ethers,
        token,
        [splitter, contributors[1]!, stranger],
        [-250n, 250n, 0n],
      );
      expect(await splitter.claimed(id, 1n)).to.equal(250n);
    });

    it("pay nothing twice: what was paid is passed over", async () => {
      const all = await settled(1000n);
      const { splitter, token } = all;
      const [first, second] = [await claimOf(all, 0), await claimOf(all, 2)];
      await splitter.claim([first]);
      const sent = splitter.claim([first, second, second]);
      await expect(sent).to.changeTokenBalances(
        ethers,
        token,
        [splitter, contributors[0]!, contributors[2]!],
        [-100n, 0n, 100n],
      );
      await expect(sent).to.emit(splitter, "Claimed").withArgs(all.id, 2n, contributors[2], 100n);
    });

    it("pay the difference after the next settlement, for which the old proof is no longer good", async () => {
      const all = await settled(1000n);
      const { splitter, token } = all;
      const old = await claimOf(all, 0);
      await splitter.claim([old]);
      await pay(all, 2000n, 1n);
      const q = await propose(all, 1n, vector(0n));
      await time.increase(challengeWindow);
      await settleByBase(all, 1n, q);
      await expect(splitter.claim([old]))
        .to.be.revertedWithCustomError(splitter, "SplitterInvalidClaim")
        .withArgs(0n);
      await expect(splitter.claim([await claimOf(all, 0)])).to.changeTokenBalance(
        ethers,
        token,
        contributors[0]!,
        300n,
      );
    });

    it("are refused with anything changed", async () => {
      const all = await settled(1000n);
      const { splitter, id } = all;
      const good = await claimOf(all, 1);
      const other = await claimOf(all, 0);
      for (const changes of [
        { cumulative: 251n },
        { c: 0 },
        { c: 3 },
        { proof: [] },
        { proof: other.proof },
        { proof: [...good.proof, ethers.ZeroHash] },
        { commitmentId: ethers.id("other") },
      ])
        await expect(splitter.claim([other, { ...good, ...changes }]))
          .to.be.revertedWithCustomError(splitter, "SplitterInvalidClaim")
          .withArgs(1n);
      // An inner node does not pass for a leaf, nor an empty root for a proof.
      await expect(splitter.claim([{ commitmentId: ethers.ZeroHash, c: 0, cumulative: 0n, proof: [] }]))
        .to.be.revertedWithCustomError(splitter, "SplitterInvalidClaim")
        .withArgs(0n);
      expect(await splitter.claimed(id, 1n)).to.equal(0n);
    });

    it("of two models go in one call, each in its token", async () => {
      const all = await world();
      const second = await secondModel(all);
      const { splitter } = all;
      for (const one of [all, second]) {
        await pay(one, 2000n);
        const q = await propose(one, 0n, vector(0n));
        await time.increase(challengeWindow);
        await settleByBase(one, 0n, q);
      }
      const sent = splitter.claim([await claimOf(all, 0), await claimOf(second, 0), await claimOf(second, 1)]);
      await expect(sent).to.changeTokenBalances(ethers, all.token, [splitter, contributors[0]!], [-300n, 300n]);
      await expect(sent).to.changeTokenBalances(
        ethers,
        second.token,
        [splitter, contributors[0]!, contributors[1]!],
        [-1000n, 500n, 500n],
      );
    });

    it("are paid elsewhere at the word of the account or of its claimer, and of nobody else", async () => {
      const all = await settled(1000n);
      const { splitter, token } = all;
      const [first, second] = [contributors[0]!, contributors[1]!];
      const claims = [await claimOf(all, 0), await claimOf(all, 1)];
      await expect(splitter.connect(stranger).claimTo(claims, stranger))
        .to.be.revertedWithCustomError(splitter, "SplitterNotClaimer")
        .withArgs(first, stranger);
      await expect(splitter.connect(first).setClaimer(stranger, true))
        .to.emit(splitter, "ClaimerSet")
        .withArgs(first, stranger, true);
      await expect(splitter.connect(stranger).claimTo(claims, stranger))
        .to.be.revertedWithCustomError(splitter, "SplitterNotClaimer")
        .withArgs(second, stranger);
      await splitter.connect(second).setClaimer(stranger, true);
      const sent = splitter.connect(stranger).claimTo(claims, owner);
      await expect(sent).to.changeTokenBalances(ethers, token, [owner, first, second], [400n, 0n, 0n]);
      await expect(sent).to.emit(splitter, "Claimed").withArgs(all.id, 1n, second, 250n);
      await splitter.connect(first).setClaimer(stranger, false);
      await expect(splitter.connect(stranger).claimTo([claims[0]!], stranger)).to.be.revertedWithCustomError(
        splitter,
        "SplitterNotClaimer",
      );
      await expect(splitter.connect(first).claimTo([claims[0]!], first)).to.changeTokenBalance(
        ethers,
        token,
        first,
        0n,
      );
    });

    it("refuse everything changed when they are to be paid elsewhere", async () => {
      const all = await settled(1000n);
      const claim = { ...(await claimOf(all, 0)), cumulative: 151n };
      await expect(all.splitter.connect(contributors[0]!).claimTo([claim], stranger))
        .to.be.revertedWithCustomError(all.splitter, "SplitterInvalidClaim")
        .withArgs(0n);
    });

    it("of one model do not pass under another's root", async () => {
      const all = await settled(1000n);
      const second = await secondModel(all);
      const claim = await claimOf(all, 0);
      await expect(all.splitter.claim([{ ...claim, commitmentId: second.id }]))
        .to.be.revertedWithCustomError(all.splitter, "SplitterInvalidClaim")
        .withArgs(0n);
    });
  });
});
