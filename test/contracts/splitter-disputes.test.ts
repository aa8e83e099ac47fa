import { expect } from "chai";
import type { Result } from "ethers";
import { proposalFor, sharePot } from "../../sdk/epoch.ts";
import { claimOf, earningsOf, proposalOf } from "../../sdk/history.ts";
import { claimRoot } from "../../sdk/merkle.ts";
import { settlementsOf } from "../../sdk/views/money.ts";
import {
  admin,
  asDisputes,
  BOND_FACTOR,
  COUNTS,
  closeEpoch,
  contributors,
  customer,
  ethers,
  K,
  networkHelpers,
  operator,
  pay,
  proposal,
  propose,
  type Ready,
  ready,
  server,
  stranger,
  THAW,
  TIMING,
  treasury,
  vector,
} from "../support/world.ts";

const { time } = networkHelpers;
const { redeemWindow, proposeWindow, challengeWindow, answerWindow, settleWindow, fallbackWindow } = TIMING;
const NOBODY = ethers.ZeroAddress;
const PROOF = { chunks: [], opening: [0n, 0n] as [bigint, bigint] };

/** The splitter is called as by the contract that decides disputes. */
async function bound(): Promise<Ready> {
  const all = await networkHelpers.loadFixture(ready);
  return { ...all, splitter: all.splitter.connect(await asDisputes(all)) };
}

/** An epoch that took `fees`, closed and ready for proposals. */
async function closed(fees: bigint): Promise<Ready> {
  const all = await bound();
  if (fees !== 0n) await pay(all, fees);
  await closeEpoch(all);
  await time.increase(redeemWindow);
  return all;
}

type Proposed = Ready & { q: string; proposedAt: number };

/** An epoch of 1,000 units, 600 of them held, that was just proposed. */
async function proposed(scoring = 0n): Promise<Proposed> {
  const all = await bound();
  await pay(all, 1000n);
  return { ...all, q: await propose(all, 0n, vector(scoring)), proposedAt: await time.latest() };
}

const locked = ({ operators, token, splitter }: Ready) => operators.lockedOf(operator, token, splitter);

const settleByBase = async ({ splitter, modelId, id }: Ready, q: string, prover = operator.address) =>
  splitter.connect(stranger).settleByBase(modelId, 0n, prover, q, await earningsOf(splitter, id));

describe("RewardSplitter, the disputes contract", () => {
  it("is bound by the authority, once, and before any proposal", async () => {
    const all = await networkHelpers.loadFixture(ready);
    const { models, attribution, verifier, operators, splitter, token, modelId } = all;
    const parts = [models, attribution, verifier, operators].map(({ target }) => target);
    const rest = [treasury.address, THAW, BOND_FACTOR, TIMING, await splitter.authority()];
    const fresh = await ethers.deployContract("RewardSplitter", [...parts, await splitter.pauses(), ...rest]);
    await fresh.setTokens([token], true);
    await fresh.openEpoch(modelId);
    const [, , ...given] = await proposal(all, modelId, 0n, vector(0n));
    await expect(fresh.propose(modelId, 0n, ...given)).to.be.revertedWithCustomError(fresh, "SplitterDisputesUnbound");
    await expect(fresh.connect(stranger).bindDisputes(stranger))
      .to.be.revertedWithCustomError(fresh, "AccessManagedUnauthorized")
      .withArgs(stranger);
    await expect(fresh.bindDisputes(NOBODY)).to.be.revertedWithCustomError(fresh, "SplitterInvalidDisputes");
    await expect(fresh.bindDisputes(stranger)).to.emit(fresh, "DisputesBound").withArgs(stranger);
    expect(await fresh.disputes()).to.equal(stranger.address);
    await expect(fresh.bindDisputes(admin)).to.be.revertedWithCustomError(fresh, "SplitterDisputesBound");
  });

  it("alone opens and closes disputes, rejects and corrects", async () => {
    const { splitter, modelId } = await proposed();
    for (const account of [stranger, operator]) {
      const from = splitter.connect(account);
      for (const call of [
        () => from.openDispute(modelId, 0n),
        () => from.closeDispute(modelId, 0n),
        () => from.reject(modelId, 0n, account),
        () => from.correct(modelId, 0n, [], []),
      ])
        await expect(call()).to.be.revertedWithCustomError(splitter, "SplitterNotDisputes").withArgs(account);
    }
  });
});

