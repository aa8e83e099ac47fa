import { expect } from "chai";
import { voteHash } from "../../sdk/disputes.ts";
import { mined } from "../../sdk/transactions.ts";
import {
  admin,
  auditors,
  BOND_THAW,
  COMMITTEE,
  deployed,
  ethers,
  networkHelpers,
  random,
  type Signer,
  stranger,
} from "../support/world.ts";

const { time } = networkHelpers;
const { auditorBond, commitPeriod, revealPeriod, quorum } = COMMITTEE;
const [PENDING, UPHELD, DISMISSED, UNDECIDED] = [0n, 1n, 2n, 3n];
const BOND = 10n * auditorBond;
const SALT = ethers.id("salt");
const SUBJECT = ethers.id("subject");

/** Four auditors with bonds, and an opener of cases. */
async function court(bond = auditorBond) {
  const { splitter, token } = await deployed();
  const manager = await ethers.getContractAt("AccessManager", await splitter.authority());
  const operators = await ethers.deployContract("OperatorRegistry", [BOND_THAW, manager]);
  const args = [operators, token, bond, commitPeriod, revealPeriod, quorum, manager] as const;
  const committee = await ethers.deployContract("Committee", [...args]);
  await operators.bindLockers([committee]);
  const [CASES, AUDITORS] = [104n, 103n];
  for (const [name, role] of [
    ["open", CASES],
    ["commitVote", AUDITORS],
  ] as const)
    await manager.setTargetFunctionRole(committee, [committee.interface.getFunction(name)!.selector], role);
  await manager.grantRole(CASES, admin, 0);
  for (const auditor of auditors) {
    await manager.grantRole(AUDITORS, auditor, 0);
    await token.mint(auditor, BOND);
    await token.connect(auditor).approve(operators, BOND);
    await operators.connect(auditor).bond(auditor, token, BOND);
  }
  return { operators, token, manager, committee };
}

type Court = Awaited<ReturnType<typeof court>>;

const fixture = () => court();
const noBonds = () => court(0n);
const unevenBonds = () => court(101n);

async function open({ committee }: Court): Promise<bigint> {
  const caseId = await committee.open.staticCall(SUBJECT, "bafyevidence");
  await committee.open(SUBJECT, "bafyevidence");
  return caseId;
}

const commitment = ({ committee }: Court, caseId: bigint, auditor: Signer, uphold: boolean) =>
  voteHash({
    chainId: 31337n,
    committee: committee.target as string,
    caseId,
    auditor: auditor.address,
    uphold,
    salt: SALT,
  });

/** Opens a case and lets each auditor do as `votes` says: uphold, dismiss, commit and stay silent, or nothing. */
async function judge(court: Court, votes: (boolean | "silent" | "absent")[], close = true): Promise<bigint> {
  const { committee } = court;
  const caseId = await open(court);
  for (const [i, vote] of votes.entries())
    if (vote !== "absent") {
      const hash = commitment(court, caseId, auditors[i]!, vote === true);
      await committee.connect(auditors[i]!).commitVote(caseId, hash);
    }
  await time.increaseTo((await committee.endsAt(caseId)) - BigInt(revealPeriod));
  for (const [i, vote] of votes.entries())
    if (vote === true || vote === false) await committee.connect(auditors[i]!).revealVote(caseId, vote, SALT);
  await time.increaseTo(await committee.endsAt(caseId));
  if (close) await committee.connect(stranger).close(caseId);
  return caseId;
}

/** What each auditor has gained or lost, and has locked. */
async function outcome({ operators, token, committee }: Court) {
  const all = await Promise.all(
    auditors.map(async (auditor) => ({
      credit: await operators.credits(token, auditor),
      bond: await operators.bondOf(auditor, token),
      locked: await operators.lockedOf(auditor, token, committee),
    })),
  );
  const sum = all.reduce((total, { credit, bond }) => total + credit + bond, 0n);
  expect(sum).to.equal(BigInt(auditors.length) * BOND);
  expect(await operators.held(token)).to.equal(sum);
  return all.map(({ credit, bond, locked }) => [credit, bond - BOND, locked]);
}

