import { expect } from "chai";
import { ROLES } from "../../deploy/modules/OpenLedger.ts";
import { type Vote, voteHash } from "../../sdk/disputes.ts";
import { earningsOf } from "../../sdk/history.ts";
import { ReceiptsTree } from "../../sdk/receipts-tree.ts";
import { changed, proposeTree, SALES, type Sold, sold } from "../support/disputes.ts";
import {
  auditors,
  BOND_THAW,
  COMMITTEE,
  contributors,
  ethers,
  K,
  networkHelpers,
  operator,
  random,
  type Signer,
  stranger,
  TIMING,
  treasury,
} from "../support/world.ts";

const { time } = networkHelpers;
const SALT = ethers.id("salt");
const CHALLENGERS = [stranger, contributors[6]!];
const ACCOUNTS = [operator, treasury, ...CHALLENGERS, ...auditors];

/** Receipts without sketches, so that base weights settle the epoch without a proof. */
async function unscored(): Promise<Sold> {
  const all = await sold();
  const manager = await ethers.getContractAt("AccessManager", await all.splitter.authority());
  for (const auditor of auditors) await manager.grantRole(ROLES.auditor, auditor, 0);
  const from = CHALLENGERS[1]!;
  await all.token.mint(from, 10_000n);
  await all.token.connect(from).approve(all.operators, 10_000n);
  await all.operators.connect(from).bond(from, all.token, 10_000n);
  const bare = all.receipts.map((receipt) => ({
    ...receipt,
    recordId: ethers.ZeroHash,
    weight: 0n,
    sketch: new Int8Array(K),
  }));
  return { ...all, tree: ReceiptsTree.of(bare, all.records, K) };
}

/** The same, settled with its stake given back. */
async function settled(): Promise<Sold> {
  const all = await unscored();
  await proposeTree(all, all.tree);
  await time.increase(TIMING.challengeWindow);
  await all.splitter.settleByBase(all.modelId, 0n, operator, new Uint8Array(K), []);
  return all;
}

/** Proposals, disputes and votes at random; what is refused must be refused by name. */
class Court {
  readonly all: Sold;
  readonly random;
  readonly counts: Record<string, number> = {};