describe("RewardSplitter, receipts of a proposal", () => {
  it("are proven by the last: it carries V, all fees and its payer's, at its place under the root", async () => {
    const all = await closed(1000n);
    const { splitter, modelId } = all;
    const receipts = [1, 2, 3, 4, 5].map((i) => ({
      server: server.address,
      customer: customer.address,
      receiptId: ethers.id(`receipt ${i}`),
      recordId: ethers.id(`record ${i}`),
      fee: 200n,
      weight: BigInt(i),
      sketch: Int8Array.from({ length: K }, (_, j) => j - 64),
    }));
    const [v, count, root, last] = proposalFor(receipts, K);
    const attempt = (changes: object, of = v, n = count, under = root) =>
      splitter.connect(operator).propose(modelId, 0n, of, n, under, { ...last, ...changes });
    for (const changed of [
      () => attempt({ server: stranger.address }),
      () => attempt({ customer: stranger.address }),
      () => attempt({ receiptId: ethers.id("other") }),
      () => attempt({ fee: 201n }),
      () => attempt({ weight: 9n }),
      () => attempt({ recordId: ethers.ZeroHash }),
      () => attempt({ payerFees: 999n }),
      () => attempt({ proof: last.proof.slice(1) }),
      () => attempt({ proof: [...last.proof, ethers.ZeroHash] }),
      () => attempt({ proof: last.proof.toReversed() }),
      () => attempt({}, v.with(7, v[7]! + 1n)),
      () => attempt({}, v, count - 1),
      () => attempt({}, v, count + 1),
      () => attempt({}, v, count, ethers.id("root")),
    ])
      await expect(changed()).to.be.revertedWithCustomError(splitter, "SplitterInvalidLastReceipt");
    await attempt({});
  });

  it("must add up to the epoch's fees, and the last payer's to what the escrow redeemed for him", async () => {
    const all = await closed(1000n);
    const { splitter, modelId } = all;
    const attempt = async (changes: object) =>
      splitter.connect(operator).propose(...(await proposal(all, modelId, 0n, vector(0n), changes)));
    await expect(attempt({ payerFees: 999n }))
      .to.be.revertedWithCustomError(splitter, "SplitterPayerFees")
      .withArgs(999n, 1000n);
    await expect(attempt({ server: stranger.address }))
      .to.be.revertedWithCustomError(splitter, "SplitterPayerFees")
      .withArgs(1000n, 0n);
    const [v, count, root, last] = proposalFor(
      [
        {
          ...{ server: server.address, customer: customer.address, receiptId: ethers.id("r"), fee: 999n },
          ...{ recordId: ethers.ZeroHash, weight: 0n, sketch: new Int8Array(K) },
        },
      ],
      K,
    );
    await expect(splitter.connect(operator).propose(modelId, 0n, v, count, root, last)).to.be.revertedWithCustomError(
      splitter,
      "SplitterInvalidLastReceipt",
    );
    await attempt({});
  });

  it("are summed as the words that V is read from: an entry with bits above its 128 is refused", async () => {
    const all = await closed(1000n);
    const { splitter, modelId } = all;
    const clean = vector(0n);
    const dirty = clean.with(1, clean[1]! + (1n << 200n));
    const [, , , count, root, last] = await proposal(all, modelId, 0n, dirty);
    const data = splitter.interface.encodeFunctionData("propose", [modelId, 0n, clean, count, root, last]);
    const at = data.indexOf(ethers.toBeHex(clean[1]!, 32).slice(2), 2 + 8 + 64 * 6);
    const changed = data.slice(0, at) + ethers.toBeHex(dirty[1]!, 32).slice(2) + data.slice(at + 64);
    await expect(operator.sendTransaction({ to: splitter, data: changed })).to.be.revertedWithoutReason(ethers);
  });

  it("can be missing only where there were no fees, and then nothing is summed", async () => {
    const all = await closed(1000n);
    const { splitter, modelId } = all;
    const [v, count, root, last] = proposalFor([], K);
    expect([count, root]).to.deep.equal([0, ethers.ZeroHash]);
    const attempt = (of = v, under = root) => splitter.connect(operator).propose(modelId, 0n, of, 0n, under, last);
    await expect(attempt()).to.be.revertedWithCustomError(splitter, "SplitterReceiptsMissing").withArgs(1000n);
    await closed(0n);
    for (const changed of [() => attempt(v.with(0, 1n)), () => attempt(v, ethers.id("root"))])
      await expect(changed()).to.be.revertedWithCustomError(splitter, "SplitterReceiptsNotEmpty");
    await attempt();
    expect(await locked(all)).to.equal(0n);
  });
});

