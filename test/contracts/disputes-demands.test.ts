import { expect } from "chai";
import { Signature } from "ethers";
import type { ReceiptsTree } from "../../sdk/receipts-tree.ts";
import { changed, type Proposal, proposeTree, SALES, type Sold, sold } from "../support/disputes.ts";
import {
  admin,
  auditors,
  BOND_FACTOR,
  contributors,
  ethers,
  networkHelpers,
  operator,
  type Signer,
  stranger,
  TIMING,
  treasury,
} from "../support/world.ts";

const { time } = networkHelpers;
const { answerWindow, challengeWindow } = TIMING;
const [OPEN, ANSWERED, UPHELD, , , RELEASED] = [0n, 1n, 2n, 3n, 4n, 5n];
const auditor = auditors[0]!;
/** Bonded by the stranger and each auditor in `sold`. */
const BOND = 10_000n;

type Disputed = Sold & { proposal: Proposal; stake: bigint; demandBond: bigint };

/** An honest proposal. */
async function proposed(): Promise<Disputed> {
  const all = await sold();
  const proposal = await proposeTree(all, all.tree);
  const { stake, held } = await all.splitter.epoch(all.modelId, 0n);
  expect(stake).to.equal((held + BOND_FACTOR - 1n) / BOND_FACTOR);
  return { ...all, proposal, stake, demandBond: await all.disputes.demandBond(proposal) };
}

const world = () => networkHelpers.loadFixture(proposed);

/** Demands a leaf as the stranger, and gives the dispute's id. */
async function demand({ disputes, proposal }: Disputed, index: number, from = stranger): Promise<bigint> {
  await disputes.connect(from).demand(proposal, index);
  return disputes.disputeCount();
}

const answerOf = ({ records }: Sold, tree: ReceiptsTree, index: number) =>
  tree.answer(index, records.get(tree.leaves[index]!.receipt.receiptId)!);

const isOver = ({ splitter, modelId }: Sold) => splitter.epoch(modelId, 0n).then(({ proposedAt }) => proposedAt === 0n);

/** What an account has bonded, locked in disputes, and been given. */
const money = async ({ operators, token, disputes }: Sold, account: Signer) => ({
  bond: await operators.bondOf(account, token),
  locked: await operators.lockedOf(account, token, disputes),
  credit: await operators.credits(token, account),
});