  constructor(all: Sold, seed: number) {
    this.all = all;
    this.random = random(seed);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)]!;
  }

  async attempt(what: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
      this.counts[what] = (this.counts[what] ?? 0) + 1;
    } catch (error) {
      expect(String(error), what).to.match(/custom error '(Disputes|Judge|Committee|Splitter|Operators)/);
    }
  }

  /** An open dispute of one of the kinds, or any id. */
  async someDispute(...kinds: bigint[]): Promise<bigint> {
    const { disputes } = this.all;
    const open: bigint[] = [];
    for (let id = await disputes.disputeCount(); id > 0n && open.length < 3; id--) {
      const { kind, outcome } = await disputes.dispute(id);
      if (outcome === 0n && kinds.includes(kind)) open.push(id);
    }
    return open.length === 0 || this.random.below(8) === 0 ? BigInt(this.random.below(9)) : this.pick(open);
  }

  /** Most auditors act on a case, each with the same vote whenever he is asked about it. */
  async vote(what: string, caseId: bigint, cast: (auditor: Signer, vote: Vote) => Promise<unknown>): Promise<void> {
    const place = { chainId: 31337n, committee: this.all.committee.target as string, caseId, salt: SALT };
    for (const [at, auditor] of auditors.entries()) {
      const vote = { ...place, auditor: auditor.address, uphold: (at === 0) !== (caseId % 2n === 0n) };
      if (this.random.below(4)) await this.attempt(what, () => cast(auditor, vote));
    }
  }

  async act(): Promise<void> {
    const { disputes, committee, splitter, modelId } = this.all;
    const { round, proposedAt, settledAt, receiptsRoot } = await splitter.epoch(modelId, 0n);
    const proposal = { modelId, epochId: 0n, round };
    const from = disputes.connect(this.pick(CHALLENGERS));
    // Left to chance alone, hardly anything would stand that can be disputed, and what is wrong would be missed.
    if (proposedAt === 0n && settledAt === 0n) await this.attempt("propose", () => proposeTree(this.all, this.some()));
    const isWrong = receiptsRoot === this.wrong().root;
    if (isWrong && this.random.below(4))
      await this.attempt("step", () => from.challengeStep(proposal, this.wrong().step(2)));
    const index = this.random.below(SALES.length);
    const judged = await this.someDispute(2n, 3n);
    const { caseId } = await disputes.dispute(judged);
    const commit = () =>
      this.vote("commit", caseId, (auditor, vote) => committee.connect(auditor).commitVote(caseId, voteHash(vote)));
    const reveal = () =>
      this.vote("reveal", caseId, (auditor, { uphold }) => committee.connect(auditor).revealVote(caseId, uphold, SALT));
    const pass = () => time.increase(1 + this.random.below(this.random.below(4) ? 20 : 140));
    const actions: [weight: number, what: string, call: () => Promise<unknown>][] = [
      [1, "propose", () => proposeTree(this.all, this.some())],
      [1, "step", () => from.challengeStep(proposal, this.wrong().step(2))],
      [4, "demand", () => from.demand(proposal, index)],
      [1, "draw", () => from.drawSample(proposal)],
      [2, "sample", () => disputes.connect(this.pick(auditors)).demandSample(proposal, this.random.below(30))],
      [8, "answer", () => this.answer()],
      [1, "expire", async () => disputes.expire(await this.someDispute(0n, 1n))],
      [2, "sketch", () => from.challengeSketch(proposal, index, "bafy")],
      [3, "votes", commit],
      [3, "votes", reveal],
      [
        3,
        "judge",
        async () => {
          if (caseId === 0n) return;
          await commit();
          await time.increase(COMMITTEE.commitPeriod - this.random.below(20));
          await reveal();
          await time.increase(COMMITTEE.revealPeriod);
        },
      ],
      [1, "close", () => committee.close(caseId)],
      [3, "resolve", () => disputes.resolve(judged)],
      [1, "release", async () => disputes.release(await this.someDispute(0n, 1n, 2n))],
      [3, "report", () => from.report(modelId, 0n, "bafy", [BigInt(index), 7n, 100n])],
      [2, "correct", () => this.correct(judged)],
      [4, "time", pass],
    ];
    const all = actions.flatMap(([weight, what, call]) => Array.from({ length: weight }, () => [what, call] as const));
    await this.attempt(...this.pick(all));
    await this.check();
  }

  async answer(): Promise<unknown> {
    const { disputes, records, tree } = this.all;
    const id = await this.someDispute(0n, 1n);
    const { kind, target } = await disputes.dispute(id);
    const index = kind === 1n ? tree.at(target) : Number(target % BigInt(SALES.length));
    return disputes.answer(id, tree.answer(index, records.get(tree.leaves[index]!.receipt.receiptId)!));
  }

  some = () => (this.random.below(2) ? this.all.tree : this.wrong());

  wrong = () => changed(this.all.tree, 2, ({ feeSum }) => ({ feeSum: feeSum + 1n }));

  async correct(id: bigint): Promise<unknown> {
    const { disputes, splitter } = this.all;
    const earned = await earningsOf(splitter, this.all.id);
    const [reported] = await disputes.queryFilter(disputes.filters.EpochReported(id));
    return disputes.correct(id, [...(reported?.args.extra ?? [])], earned);
  }

  /** Bonds and credits are what is held, and locks are what open disputes, votes and proposals say. */
  async check(): Promise<void> {
    const { operators, token, disputes, splitter, modelId } = this.all;
    let sum = 0n;
    let locked = 0n;
    for (const account of ACCOUNTS) {
      sum += (await operators.bondOf(account, token)) + (await operators.credits(token, account));
      locked += await operators.lockedOf(account, token, disputes);
    }
    expect([await operators.held(token), await token.balanceOf(operators)]).to.deep.equal([sum, sum]);
    let open = 0n;
    let standing = 0n;
    const { round, proposedAt, settledAt, stake, disputes: counted } = await splitter.epoch(modelId, 0n);
    for (let id = 1n; id <= (await disputes.disputeCount()); id++) {
      const one = await disputes.dispute(id);
      if (one.outcome !== 0n) continue;
      open += one.bond;
      if (one.kind !== 3n && one.round === round && proposedAt !== 0n && settledAt === 0n) standing++;
    }
    expect(locked).to.equal(open);
    expect(counted).to.equal(standing);
    const staked = proposedAt !== 0n && settledAt === 0n ? stake : 0n;
    expect(await operators.lockedOf(operator, token, splitter)).to.equal(staked);
    expect(await token.balanceOf(disputes)).to.equal(0n);
  }

  /** Ends all that is open, by whatever way there is. */
  async end(): Promise<void> {
    const { disputes, committee } = this.all;
    await time.increase(TIMING.disputeWindow + TIMING.answerWindow);
    const count = await disputes.disputeCount();
    for (let id = 1n; id <= count; id++)
      for (const [what, end] of [
        ["resolve", () => disputes.resolve(id)],
        ["expire", () => disputes.expire(id)],
        ["correct", () => this.correct(id)],
        ["release", () => disputes.release(id)],
      ] as const)
        await this.attempt(what, end);
    for (let id = 1n; id <= count; id++) {
      const { outcome, caseId } = await disputes.dispute(id);
      if (outcome === 0n) await disputes.release(id);
      if (caseId !== 0n) await this.attempt("close", () => committee.close(caseId));
    }
  }

  /** Takes all money out. */
  async finish(): Promise<void> {
    const { operators, token, splitter, modelId } = this.all;
    await this.end();
    await time.increase(10_000);
    await this.attempt("settle", () => splitter.settleByBase(modelId, 0n, operator, new Uint8Array(K), []));
    await this.check();
    for (const account of ACCOUNTS) {
      const bond = await operators.bondOf(account, token);
      expect(await operators.freeOf(account, token)).to.equal(bond);
      if (bond !== 0n) await operators.connect(account).startWithdrawal(token, bond);
    }
    await time.increase(BOND_THAW);
    for (const account of ACCOUNTS) {
      if ((await operators.bondOf(account, token)) !== 0n) await operators.connect(account).withdraw(token);
      if ((await operators.credits(token, account)) !== 0n) await operators.connect(account).withdrawCredit(token);
    }
    expect([await operators.held(token), await token.balanceOf(operators)]).to.deep.equal([0n, 0n]);
  }
}

describe("EpochDisputes, conservation", function () {
  this.timeout(300_000);
  const counts: Record<string, number> = {};
  for (const [what, fixture, steps, seed] of [
    ["proposals and their disputes", unscored, 200, 3],
    ["reports of a settled epoch", settled, 80, 4],
  ] as const)
    it(`holds to the wei over ${steps} random actions on ${what}, and nothing is stuck`, async () => {
      const court = new Court(await networkHelpers.loadFixture(fixture), seed);
      for (let i = 0; i < steps; i++) await court.act();
      await court.finish();
      for (const [what, count] of Object.entries(court.counts)) counts[what] = (counts[what] ?? 0) + count;
    });

  it("tried what moves money with success", () => {
    for (const what of [
      ...["propose", "demand", "answer", "expire", "release", "sketch"],
      ...["commit", "reveal", "close", "resolve", "report"],
    ])
      expect(counts[what], `${what}: ${JSON.stringify(counts)}`).to.be.greaterThan(0);
  });
});
