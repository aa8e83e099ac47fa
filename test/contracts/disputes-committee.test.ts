import { expect } from "chai";
import { ROLES } from "../../deploy/modules/OpenLedger.ts";
import { stopProver } from "../../prover/groth16.ts";
import { proveEpoch, settleEpoch } from "../../prover/operator.ts";
import { voteHash } from "../../sdk/disputes.ts";
import { earningsOf } from "../../sdk/history.ts";
import { committed, key, type Proposal, proposeTree, SALES, type Sold, sold, srs } from "../support/disputes.ts";
import {
  auditors,
  BOND_THAW,
  COMMITTEE,
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
const { commitPeriod, revealPeriod, auditorBond } = COMMITTEE;
const SALT = ethers.id("salt");
const BOND = 10_000n;
const EXTRA = [20n, 0n, 5n];

type Disputed = Sold & { proposal: Proposal; stake: bigint };

/** An honest proposal, and four auditors. */
async function proposed(): Promise<Disputed> {
  const all = await sold();
  const manager = await ethers.getContractAt("AccessManager", await all.splitter.authority());
  for (const auditor of auditors) await manager.grantRole(ROLES.auditor, auditor, 0);
  const proposal = await proposeTree(all, all.tree);
  return { ...all, proposal, stake: (await all.splitter.epoch(all.modelId, 0n)).stake };
}

/** The same, settled by a proof. */
async function settled(): Promise<Disputed> {
  const all = await proposed();
  const settlement = await proveEpoch(all, all.modelId, 0n, operator.address, committed, key, srs);
  await time.increase(TIMING.challengeWindow);
  await settleEpoch(all, all.modelId, 0n, settlement);
  return all;
}

const money = async ({ operators, token, disputes }: Sold, account: Signer) => ({
  bond: await operators.bondOf(account, token),
  locked: await operators.lockedOf(account, token, disputes),
  credit: await operators.credits(token, account),
});

/** Lets the auditors vote alike on the disputes' cases, until they end. */
async function judge({ disputes, committee }: Sold, ids: bigint[], votes: boolean[]): Promise<void> {
  const cases = await Promise.all(ids.map(async (id) => (await disputes.dispute(id)).caseId));
  const place = { chainId: 31337n, committee: committee.target as string, salt: SALT };
  const each = async (work: (caseId: bigint, auditor: Signer, uphold: boolean) => Promise<unknown>) => {
    for (const caseId of cases) for (const [i, uphold] of votes.entries()) await work(caseId, auditors[i]!, uphold);
  };
  await each(async (caseId, auditor, uphold) => {
    const hash = voteHash({ ...place, caseId, auditor: auditor.address, uphold });
    await committee.connect(auditor).commitVote(caseId, hash);
  });
  await time.increase(commitPeriod);
  await each((caseId, auditor, uphold) => committee.connect(auditor).revealVote(caseId, uphold, SALT));
  await time.increaseTo(await committee.endsAt(cases.at(-1)!));
}

describe("EpochDisputes, before the committee", function () {
  this.timeout(300_000);
  after(stopProver);

  describe("a challenged sketch", () => {
    async function challenged(index = 2): Promise<Disputed> {
      const all = await networkHelpers.loadFixture(proposed);
      await all.disputes.connect(stranger).challengeSketch(all.proposal, index, "bafyevidence");
      return all;
    }

    it("locks a bond as large as the stake, opens a case, and keeps the epoch from being settled", async () => {
      const all = await networkHelpers.loadFixture(proposed);
      const { disputes, committee, splitter, operators, token, modelId, proposal, stake } = all;
      const sent = disputes.connect(stranger).challengeSketch(proposal, 2, "bafyevidence");
      await expect(sent).to.emit(committee, "CaseOpened");
      const endsAt = await committee.endsAt(1n);
      await expect(sent)
        .to.emit(disputes, "DisputeOpened")
        .withArgs(1n, modelId, 0n, 1n, 2n, stranger, stake, 2n, endsAt, 1n);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: stake, credit: 0n });
      expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(1n);
      await expect(disputes.connect(contributors[0]!).challengeSketch(proposal, 2, "bafy"))
        .to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall")
        .withArgs(contributors[0], token, 0n, stake);
      await expect(
        disputes.connect(stranger).challengeSketch(proposal, SALES.length, "bafy"),
      ).to.be.revertedWithCustomError(disputes, "JudgeUnknownIndex");
    });

    it("is open to others too, each with a bond, so that a weak challenge blocks no strong one", async () => {
      const all = await challenged();
      const { disputes, proposal, splitter, modelId } = all;
      await disputes.connect(auditors[0]!).challengeSketch(proposal, 2, "bafyother");
      expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(2n);
      await judge(all, [1n], [false, false]);
      await disputes.resolve(1n);
      expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(1n);
    });

    it("waits for the committee", async () => {
      const all = await challenged();
      const { disputes } = all;
      const { until } = await disputes.dispute(1n);
      await time.setNextBlockTimestamp(until - 1n);
      await expect(disputes.resolve(1n)).to.be.revertedWithCustomError(disputes, "DisputesPending").withArgs(until);
      await expect(disputes.expire(1n)).to.be.revertedWithCustomError(disputes, "DisputesNotOpen");
      await expect(disputes.release(1n)).to.be.revertedWithCustomError(disputes, "DisputesStillOpen");
    });

    it("that is upheld costs the operator his stake", async () => {
      const all = await challenged();
      const { disputes, splitter, modelId, stake } = all;
      await judge(all, [1n], [true, true, false]);
      await expect(disputes.connect(contributors[0]!).resolve(1n))
        .to.emit(disputes, "ProposalRefuted")
        .withArgs(modelId, 0n, 1n, 12n, 2n, stranger)
        .and.to.emit(disputes, "DisputeEnded")
        .withArgs(1n, 2n);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: stake - stake / 2n });
      expect((await money(all, treasury)).credit).to.equal(stake / 2n);
      expect((await splitter.epoch(modelId, 0n)).proposedAt).to.equal(0n);
    });

    it("that is dismissed costs the challenger his bond, and the epoch goes on", async () => {
      const all = await challenged();
      const { disputes, splitter, modelId, stake } = all;
      await judge(all, [1n], [false, false]);
      await expect(disputes.resolve(1n)).to.emit(disputes, "DisputeEnded").withArgs(1n, 3n);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND - stake, locked: 0n, credit: 0n });
      expect((await money(all, operator)).credit).to.equal(stake);
      const { proposedAt, disputes: open } = await splitter.epoch(modelId, 0n);
      expect([proposedAt !== 0n, open]).to.deep.equal([true, 0n]);
      await expect(disputes.resolve(1n)).to.be.revertedWithCustomError(disputes, "DisputesNotOpen");
    });

    for (const [why, votes] of [
      ["a tie", [true, false]],
      ["fewer votes than the quorum", [true]],
    ] as const)
      it(`that ${why} leaves undecided rejects the proposal, and gives both their bonds back`, async () => {
        const all = await challenged();
        const { disputes, splitter, operators, token, modelId, tree } = all;
        await judge(all, [1n], [...votes]);
        await expect(disputes.resolve(1n)).to.emit(disputes, "DisputeEnded").withArgs(1n, 4n);
        expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
        expect((await money(all, operator)).credit).to.equal(0n);
        expect(await operators.lockedOf(operator, token, splitter)).to.equal(0n);
        expect((await proposeTree(all, tree)).round).to.equal(2n);
        expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(0n);
      });

    it("of a round that was rejected meanwhile gives the bond back, whatever the committee says", async () => {
      const all = await challenged();
      const { disputes, tree, splitter, modelId } = all;
      await disputes.connect(auditors[3]!).demand(all.proposal, 0);
      await time.increase(TIMING.answerWindow);
      await disputes.expire(2n);
      await proposeTree(all, tree);
      await time.increaseTo((await disputes.dispute(1n)).until);
      await expect(disputes.resolve(1n)).to.be.revertedWithCustomError(disputes, "JudgeNoProposal");
      await disputes.release(1n);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
      expect((await splitter.epoch(modelId, 0n)).round).to.equal(2n);
    });

    it("cannot delay an honest epoch for longer than its windows add up to", async () => {
      const all = await networkHelpers.loadFixture(proposed);
      const { disputes, splitter, modelId, proposal, tree, records } = all;
      const { challengeWindow, answerWindow } = TIMING;
      const proposedAt = Number((await splitter.epoch(modelId, 0n)).proposedAt);
      const from = disputes.connect(stranger);
      // The slowest way: a demand at the end of the window, answered at the last moment, then its sketch.
      await time.setNextBlockTimestamp(proposedAt + challengeWindow - 1);
      await from.demand(proposal, 0);
      await time.setNextBlockTimestamp(proposedAt + challengeWindow + answerWindow - 2);
      await disputes.answer(1n, tree.answer(0, records.get(tree.leaves[0]!.receipt.receiptId)!));
      await time.setNextBlockTimestamp(proposedAt + challengeWindow + 2 * answerWindow - 3);
      await from.challengeSketch(proposal, 0, "bafy");
      await judge(all, [2n], [false, false]);
      await disputes.resolve(2n);
      const end = (await time.latest()) + answerWindow;
      expect(end).to.be.lessThan(proposedAt + challengeWindow + 3 * answerWindow + TIMING.disputeWindow);
      await time.setNextBlockTimestamp(end - 1);
      for (const call of [() => from.demand(proposal, 1), () => from.challengeSketch(proposal, 0, "bafy")])
        await expect(call()).to.be.revertedWithCustomError(disputes, "DisputesTooLate");
      expect((await splitter.epoch(modelId, 0n)).disputes).to.equal(0n);
    });
  });

  describe("a report", () => {
    const world = () => networkHelpers.loadFixture(settled);

    async function reported(extra = EXTRA): Promise<Disputed> {
      const all = await world();
      await all.disputes.connect(stranger).report(all.modelId, 0n, "bafyevidence", extra);
      return all;
    }

    /** Earnings, as `correct` takes them. */
    const previous = ({ splitter, id }: Sold) => earningsOf(splitter, id);

    it("locks a bond as large as the stake was, and changes nothing yet", async () => {
      const all = await world();
      const { disputes, splitter, modelId, stake } = all;
      const before = await splitter.epoch(modelId, 0n);
      const sent = disputes.connect(stranger).report(modelId, 0n, "bafyevidence", EXTRA);
      await expect(sent).to.emit(disputes, "EpochReported").withArgs(1n, EXTRA);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: stake, credit: 0n });
      expect(await splitter.epoch(modelId, 0n)).to.deep.equal(before);
    });

    it("is about what a proposal settled, an amount a contributor, until a bond could have thawed", async () => {
      const all = await world();
      const { disputes, splitter, modelId } = all;
      const from = disputes.connect(stranger);
      await expect(from.report(modelId, 0n, "bafy", [1n, 2n])).to.be.revertedWithCustomError(
        disputes,
        "DisputesInvalidCorrection",
      );
      await expect(from.report(modelId, 1n, "bafy", EXTRA))
        .to.be.revertedWithCustomError(disputes, "DisputesNotReportable")
        .withArgs(0n);
      const until = (await splitter.epoch(modelId, 0n)).settledAt + BigInt(BOND_THAW);
      const snapshot = await networkHelpers.takeSnapshot();
      await time.setNextBlockTimestamp(until);
      await expect(from.report(modelId, 0n, "bafy", EXTRA))
        .to.be.revertedWithCustomError(disputes, "DisputesNotReportable")
        .withArgs(until);
      await snapshot.restore();
      await time.setNextBlockTimestamp(until - 1n);
      await from.report(modelId, 0n, "bafy", EXTRA);
    });

    it("is not about an epoch whose stake was forfeited to base weights", async () => {
      const all = await networkHelpers.loadFixture(proposed);
      const { disputes, splitter, modelId } = all;
      await time.increase(TIMING.challengeWindow + TIMING.settleWindow + TIMING.fallbackWindow);
      await splitter.settleByBase(modelId, 0n, operator, "0x", []);
      await expect(disputes.connect(stranger).report(modelId, 0n, "bafy", EXTRA))
        .to.be.revertedWithCustomError(disputes, "DisputesNotReportable")
        .withArgs(0n);
    });

    it("that is upheld pays contributors out of the operator's bond, and the rest of the stake to reporter and treasury", async () => {
      const all = await reported();
      const { disputes, splitter, token, modelId, id, stake } = all;
      const { bond } = await money(all, operator);
      await judge(all, [1n], [true, true]);
      await expect(disputes.resolve(1n))
        .to.be.revertedWithCustomError(disputes, "DisputesNeedsCorrection")
        .withArgs(1n);
      const earned = await previous(all);
      const before = await splitter.epoch(modelId, 0n);
      const held = await token.balanceOf(splitter);
      await expect(disputes.connect(contributors[0]!).correct(1n, EXTRA, earned))
        .to.emit(disputes, "EpochAmended")
        .withArgs(1n, 25n, stake - 25n)
        .and.to.emit(splitter, "EpochCorrected");
      expect(await earningsOf(splitter, id)).to.deep.equal(earned.map((amount, c) => amount + EXTRA[c]!));
      expect(await splitter.epoch(modelId, 0n)).to.deep.equal(before);
      expect(await token.balanceOf(splitter)).to.equal(held + 25n);
      const rest = stake - 25n;
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: rest - rest / 2n });
      expect((await money(all, treasury)).credit).to.equal(rest / 2n);
      expect((await money(all, operator)).bond).to.equal(bond - stake);
      expect(await token.balanceOf(disputes)).to.equal(0n);
      await expect(disputes.correct(1n, EXTRA, earned)).to.be.revertedWithCustomError(disputes, "DisputesNotOpen");
    });

    it("pays everybody the same part where the stake is less than what was missing", async () => {
      const { stake } = await world();
      const extra = [stake, 0n, 2n * stake];
      const all = await reported(extra);
      await judge(all, [1n], [true, true]);
      const earned = await previous(all);
      await all.disputes.correct(1n, extra, earned);
      const paid = [stake / 3n, 0n, (2n * stake) / 3n];
      expect(await earningsOf(all.splitter, all.id)).to.deep.equal(earned.map((amount, c) => amount + paid[c]!));
      const left = stake - paid[0]! - paid[2]!;
      expect((await money(all, stranger)).credit + (await money(all, treasury)).credit).to.equal(left);
    });

    it("takes what is bonded and not locked, and no more; nothing where nothing is", async () => {
      for (const kept of [7n, 0n]) {
        const all = await reported();
        const { disputes, operators, token, stake } = all;
        await judge(all, [1n], [true, true]);
        const { bond } = await money(all, operator);
        await operators.connect(operator).startWithdrawal(token, bond - kept);
        await time.increase(BOND_THAW);
        await operators.connect(operator).withdraw(token);
        const earned = await previous(all);
        await disputes.correct(1n, EXTRA, earned);
        expect((await money(all, operator)).bond).to.equal(0n);
        const after = await earningsOf(all.splitter, all.id);
        expect(after).to.deep.equal(kept === 0n ? earned : [earned[0]! + 5n, earned[1]!, earned[2]! + 1n]);
        expect(await token.balanceOf(disputes)).to.equal(0n);
        expect(stake).to.be.greaterThan(7n);
      }
    });

    it("reaches what thaws, and all reports of an epoch together no more than its stake", async () => {
      const all = await reported();
      const { disputes, operators, token, modelId, stake } = all;
      await disputes.connect(auditors[3]!).report(modelId, 0n, "bafy", EXTRA);
      const { bond } = await money(all, operator);
      await operators.connect(operator).startWithdrawal(token, bond);
      await judge(all, [1n, 2n], [true, true]);
      await disputes.correct(1n, EXTRA, await previous(all));
      expect((await money(all, operator)).bond).to.equal(bond - stake);
      await expect(disputes.correct(2n, EXTRA, await previous(all)))
        .to.emit(disputes, "EpochAmended")
        .withArgs(2n, 0n, 0n);
      expect((await money(all, operator)).bond).to.equal(bond - stake);
      expect(await money(all, auditors[3]!)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
    });

    it("is corrected by the amounts that were reported, and only if it is upheld", async () => {
      const all = await reported();
      const { disputes, splitter } = all;
      const earned = await previous(all);
      await expect(disputes.correct(1n, EXTRA, earned)).to.be.revertedWithCustomError(disputes, "DisputesNotUpheld");
      await judge(all, [1n], [true, true]);
      await expect(disputes.correct(1n, EXTRA.with(0, 21n), earned)).to.be.revertedWithCustomError(
        disputes,
        "DisputesInvalidCorrection",
      );
      await expect(disputes.correct(1n, EXTRA, earned.toReversed())).to.be.revertedWithCustomError(
        splitter,
        "SplitterPreviousMismatch",
      );
      await disputes.correct(1n, EXTRA, earned);
    });

    it("that is dismissed costs the reporter his bond; undecided, nobody anything", async () => {
      for (const [votes, lost] of [
        [[false, false], true],
        [[false, true], false],
      ] as const) {
        const all = await reported();
        const { disputes, stake } = all;
        await judge(all, [1n], [...votes]);
        await disputes.resolve(1n);
        const bond = lost ? BOND - stake : BOND;
        expect(await money(all, stranger)).to.deep.equal({ bond, locked: 0n, credit: 0n });
        expect((await money(all, operator)).credit).to.equal(lost ? stake : 0n);
        await expect(disputes.correct(1n, EXTRA, await previous(all))).to.be.revertedWithCustomError(
          disputes,
          "DisputesNotOpen",
        );
      }
    });

    it("that nobody could correct gives the bond back after a dispute window", async () => {
      const all = await reported();
      const { disputes } = all;
      await judge(all, [1n], [true, true]);
      const { until } = await disputes.dispute(1n);
      const end = until + BigInt(TIMING.disputeWindow);
      await time.setNextBlockTimestamp(end - 1n);
      await expect(disputes.release(1n)).to.be.revertedWithCustomError(disputes, "DisputesStillOpen");
      await time.setNextBlockTimestamp(end);
      await disputes.release(1n);
      expect(await money(all, stranger)).to.deep.equal({ bond: BOND, locked: 0n, credit: 0n });
    });
  });

  it("is deployed with a committee that ends in time, of the same bonds, and demands that cost something", async () => {
    const { splitter, committee, operators, token } = await networkHelpers.loadFixture(proposed);
    const manager = await splitter.authority();
    const { disputeWindow } = TIMING;
    const court = (commit: number, registry: unknown = operators) =>
      ethers.deployContract("Committee", [registry as never, token, auditorBond, commit, revealPeriod, 2, manager]);
    const slow = await court(disputeWindow - revealPeriod + 1);
    const other = await court(1, await ethers.deployContract("OperatorRegistry", [1, manager]));
    const { interface: errors } = await ethers.getContractFactory("EpochDisputes");
    for (const [judges, bps] of [
      [slow, 1000],
      [other, 1000],
      [committee, 0],
      [committee, 10_001],
    ] as const)
      await expect(
        ethers.deployContract("EpochDisputes", [splitter, judges as never, bps, manager]),
      ).to.be.revertedWithCustomError({ interface: errors } as never, "DisputesInvalidDeployment");
    const exact = await court(disputeWindow - revealPeriod);
    await ethers.deployContract("EpochDisputes", [splitter, exact as never, 10_000, manager]);
  });
});