describe("RewardSplitter, the stake of a proposal", () => {
  for (const [fees, held] of [
    [1000n, 600n],
    [1003n, 603n],
    [1n, 1n],
  ])
    it(`is the ${BOND_FACTOR}th part of the ${held} held, rounded up, and comes back when base weights pay in time`, async () => {
      const all = await closed(fees!);
      const { splitter, operators, token, modelId } = all;
      const free = await operators.freeOf(operator, token);
      const stake = (held! + BOND_FACTOR - 1n) / BOND_FACTOR;
      const sent = splitter.connect(operator).propose(...(await proposal(all, modelId, 0n, vector(0n))));
      await expect(sent).to.emit(splitter, "ProposalStaked").withArgs(modelId, 0n, operator, 1n, stake);
      const epoch = await splitter.epoch(modelId, 0n);
      expect([epoch.held, epoch.proposer, epoch.stake, epoch.round, epoch.disputes]).to.deep.equal([
        held,
        operator.address,
        stake,
        1n,
        0n,
      ]);
      expect(await locked(all)).to.equal(stake);
      expect(await operators.freeOf(operator, token)).to.equal(free - stake);
      await time.increase(challengeWindow);
      await settleByBase(all, ethers.hexlify(await queryOf(all)));
      expect(await locked(all)).to.equal(0n);
      expect(await operators.freeOf(operator, token)).to.equal(free);
    });

  const queryOf = async ({ splitter, modelId }: Ready) =>
    new Uint8Array((await proposalOf(splitter, modelId, 0n)).q.buffer);

  it("must be free in the proposer's bond", async () => {
    const all = await closed(1000n);
    const { splitter, operators, token, modelId } = all;
    const free = await operators.freeOf(operator, token);
    const given = await proposal(all, modelId, 0n, vector(0n));
    await operators.connect(operator).startWithdrawal(token, free - 59n);
    await expect(splitter.connect(operator).propose(...given))
      .to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall")
      .withArgs(operator, token, 59n, 60n);
    await operators.connect(operator).startWithdrawal(token, free - 60n);
    await splitter.connect(operator).propose(...given);
  });

  it("goes by halves to who settles by base weights after the last deadline, and to the treasury", async () => {
    const all = await proposed(3n);
    const { splitter, operators, token, modelId, proposedAt } = all;
    const free = await operators.freeOf(operator, token);
    const from = proposedAt + challengeWindow + settleWindow + fallbackWindow;
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(from);
    await time.setNextBlockTimestamp(from);
    await expect(settleByBase(all, "0x", stranger.address))
      .to.emit(operators, "Slashed")
      .withArgs(operator, token, splitter, stranger, 30n, false);
    for (const account of [stranger, treasury]) expect(await operators.credits(token, account)).to.equal(30n);
    expect([await locked(all), await operators.freeOf(operator, token)]).to.deep.equal([0n, free]);
    expect((await splitter.epoch(modelId, 0n)).stake).to.equal(0n);
  });

  it("is nobody's where nobody proposed", async () => {
    const all = await closed(1000n);
    await time.increase(proposeWindow + settleWindow + fallbackWindow);
    await settleByBase(all, "0x", stranger.address);
    expect(await all.operators.credits(all.token, stranger)).to.equal(0n);
  });
});