describe("EpochDisputes, demands", () => {
  it("lock a tenth of the stake, rounded up, and keep the epoch from being settled", async () => {
    const all = await world();
    const { disputes, splitter, modelId, proposal, stake, demandBond } = all;
    expect(demandBond).to.equal((stake + 9n) / 10n);
    const sent = disputes.connect(stranger).demand(proposal, 2);
    const until = (await (await sent).getBlock())!.timestamp + answerWindow;
    await expect(sent)
      .to.emit(disputes, "DisputeOpened")
      .withArgs(1n, modelId, 0n, 1n, 0n, stranger, demandBond, 2n, until, 0n)
      .and.to.emit(splitter, "DisputeOpened")
      .withArgs(modelId, 0n, 1n, 1n);
    expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: demandBond, credit: 0n });
    const { outcome, challenger, bond, target, until: kept } = await disputes.dispute(1n);
    expect([outcome, challenger, bond, target, kept]).to.deep.equal([
      OPEN,
      stranger.address,
      demandBond,
      2n,
      BigInt(until),
    ]);
  });

  it("are taken once an index and round, until the challenge window ends, from who has bonded enough", async () => {
    const all = await world();
    const { disputes, operators, token, splitter, proposal, demandBond, modelId } = all;
    const { proposedAt } = await splitter.epoch(modelId, 0n);
    await expect(disputes.connect(contributors[0]!).demand(proposal, 0))
      .to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall")
      .withArgs(contributors[0], token, 0n, demandBond);
    await expect(disputes.connect(stranger).demand(proposal, SALES.length))
      .to.be.revertedWithCustomError(disputes, "JudgeUnknownIndex")
      .withArgs(SALES.length, SALES.length);
    const id = await demand(all, 1);
    await expect(disputes.connect(auditor).demand(proposal, 1))
      .to.be.revertedWithCustomError(disputes, "DisputesAlreadyDemanded")
      .withArgs(id);
    const until = Number(proposedAt) + challengeWindow;
    await time.setNextBlockTimestamp(until - 1);
    await demand(all, 2);
    await time.setNextBlockTimestamp(until);
    await expect(disputes.connect(stranger).demand(proposal, 3))
      .to.be.revertedWithCustomError(disputes, "DisputesTooLate")
      .withArgs(until);
  });

  it("are not about what holds nothing", async () => {
    const all = await world();
    const { disputes, splitter, modelId } = all;
    await time.increase(TIMING.epochLength);
    await splitter.openEpoch(modelId);
    await time.increase(TIMING.redeemWindow);
    const nothing = { server: ethers.ZeroAddress, customer: ethers.ZeroAddress, receiptId: ethers.ZeroHash };
    const last = { ...nothing, recordId: ethers.ZeroHash, fee: 0n, weight: 0n, payerFees: 0n, proof: [] };
    const v = Array<bigint>(128).fill(0n);
    await splitter.connect(operator).propose(modelId, 1n, v, 0n, ethers.ZeroHash, last);
    const empty = { modelId, epochId: 1n, round: 1n };
    const from = disputes.connect(stranger);
    for (const call of [() => from.demand(empty, 0), () => from.challengeSketch(empty, 0, "bafy")])
      await expect(call()).to.be.revertedWithCustomError(disputes, "DisputesNothingAtStake").withArgs(modelId, 1n);
    await from.drawSample(empty);
    await expect(from.samplePoint(empty, 0)).to.be.revertedWithCustomError(disputes, "DisputesNoSample");
  });

  describe("answers", () => {
    for (const index of SALES.keys())
      it(`open leaf ${index}, by anybody, and give the demander's bond to the operator`, async () => {
        const all = await world();
        const { disputes, splitter, modelId, tree, demandBond, proposal } = all;
        const id = await demand(all, index);
        const sent = disputes.connect(contributors[0]!).answer(id, answerOf(all, tree, index));
        await expect(sent)
          .to.emit(disputes, "DemandAnswered")
          .withArgs(id, index, contributors[0])
          .and.to.emit(disputes, "DisputeEnded")
          .withArgs(id, ANSWERED)
          .and.to.emit(splitter, "DisputeClosed")
          .withArgs(modelId, 0n, 1n, 0n);
        expect(await money(all, stranger)).to.deep.equal({ bond: BOND - demandBond, locked: 0n, credit: 0n });
        expect((await money(all, operator)).credit).to.equal(demandBond);
        await expect(demand(all, index)).to.be.revertedWithCustomError(disputes, "DisputesAlreadyDemanded");
        for (const end of [disputes.expire, disputes.release])
          await expect(end(id)).to.be.revertedWithCustomError(disputes, "DisputesNotOpen").withArgs(id);
        expect((await splitter.epoch(modelId, 0n)).round).to.equal(proposal.round);
      });

    it("take servers' signatures in the short form as well, made long", async () => {
      const all = await world();
      const { disputes, records, tree } = all;
      const { receiptId } = tree.leaves[0]!.receipt;
      const record = records.get(receiptId)!;
      const short = (signature: string) => Signature.from(signature).compactSerialized;
      const id = await demand(all, 0);
      const { receiptSignature, recordSignature } = record;
      const compact = {
        ...record,
        receiptSignature: short(receiptSignature),
        recordSignature: short(recordSignature),
      };
      await disputes.answer(id, tree.answer(0, compact));
    });

    it("must be whole, true, signed by the server, and about what was demanded", async () => {
      const all = await world();
      const { disputes, tree } = all;
      const index = tree.leaves.findIndex(({ receipt }, i) => i > 1 && receipt.fee > 1n && receipt.weight !== 0n);
      const id = await demand(all, index);
      const right = answerOf(all, tree, index);
      const other = answerOf(all, tree, 0);
      const receipt = right.receipt;
      const unsummed = { v: [] as bigint[], vBefore: [] as bigint[] };
      for (const [error, answer] of [
        ["JudgeInvalidAnswer", other],
        ["JudgeInvalidAnswer", { ...right, receipt: other.receipt }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, nonce: 77n } }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, fee: 0n } }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, epochId: 1n } }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, modelId: 9n } }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, customer: stranger.address } }],
        ["JudgeInvalidAnswer", { ...right, receipt: { ...receipt, server: stranger.address } }],
        ["JudgeInvalidAnswer", { ...right, step: { ...right.step, ...unsummed } }],
        ["JudgeInvalidAnswer", { ...right, step: { ...right.step, opening: { salt: ethers.ZeroHash, q: "0x" } } }],
        ["JudgeInvalidOpening", { ...right, step: { ...right.step, opening: other.step.opening } }],
        ["JudgeInvalidLeaf", { ...right, step: { ...right.step, before: other.step.leaf } }],
        ["JudgeInvalidSignature", { ...right, receiptSignature: other.receiptSignature }],
        ["JudgeInvalidSignature", { ...right, recordSignature: right.receiptSignature }],
        ["JudgeInvalidSignature", { ...right, recordSignature: "0x" }],
      ] as const)
        await expect(disputes.answer(id, answer), error).to.be.revertedWithCustomError(disputes, error);
      await disputes.answer(id, right);
    });

    it("cannot hide a fault of the leaf", async () => {
      const all = await networkHelpers.loadFixture(sold);
      const { disputes } = all;
      const bad = changed(all.tree, 2, ({ feeSum }) => ({ feeSum: feeSum + 1n }));
      const proposal = await proposeTree(all, bad);
      await disputes.connect(stranger).demand(proposal, 2);
      await expect(disputes.answer(1n, answerOf(all, bad, 2)))
        .to.be.revertedWithCustomError(disputes, "JudgeFaultyAnswer")
        .withArgs(3n);
    });

    it("come before the time is over", async () => {
      const all = await world();
      const { disputes, tree } = all;
      const id = await demand(all, 0);
      const { until } = await disputes.dispute(id);
      const snapshot = await networkHelpers.takeSnapshot();
      await time.setNextBlockTimestamp(until - 1n);
      await expect(disputes.expire(id)).to.be.revertedWithCustomError(disputes, "DisputesAnswerable").withArgs(until);
      await snapshot.restore();
      await time.setNextBlockTimestamp(until - 1n);
      await disputes.answer(id, answerOf(all, tree, 0));
      await snapshot.restore();
      await time.setNextBlockTimestamp(until);
      await expect(disputes.answer(id, answerOf(all, tree, 0)))
        .to.be.revertedWithCustomError(disputes, "DisputesUnanswered")
        .withArgs(until);
    });

    it("can be challenged for one more answer window, however late they came", async () => {
      const all = await world();
      const { disputes, splitter, modelId, proposal, tree } = all;
      const { proposedAt } = await splitter.epoch(modelId, 0n);
      await time.setNextBlockTimestamp(Number(proposedAt) + challengeWindow - 1);
      const id = await demand(all, 0);
      const { until } = await disputes.dispute(id);
      await time.setNextBlockTimestamp(until - 1n);
      await disputes.answer(id, answerOf(all, tree, 0));
      const end = Number(until) - 1 + answerWindow;
      const from = disputes.connect(stranger);
      const settle = () => splitter.settleByBase(modelId, 0n, operator, "0x", []);
      await expect(settle()).to.be.revertedWithCustomError(splitter, "SplitterWindowOpen").withArgs(end);
      await expect(from.demand(proposal, 1)).to.be.revertedWithCustomError(disputes, "DisputesTooLate");
      await expect(from.challengeSketch(proposal, 1, "bafy")).to.be.revertedWithCustomError(
        disputes,
        "DisputesTooLate",
      );
      const snapshot = await networkHelpers.takeSnapshot();
      await time.setNextBlockTimestamp(end);
      await expect(from.challengeSketch(proposal, 0, "bafy")).to.be.revertedWithCustomError(
        disputes,
        "DisputesTooLate",
      );
      await snapshot.restore();
      await time.setNextBlockTimestamp(end - 1);
      await from.challengeSketch(proposal, 0, "bafy");
      expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(1n);
    });
  });

  describe("left unanswered", () => {
    it("cost the operator his stake, and give the demander his bond back", async () => {
      const all = await world();
      const { disputes, splitter, modelId, stake } = all;
      const id = await demand(all, 4);
      await time.increaseTo((await disputes.dispute(id)).until);
      await expect(disputes.connect(contributors[0]!).expire(id))
        .to.emit(disputes, "ProposalRefuted")
        .withArgs(modelId, 0n, 1n, 11n, 4n, stranger)
        .and.to.emit(splitter, "ProposalRejected")
        .withArgs(modelId, 0n, operator, 1n, stake, stranger);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: stake - stake / 2n });
      expect((await money(all, treasury)).credit).to.equal(stake / 2n);
      expect((await disputes.dispute(id)).outcome).to.equal(UPHELD);
      expect(await isOver(all)).to.equal(true);
    });

    it("end with their round: other demands of it give their bonds back", async () => {
      const all = await world();
      const { disputes, tree, demandBond } = all;
      const first = await demand(all, 0);
      const second = await demand(all, 1, auditor);
      await expect(disputes.release(second))
        .to.be.revertedWithCustomError(disputes, "DisputesStillOpen")
        .withArgs(second);
      await time.increase(answerWindow);
      await disputes.expire(first);
      await expect(disputes.expire(second)).to.be.revertedWithCustomError(disputes, "JudgeNoProposal");
      expect((await money(all, auditor)).locked).to.equal(demandBond);
      // The next round's proposal does not hold the bonds of the last.
      const next = await proposeTree(all, tree);
      await expect(disputes.connect(stranger).release(second))
        .to.emit(disputes, "DisputeEnded")
        .withArgs(second, RELEASED);
      expect(await money(all, auditor)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
      await expect(disputes.release(second)).to.be.revertedWithCustomError(disputes, "DisputesNotOpen");
      await disputes.connect(stranger).demand(next, 0);
      expect((await disputes.dispute(3n)).round).to.equal(2n);
    });
  });

  describe("of the sample", () => {
    it("follow from a block after the proposal's, once, and point into the fees", async () => {
      const all = await networkHelpers.loadFixture(sold);
      const { disputes, splitter, modelId } = all;
      await ethers.provider.send("evm_setAutomine", [false]);
      const proposal = { modelId, epochId: 0n, round: 1n };
      const tree = all.tree;
      const { receipt, v, payerFees } = tree.leaves.at(-1)!;
      const count = tree.leaves.length;
      const last = { ...receipt, payerFees, proof: tree.proven(count - 1).siblings };
      const gas = { gasLimit: 3_000_000n };
      await splitter.connect(operator).propose(modelId, 0n, v, count, tree.root, last, gas);
      const early = await disputes.connect(stranger).drawSample(proposal, gas);
      await networkHelpers.mine();
      await ethers.provider.send("evm_setAutomine", [true]);
      expect((await ethers.provider.getTransactionReceipt(early.hash))!.status).to.equal(0);
      await expect(disputes.samplePoint(proposal, 0)).to.be.revertedWithCustomError(disputes, "DisputesNoSample");
      await expect(disputes.drawSample(proposal)).to.emit(disputes, "SampleDrawn");
      await expect(disputes.drawSample(proposal)).to.be.revertedWithCustomError(disputes, "DisputesCannotDraw");
      const { fees } = await splitter.epoch(modelId, 0n);
      const points = await Promise.all(Array.from({ length: 30 }, (_, i) => disputes.samplePoint(proposal, i)));
      expect(new Set(points).size).to.be.greaterThan(25);
      for (const point of points) expect(point).to.be.lessThan(fees);
      await expect(disputes.samplePoint(proposal, 30)).to.be.revertedWithCustomError(disputes, "DisputesNoSample");
    });

    it("are auditors', without a bond, once a point, and answered by the leaf whose fee the point is in", async () => {
      const all = await world();
      const { disputes, proposal, tree } = all;
      await disputes.drawSample(proposal);
      await expect(disputes.connect(stranger).demandSample(proposal, 0))
        .to.be.revertedWithCustomError(disputes, "AccessManagedUnauthorized")
        .withArgs(stranger);
      const from = disputes.connect(auditor);
      await from.demandSample(proposal, 0);
      await expect(from.demandSample(proposal, 0)).to.be.revertedWithCustomError(disputes, "DisputesAlreadyDemanded");
      await expect(from.demandSample(proposal, 30)).to.be.revertedWithCustomError(disputes, "DisputesNoSample");
      expect(await money(all, auditor)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
      const { kind, target, bond } = await disputes.dispute(1n);
      expect([kind, target, bond]).to.deep.equal([1n, await disputes.samplePoint(proposal, 0), 0n]);
      const index = tree.at(target);
      const { feeSum, receipt } = tree.leaves[index]!;
      expect(feeSum > target && feeSum - receipt.fee <= target).to.equal(true);
      for (const i of tree.leaves.keys())
        if (i !== index)
          await expect(disputes.answer(1n, answerOf(all, tree, i))).to.be.revertedWithCustomError(
            disputes,
            "JudgeInvalidAnswer",
          );
      await expect(disputes.answer(1n, answerOf(all, tree, index)))
        .to.emit(disputes, "DemandAnswered")
        .withArgs(1n, index, admin);
    });

    it("left unanswered cost the operator his stake as well", async () => {
      const all = await world();
      const { disputes, proposal, stake } = all;
      await disputes.drawSample(proposal);
      await disputes.connect(auditor).demandSample(proposal, 29);
      await time.increase(answerWindow);
      await disputes.expire(1n);
      expect(await money(all, auditor)).to.deep.equal({ bond: BOND, locked: 0n, credit: stake - stake / 2n });
    });
  });

  it("end where they are asked for by the wrong name, or do not exist", async () => {
    const all = await world();
    const { disputes, tree } = all;
    const id = await demand(all, 0);
    for (const call of [
      () => disputes.resolve(id),
      () => disputes.correct(id, [], []),
      () => disputes.answer(id + 1n, answerOf(all, tree, 0)),
      () => disputes.expire(id + 1n),
      () => disputes.release(0n),
    ])
      await expect(call()).to.be.revertedWithCustomError(disputes, "DisputesNotOpen");
  });
});