describe("Committee", () => {
  describe("cases", () => {
    it("are opened by the CASES role, and run for both periods", async () => {
      const { committee } = await networkHelpers.loadFixture(fixture);
      await expect(committee.connect(stranger).open(SUBJECT, "")).to.be.revertedWithCustomError(
        committee,
        "AccessManagedUnauthorized",
      );
      const opened = await committee.open(SUBJECT, "bafyevidence");
      const now = (await opened.getBlock())!.timestamp;
      await expect(opened)
        .to.emit(committee, "CaseOpened")
        .withArgs(1n, SUBJECT, "bafyevidence", now + commitPeriod, now + commitPeriod + revealPeriod);
      expect(await committee.endsAt(1n)).to.equal(now + commitPeriod + revealPeriod);
      expect(await committee.verdict(1n)).to.equal(PENDING);
    });

    it("that nobody opened have no votes, end or verdict", async () => {
      const { committee } = await networkHelpers.loadFixture(fixture);
      const auditor = committee.connect(auditors[0]!);
      for (const call of [
        () => auditor.commitVote(1n, SALT),
        () => auditor.revealVote(1n, true, SALT),
        () => auditor.close(1n),
        () => auditor.endsAt(1n),
        () => auditor.verdict(1n),
      ])
        await expect(call()).to.be.revertedWithCustomError(committee, "CommitteeUnknownCase").withArgs(1n);
    });

    it("need periods, a quorum that can be reached, and a token for bonds", async () => {
      const { operators, token, committee, manager } = await networkHelpers.loadFixture(fixture);
      for (const [bondToken, bond, commit, reveal, votes] of [
        [token.target, 1n, 0, 1, 1],
        [token.target, 1n, 1, 0, 1],
        [token.target, 1n, 1, 1, 0],
        [token.target, 1n, 1, 1, 65],
        [ethers.ZeroAddress, 1n, 1, 1, 1],
      ] as const)
        await expect(
          ethers.deployContract("Committee", [operators, bondToken, bond, commit, reveal, votes, manager]),
        ).to.be.revertedWithCustomError(committee, "CommitteeInvalidDeployment");
      const smallest = [operators, ethers.ZeroAddress, 0n, 1, 1, 64, manager] as const;
      expect(await (await ethers.deployContract("Committee", [...smallest])).quorum()).to.equal(64n);
    });
  });

  describe("votes", () => {
    it("are committed by auditors with a free bond, once each, and lock it", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee, operators, token } = all;
      const caseId = await open(all);
      const [auditor, poor] = auditors as [Signer, Signer];
      await expect(committee.connect(stranger).commitVote(caseId, SALT))
        .to.be.revertedWithCustomError(committee, "AccessManagedUnauthorized")
        .withArgs(stranger);
      const from = committee.connect(auditor);
      await expect(from.commitVote(caseId, ethers.ZeroHash)).to.be.revertedWithCustomError(
        committee,
        "CommitteeInvalidCommitment",
      );
      await expect(from.commitVote(caseId, SALT)).to.emit(committee, "VoteCommitted").withArgs(caseId, auditor, SALT);
      expect(await operators.lockedOf(auditor, token, committee)).to.equal(auditorBond);
      await expect(from.commitVote(caseId, SUBJECT))
        .to.be.revertedWithCustomError(committee, "CommitteeAlreadyCommitted")
        .withArgs(caseId, auditor);
      await operators.connect(poor).startWithdrawal(token, BOND - auditorBond + 1n);
      await expect(committee.connect(poor).commitVote(caseId, SALT))
        .to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall")
        .withArgs(poor, token, auditorBond - 1n, auditorBond);
    });

    it("are committed until the reveal period starts, and revealed from then until the end", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee, operators, token } = all;
      const caseId = await open(all);
      const endsAt = Number(await committee.endsAt(caseId));
      const from = endsAt - revealPeriod;
      const [first, second, third] = auditors.map((one) => committee.connect(one));
      const hashes = auditors.map((one) => commitment(all, caseId, one, true));
      await first!.commitVote(caseId, hashes[0]!);
      await expect(first!.revealVote(caseId, true, SALT))
        .to.be.revertedWithCustomError(committee, "CommitteeNotRevealing")
        .withArgs(from, endsAt);
      await time.setNextBlockTimestamp(from - 1);
      await second!.commitVote(caseId, hashes[1]!);
      await time.setNextBlockTimestamp(from);
      await expect(third!.commitVote(caseId, hashes[2]!))
        .to.be.revertedWithCustomError(committee, "CommitteeCommitPeriodOver")
        .withArgs(from);
      await expect(first!.revealVote(caseId, true, SALT))
        .to.emit(committee, "VoteRevealed")
        .withArgs(caseId, auditors[0], true);
      expect(await operators.lockedOf(auditors[0]!, token, committee)).to.equal(0n);
      expect(await committee.verdict(caseId)).to.equal(PENDING);
      await time.setNextBlockTimestamp(endsAt);
      await expect(second!.revealVote(caseId, true, SALT)).to.be.revertedWithCustomError(
        committee,
        "CommitteeNotRevealing",
      );
    });

    it("are revealed once, with the salt and the vote that were committed", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee } = all;
      const caseId = await open(all);
      const from = committee.connect(auditors[0]!);
      const hash = commitment(all, caseId, auditors[0]!, true);
      await from.commitVote(caseId, hash);
      await time.increase(commitPeriod);
      await expect(from.revealVote(caseId, false, SALT))
        .to.be.revertedWithCustomError(committee, "CommitteeCommitmentMismatch")
        .withArgs(commitment(all, caseId, auditors[0]!, false), hash);
      await expect(from.revealVote(caseId, true, SUBJECT)).to.be.revertedWithCustomError(
        committee,
        "CommitteeCommitmentMismatch",
      );
      await from.revealVote(caseId, true, SALT);
      for (const auditor of [auditors[0]!, auditors[1]!])
        await expect(committee.connect(auditor).revealVote(caseId, true, SALT))
          .to.be.revertedWithCustomError(committee, "CommitteeNothingToReveal")
          .withArgs(caseId, auditor);
    });

    it("cannot be copied: another auditor's commitment, another case's and another committee's do not open", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee } = all;
      const other = await open(all);
      const caseId = await open(all);
      const [auditor, copier] = auditors as [Signer, Signer];
      const hash = commitment(all, caseId, auditor, true);
      await committee.connect(auditor).commitVote(caseId, hash);
      await committee.connect(copier).commitVote(caseId, hash);
      await committee.connect(auditor).commitVote(other, hash);
      await time.increase(commitPeriod);
      await committee.connect(auditor).revealVote(caseId, true, SALT);
      await expect(committee.connect(copier).revealVote(caseId, true, SALT)).to.be.revertedWithCustomError(
        committee,
        "CommitteeCommitmentMismatch",
      );
      await expect(committee.connect(auditor).revealVote(other, true, SALT)).to.be.revertedWithCustomError(
        committee,
        "CommitteeCommitmentMismatch",
      );
    });

    it("are at most MAX_VOTES, which can all be closed in one block", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee, manager, operators, token } = all;
      const many: Signer[] = [];
      await token.mint(admin, 65n * auditorBond);
      await token.approve(operators, 65n * auditorBond);
      for (let i = 0; i < 65; i++) {
        const address = ethers.toBeHex(0x1000 + i, 20);
        await networkHelpers.setBalance(address, 10n ** 18n);
        await networkHelpers.impersonateAccount(address);
        many.push(await ethers.getSigner(address));
        await manager.grantRole(103n, address, 0);
        await operators.bond(address, token, auditorBond);
      }
      const last = many.pop()!;
      const caseId = await open(all);
      for (const one of many) await committee.connect(one).commitVote(caseId, commitment(all, caseId, one, true));
      await expect(committee.connect(last).commitVote(caseId, SALT))
        .to.be.revertedWithCustomError(committee, "CommitteeFull")
        .withArgs(caseId);
      await time.increase(commitPeriod);
      for (let i = 1; i < 64; i += 2) await committee.connect(many[i]!).revealVote(caseId, true, SALT);
      await time.increase(revealPeriod);
      const { gasUsed } = await mined(committee.close(caseId));
      expect(gasUsed).to.be.lessThan(8_000_000n);
      for (const [i, one] of many.entries())
        expect([await operators.credits(token, one), await operators.bondOf(one, token)]).to.deep.equal(
          i % 2 ? [auditorBond, auditorBond] : [0n, 0n],
        );
    });
  });

  describe("verdicts", () => {
    for (const [what, votes, verdict] of [
      ["Upheld by most of those who revealed", [true, true, false, "absent"], UPHELD],
      ["Dismissed by most of those who revealed", [false, true, false, "absent"], DISMISSED],
      ["Undecided on a tie", [true, true, false, false], UNDECIDED],
      ["Undecided below the quorum", [true, "silent", "silent", "absent"], UNDECIDED],
      ["Upheld by exactly the quorum", [true, true, "silent", "silent"], UPHELD],
      ["Undecided where nobody revealed", ["silent", "silent", "silent", "silent"], UNDECIDED],
      ["Undecided where nobody voted", ["absent", "absent", "absent", "absent"], UNDECIDED],
    ] as const)
      it(`are ${what}, closed or not`, async () => {
        const all = await networkHelpers.loadFixture(fixture);
        const caseId = await judge(all, [...votes], false);
        expect(await all.committee.verdict(caseId)).to.equal(verdict);
        const unrevealed = votes.filter((vote) => vote === "silent").length;
        await expect(all.committee.close(caseId))
          .to.emit(all.committee, "CaseClosed")
          .withArgs(caseId, verdict, unrevealed);
        expect(await all.committee.verdict(caseId)).to.equal(verdict);
      });
  });

  describe("closing", () => {
    it("waits for the end, and happens once", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee } = all;
      const caseId = await open(all);
      const endsAt = await committee.endsAt(caseId);
      await time.setNextBlockTimestamp(endsAt - 1n);
      await expect(committee.close(caseId))
        .to.be.revertedWithCustomError(committee, "CommitteeCaseRunning")
        .withArgs(endsAt);
      await time.setNextBlockTimestamp(endsAt);
      await committee.close(caseId);
      await expect(committee.close(caseId))
        .to.be.revertedWithCustomError(committee, "CommitteeAlreadyClosed")
        .withArgs(caseId);
    });

    it("leaves those who revealed their bonds, and shares the others' to the last unit", async () => {
      const all = await networkHelpers.loadFixture(unevenBonds);
      await judge(all, ["silent", true, false, true]);
      expect(await outcome(all)).to.deep.equal([
        [0n, -101n, 0n],
        [34n, 0n, 0n],
        [34n, 0n, 0n],
        [33n, 0n, 0n],
      ]);
    });

    it("takes several bonds for one who revealed", async () => {
      const all = await networkHelpers.loadFixture(unevenBonds);
      await judge(all, ["silent", "silent", true, "silent"]);
      expect(await outcome(all)).to.deep.equal([
        [0n, -101n, 0n],
        [0n, -101n, 0n],
        [303n, 0n, 0n],
        [0n, -101n, 0n],
      ]);
    });

    it("cuts one bond for two who revealed", async () => {
      const all = await networkHelpers.loadFixture(unevenBonds);
      await judge(all, [true, "silent", true, "silent"]);
      expect(await outcome(all)).to.deep.equal([
        [101n, 0n, 0n],
        [0n, -101n, 0n],
        [101n, 0n, 0n],
        [0n, -101n, 0n],
      ]);
      await judge(all, [true, "silent", true, false]);
      expect((await outcome(all)).map(([credit]) => credit)).to.deep.equal([135n, 0n, 135n, 33n]);
    });

    it("gives all bonds back where nobody revealed", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      await judge(all, ["silent", "silent", "absent", "absent"]);
      expect(await outcome(all)).to.deep.equal(auditors.map(() => [0n, 0n, 0n]));
    });

    it("touches no bond that the same auditor has in another case", async () => {
      const all = await networkHelpers.loadFixture(fixture);
      const { committee, operators, token } = all;
      await judge(all, ["silent", true, "absent", "absent"], false);
      const running = await open(all);
      await committee.connect(auditors[0]!).commitVote(running, commitment(all, running, auditors[0]!, true));
      await committee.close(1n);
      expect(await operators.lockedOf(auditors[0]!, token, committee)).to.equal(auditorBond);
      await time.increase(commitPeriod);
      await committee.connect(auditors[0]!).revealVote(running, true, SALT);
      expect((await outcome(all))[0]).to.deep.equal([0n, -auditorBond, 0n]);
    });

    it("works without bonds", async () => {
      const all = await networkHelpers.loadFixture(noBonds);
      const caseId = await judge(all, [true, true, "silent", "absent"]);
      expect(await all.committee.verdict(caseId)).to.equal(UPHELD);
      expect(await outcome(all)).to.deep.equal(auditors.map(() => [0n, 0n, 0n]));
    });

    it("conserves every unit over random cases, and nothing stays locked", async () => {
      const all = await networkHelpers.loadFixture(unevenBonds);
      const { below } = random(5);
      const kinds = [true, false, "silent", "absent"] as const;
      for (let i = 0; i < 6; i++) {
        await judge(
          all,
          auditors.map(() => kinds[below(4)]!),
        );
        for (const [, , locked] of await outcome(all)) expect(locked).to.equal(0n);
      }
      await all.operators.connect(auditors[0]!).startWithdrawal(all.token, 1n);
      await time.increase(BOND_THAW);
      await all.operators.connect(auditors[0]!).withdraw(all.token);
    });
  });
});