describe("RewardSplitter, disputes of a proposal", () => {
  it("are opened inside the challenge window of a proposal that stands", async () => {
    const all = await proposed();
    const { splitter, modelId, proposedAt } = all;
    const until = proposedAt + challengeWindow;
    await expect(splitter.openDispute(modelId, 1n))
      .to.be.revertedWithCustomError(splitter, "SplitterNotProposed")
      .withArgs(modelId, 1n);
    await time.setNextBlockTimestamp(until - 1);
    await expect(splitter.openDispute(modelId, 0n)).to.emit(splitter, "DisputeOpened").withArgs(modelId, 0n, 1n, 1n);
    await time.setNextBlockTimestamp(until);
    await expect(splitter.openDispute(modelId, 0n))
      .to.be.revertedWithCustomError(splitter, "SplitterWindowOver")
      .withArgs(until);
  });

  it("keep the epoch from being settled, however long, until each is closed", async () => {
    const all = await proposed();
    const { splitter, modelId, q } = all;
    for (const _ of [1, 2]) await splitter.openDispute(modelId, 0n);
    await time.increase(challengeWindow);
    const refused = async () => {
      for (const attempt of [
        () => settleByBase(all, q),
        () => splitter.settle(modelId, 0n, operator, q, "0x", PROOF, []),
      ])
        await expect(attempt()).to.be.revertedWithCustomError(splitter, "SplitterDisputed");
    };
    await refused();
    await time.increase(10 * (settleWindow + fallbackWindow));
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(0n);
    await splitter.closeDispute(modelId, 0n);
    await refused();
    await expect(splitter.closeDispute(modelId, 0n)).to.emit(splitter, "DisputeClosed").withArgs(modelId, 0n, 1n, 0n);
    const until = (await time.latest()) + answerWindow;
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(until + settleWindow + fallbackWindow);
    await expect(splitter.closeDispute(modelId, 0n))
      .to.be.revertedWithCustomError(splitter, "SplitterNoDispute")
      .withArgs(modelId, 0n);
    // What the last dispute opened can be challenged first.
    const snapshot = await networkHelpers.takeSnapshot();
    await time.setNextBlockTimestamp(until - 1);
    await splitter.reject(modelId, 0n, stranger);
    await snapshot.restore();
    await time.setNextBlockTimestamp(until - 1);
    await expect(settleByBase(all, q)).to.be.revertedWithCustomError(splitter, "SplitterWindowOpen").withArgs(until);
    await time.setNextBlockTimestamp(until);
    await settleByBase(all, q);
    expect(await locked(all)).to.equal(0n);
  });

  it("that end within the window do not shorten it", async () => {
    const all = await proposed();
    const { splitter, modelId, q, proposedAt } = all;
    await splitter.openDispute(modelId, 0n);
    await splitter.closeDispute(modelId, 0n);
    const until = proposedAt + challengeWindow;
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(until + settleWindow + fallbackWindow);
    await expect(settleByBase(all, q)).to.be.revertedWithCustomError(splitter, "SplitterWindowOpen").withArgs(until);
  });

  it("cannot be opened on what is settled", async () => {
    const all = await proposed();
    const { splitter, modelId, q } = all;
    await time.increase(challengeWindow);
    await settleByBase(all, q);
    for (const call of [() => splitter.openDispute(modelId, 0n), () => splitter.reject(modelId, 0n, stranger)])
      await expect(call()).to.be.revertedWithCustomError(splitter, "SplitterAlreadySettled").withArgs(modelId, 0n);
  });
});

describe("RewardSplitter, a rejection", () => {
  it("gives half of the stake to whom it names and half to the treasury, and clears the proposal and its disputes", async () => {
    const all = await proposed(3n);
    const { splitter, operators, token, modelId, q } = all;
    await splitter.openDispute(modelId, 0n);
    await expect(splitter.reject(modelId, 0n, stranger))
      .to.emit(splitter, "ProposalRejected")
      .withArgs(modelId, 0n, operator, 1n, 60n, stranger)
      .and.to.emit(operators, "Slashed")
      .withArgs(operator, token, splitter, stranger, 30n, false);
    const epoch = await splitter.epoch(modelId, 0n);
    expect((epoch as unknown as Result).toObject()).to.deep.include({
      ...{ proposedAt: 0n, count: 0n, queryHash: ethers.ZeroHash, receiptsRoot: ethers.ZeroHash, floorUnits: 0n },
      ...{ proposer: NOBODY, stake: 0n, disputes: 0n, round: 1n, held: 600n },
      reopenedAt: BigInt(await time.latest()),
    });
    for (const account of [stranger, treasury]) expect(await operators.credits(token, account)).to.equal(30n);
    expect(await locked(all)).to.equal(0n);
    await time.increase(challengeWindow);
    await expect(settleByBase(all, q)).to.be.revertedWithCustomError(splitter, "SplitterNotProposed");
    const error = await proposalOf(splitter, modelId, 0n).catch((cause: Error) => cause);
    expect(String(error)).to.match(/has no proposal.*EPOCH_NOT_PROPOSED/);
  });

  it("without a beneficiary lets the stake go", async () => {
    const all = await proposed();
    const { splitter, operators, token, modelId } = all;
    const free = await operators.freeOf(operator, token);
    await expect(splitter.reject(modelId, 0n, NOBODY))
      .to.emit(operators, "Unlocked")
      .withArgs(operator, token, splitter, 60n);
    expect([await locked(all), await operators.freeOf(operator, token)]).to.deep.equal([0n, free + 60n]);
    // Nobody proposes again: what no longer is at stake keeps nobody from settling.
    expect((await splitter.epoch(modelId, 0n)).stake).to.equal(0n);
    await time.increase(proposeWindow + settleWindow + fallbackWindow);
    await settleByBase(all, "0x", stranger.address);
    expect(await operators.credits(token, stranger)).to.equal(0n);
  });

  it("is possible inside the window, or later while a dispute is open", async () => {
    const all = await proposed();
    const { splitter, modelId, proposedAt } = all;
    const until = proposedAt + challengeWindow;
    const snapshot = await networkHelpers.takeSnapshot();
    await time.setNextBlockTimestamp(until);
    await expect(splitter.reject(modelId, 0n, stranger))
      .to.be.revertedWithCustomError(splitter, "SplitterWindowOver")
      .withArgs(until);
    await snapshot.restore();
    await splitter.openDispute(modelId, 0n);
    await time.setNextBlockTimestamp(until + 10_000);
    await splitter.reject(modelId, 0n, stranger);
    await expect(splitter.reject(modelId, 0n, stranger))
      .to.be.revertedWithCustomError(splitter, "SplitterNotProposed")
      .withArgs(modelId, 0n);
  });

  it("reopens the epoch for proposals, each in a round of its own, and counts the last deadline anew", async () => {
    const all = await proposed(3n);
    const { splitter, modelId } = all;
    await splitter.openDispute(modelId, 0n);
    await time.increase(5000);
    await splitter.reject(modelId, 0n, stranger);
    const until = (await time.latest()) + proposeWindow;
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(until + settleWindow + fallbackWindow);
    const again = async () => splitter.connect(operator).propose(...(await proposal(all, modelId, 0n, vector(0n))));
    const snapshot = await networkHelpers.takeSnapshot();
    const given = await proposal(all, modelId, 0n, vector(0n));
    await time.setNextBlockTimestamp(until + 1);
    await expect(splitter.connect(operator).propose(...given)).to.be.revertedWithCustomError(
      splitter,
      "SplitterNotProposable",
    );
    await snapshot.restore();
    await time.setNextBlockTimestamp(until);
    await expect(again()).to.emit(splitter, "ProposalStaked").withArgs(modelId, 0n, operator, 2n, 60n);
    const proposedAt = await time.latest();
    expect(await splitter.fallbackAt(modelId, 0n)).to.equal(
      proposedAt + challengeWindow + settleWindow + fallbackWindow,
    );
    const { v, q } = await proposalOf(splitter, modelId, 0n);
    expect(v).to.deep.equal(vector(0n));
    await time.increase(challengeWindow);
    await settleByBase(all, ethers.hexlify(new Uint8Array(q.buffer)));
    expect(await locked(all)).to.equal(0n);
  });
});

describe("RewardSplitter, a correction", () => {
  const EXTRA = [5n, 0n, 7n];

  async function settled(): Promise<Ready> {
    const all = await proposed();
    await time.increase(challengeWindow);
    await settleByBase(all, all.q);
    const disputes = await asDisputes(all);
    await all.token.mint(disputes, 1000n);
    await all.token.connect(disputes).approve(all.splitter, 1000n);
    return all;
  }

  it("adds to everybody's earnings out of the caller's tokens, and rewrites nothing", async () => {
    const all = await settled();
    const { splitter, token, modelId, id } = all;
    const earned = await earningsOf(splitter, id);
    const before = await splitter.epoch(modelId, 0n);
    const cumulative = earned.map((amount, c) => amount + EXTRA[c]!);
    const sent = splitter.correct(modelId, 0n, EXTRA, earned);
    await expect(sent)
      .to.emit(splitter, "EpochCorrected")
      .withArgs(modelId, 0n, id, claimRoot(id, cumulative), EXTRA, cumulative);
    await expect(sent).to.changeTokenBalances(ethers, token, [all.disputes, splitter], [-12n, 12n]);
    expect(await splitter.claimsRoot(id)).to.equal(claimRoot(id, cumulative));
    expect(await earningsOf(splitter, id)).to.deep.equal(cumulative);
    expect(await splitter.epoch(modelId, 0n)).to.deep.equal(before);
    await expect(splitter.claim([await claimOf(splitter, id, 0)])).to.changeTokenBalance(
      ethers,
      token,
      contributors[0]!,
      155n,
    );
  });

  it("is built upon by the next settlement, which keeps its own shares", async () => {
    const all = await settled();
    const { splitter, modelId, id } = all;
    const first = await earningsOf(splitter, id);
    await splitter.correct(modelId, 0n, EXTRA, first);
    await pay(all, 2000n, 1n);
    const q = await propose(all, 1n, vector(0n));
    await time.increase(challengeWindow);
    const corrected = await earningsOf(splitter, id);
    await splitter.settleByBase(modelId, 1n, operator, q, corrected);
    const base = COUNTS.map(BigInt);
    const { pay: shares } = sharePot(1000n, [0n, 0n, 0n], 0n, base);
    expect(await earningsOf(splitter, id)).to.deep.equal(corrected.map((amount, c) => amount + shares[c]!));
    const [one, two] = await settlementsOf(splitter, modelId);
    expect([one!.pay, two!.before, two!.pay]).to.deep.equal([first, corrected, shares]);
  });

  it("needs a settled epoch, the right earlier earnings, an amount a contributor, and the tokens", async () => {
    const all = await settled();
    const { splitter, token, modelId, id } = all;
    const earned = await earningsOf(splitter, id);
    await expect(splitter.correct(modelId, 1n, EXTRA, earned))
      .to.be.revertedWithCustomError(splitter, "SplitterNotSettled")
      .withArgs(modelId, 1n);
    for (const extra of [[], [1n, 2n], [1n, 2n, 3n, 4n]])
      await expect(splitter.correct(modelId, 0n, extra, earned))
        .to.be.revertedWithCustomError(splitter, "SplitterExtraLength")
        .withArgs(extra.length, 3n);
    for (const previous of [earned.with(0, 0n), earned.toReversed()])
      await expect(splitter.correct(modelId, 0n, EXTRA, previous)).to.be.revertedWithCustomError(
        splitter,
        "SplitterPreviousMismatch",
      );
    await expect(splitter.correct(modelId, 0n, [], [])).to.be.revertedWithCustomError(
      splitter,
      "SplitterPreviousMismatch",
    );
    await expect(splitter.correct(modelId, 0n, [1001n, 0n, 0n], earned)).to.be.revertedWithCustomError(
      token,
      "ERC20InsufficientAllowance",
    );
    expect(await earningsOf(splitter, id)).to.deep.equal(earned);
  });
});
