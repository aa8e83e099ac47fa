import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { escrowDomain, signVoucher } from "../../sdk/eip712.ts";
import { sharePot } from "../../sdk/epoch.ts";
import { claimProof } from "../../sdk/merkle.ts";
import type { TestToken } from "../../types/ethers-contracts/index.ts";
import {
  admin,
  BOND_FACTOR,
  bond,
  contributors,
  customer,
  deployed,
  ethers,
  freeze,
  mint,
  networkHelpers,
  operator,
  owner,
  proposal,
  random,
  register,
  type Signer,
  server,
  stranger,
  THAW,
  TIMING,
  treasury,
  vector,
  type World,
} from "../support/world.ts";

type Epoch = {
  openedAt: number;
  closedAt: number;
  proposedAt: number;
  reopenedAt: number;
  clearedAt: number;
  disputes: number;
  stake: bigint;
  settled: boolean;
  scoring: boolean;
  q: string;
  fees: bigint;
  held: bigint;
};

type Model = {
  id: bigint;
  commitment: string;
  token: TestToken;
  split: { data: bigint; owner: bigint; server: bigint; operator: bigint; protocol: bigint };
  owner: Signer;
  base: bigint[];
  epochs: Epoch[];
  earned: bigint[];
  claimed: bigint[];
  dust: bigint;
};

type Action = () => Promise<void>;

type Deposit = { amount: bigint; thawing: bigint; readyAt: number };

const sum = (values: Iterable<bigint>) => [...values].reduce((a, b) => a + b, 0n);

/** A table of amounts that are 0 until set. */
class Amounts extends Map<string, bigint> {
  add(key: string, amount: bigint) {
    this.set(key, (this.get(key) ?? 0n) + amount);
  }
}

/**
 * Does hundreds of random actions on the contracts and on a plain model of them, and compares the two after each: what may
 * be done, with which error not, every balance, and that what came in is what is held, owed or paid.
 */
class Ledger {
  readonly random;
  now = 0;
  readonly models: Model[] = [];
  readonly deposits = new Map<string, Deposit>();
  readonly redeemed = new Amounts();
  readonly balances = new Amounts();
  readonly paidIn = new Amounts();
  readonly bonded = new Amounts();
  readonly locked = new Amounts();
  readonly slashed = new Amounts();
  readonly counts: Record<string, number> = {};
  readonly world: World;
  readonly customers: Signer[];

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = random(seed);
    this.customers = [customer, stranger, contributors[3]!];
  }

  pick<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)]!;
  }

  key(account: Signer, model: Model): string {
    return `${account.address} ${model.token.target}`;
  }

  deposit(account: Signer, model: Model): Deposit {
    const key = this.key(account, model);
    const found = this.deposits.get(key) ?? { amount: 0n, thawing: 0n, readyAt: 0 };
    this.deposits.set(key, found);
    return found;
  }

  async addModel(token: TestToken, counts: number[], split: Model["split"]): Promise<void> {
    const datanetId = await freeze(this.world, counts);
    const id = await mint(this.world, datanetId, token, split);
    const commitment = await register(this.world, id, counts);
    for (const account of this.customers) {
      await token.mint(account, 10n ** 24n);
      await token.connect(account).approve(this.world.escrow, 10n ** 24n);
    }
    await this.addBond(token, 10n ** 14n);
    this.bonded.set(token.target as string, await this.world.operators.bondOf(operator, token));
    await token.mint(admin, 10n ** 24n);
    await token.connect(admin).approve(this.world.splitter, 10n ** 24n);
    const zeros = counts.map(() => 0n);
    const base = counts.map(BigInt);
    this.models.push({
      id,
      commitment,
      token,
      split,
      owner,
      base,
      epochs: [],
      earned: zeros,
      claimed: zeros,
      dust: 0n,
    });
  }

  async addBond(token: TestToken, amount: bigint): Promise<void> {
    await bond(this.world, token, amount);
    this.bonded.add(token.target as string, amount);
  }

  free({ token }: Model): bigint {
    const of = (table: Amounts) => table.get(token.target as string) ?? 0n;
    return of(this.bonded) - of(this.locked) - of(this.slashed);
  }

  /** Sends at `now`. Returns whether it went through, which must be when no error is expected. */
  async send(what: string, call: () => Promise<ContractTransactionResponse>, error: string | false): Promise<boolean> {
    await networkHelpers.time.setNextBlockTimestamp(this.now);
    const outcome = error ? `${what}: ${error}` : what;
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    if (error) {
      const { escrow, operators, splitter } = this.world;
      const contract = error.startsWith("Escrow") ? escrow : error.startsWith("Operators") ? operators : splitter;
      await expect(call(), what).to.be.revertedWithCustomError(contract, error);
    } else {
      await call();
    }
    return !error;
  }

  async putIn(model: Model): Promise<void> {
    const account = this.pick(this.customers);
    const amount = this.random.bits(1 + this.random.below(60));
    const call = () => this.world.escrow.connect(account).deposit(account, model.token, amount);
    if (await this.send("deposit", call, false)) this.deposit(account, model).amount += amount;
  }

  async startWithdrawal(model: Model): Promise<void> {
    const account = this.pick(this.customers);
    const held = this.deposit(account, model);
    const amount = (held.amount * BigInt(this.random.below(110))) / 100n;
    const call = () => this.world.escrow.connect(account).startWithdrawal(model.token, amount);
    const error = amount > held.amount && "EscrowWithdrawalTooLarge";
    if (await this.send("startWithdrawal", call, error))
      Object.assign(held, { thawing: amount, readyAt: this.now + THAW });
  }

  async takeOut(model: Model): Promise<void> {
    const account = this.pick(this.customers);
    const held = this.deposit(account, model);
    const error = held.thawing === 0n ? "EscrowNothingThawing" : this.now < held.readyAt ? "EscrowStillThawing" : false;
    if (await this.send("withdraw deposit", () => this.world.escrow.connect(account).withdraw(model.token), error))
      Object.assign(held, { amount: held.amount - held.thawing, thawing: 0n });
  }

  async redeem(model: Model): Promise<void> {
    const account = this.pick(this.customers);
    const to = this.pick([server, stranger]);
    const epochId = Math.max(0, model.epochs.length - (this.random.below(4) ? 1 : 2));
    const epoch = model.epochs[epochId];
    const held = this.deposit(account, model);
    const key = `${account.address} ${to.address} ${model.id} ${epochId}`;
    const before = this.redeemed.get(key) ?? 0n;
    const amount = (held.amount * BigInt(this.random.below(105))) / 300n;
    const charged = before + amount;
    const value = {
      customer: account.address,
      server: to.address,
      modelId: model.id,
      epochId: BigInt(epochId),
      token: model.token.target as string,
      cumulative: charged + this.random.bits(20),
      deadline: 10n ** 12n,
    };
    const signature = await signVoucher(account, escrowDomain(31337n, this.world.escrow.target as string), value);
    const error =
      amount === 0n
        ? "EscrowAlreadyRedeemed"
        : amount > held.amount
          ? "EscrowDepositTooSmall"
          : !epoch
            ? "SplitterUnknownEpoch"
            : epoch.closedAt && this.now >= epoch.closedAt + TIMING.redeemWindow
              ? "SplitterRedeemingClosed"
              : false;
    if (!(await this.send("redeem", () => this.world.escrow.connect(to).redeem(value, signature, charged), error)))
      return;
    held.amount -= amount;
    if (held.thawing > held.amount) held.thawing = held.amount;
    this.redeemed.set(key, charged);
    this.paidIn.add(value.token, amount);
    const part = (bps: bigint) => (amount * bps) / 10_000n;
    const { split } = model;
    this.balances.add(this.key(to, model), part(split.server));
    this.balances.add(this.key(model.owner, model), part(split.owner));
    this.balances.add(this.key(treasury, model), part(split.protocol));
    epoch!.fees += amount;
    epoch!.held += amount - part(split.server) - part(split.owner) - part(split.protocol);
  }

  async openEpoch(model: Model): Promise<void> {
    const last = model.epochs.at(-1);
    const error = last && this.now < last.openedAt + TIMING.epochLength && "SplitterEpochRunning";
    if (!(await this.send("openEpoch", () => this.world.splitter.openEpoch(model.id), error ?? false))) return;
    if (last) last.closedAt = this.now;
    const times = { closedAt: 0, proposedAt: 0, reopenedAt: 0, clearedAt: 0 };
    const fresh = { ...times, disputes: 0, stake: 0n, settled: false, scoring: false, q: "0x", fees: 0n, held: 0n };
    model.epochs.push({ openedAt: this.now, ...fresh });
    // Left to chance alone, hardly anything would be proposed in its window, or disputed in its own.
    if (!last || this.random.below(2)) return;
    this.now += TIMING.redeemWindow + this.random.below(TIMING.proposeWindow - TIMING.redeemWindow);
    await this.propose(model);
  }

  async propose(model: Model): Promise<void> {
    const due = ({ closedAt, reopenedAt, proposedAt }: Epoch) =>
      closedAt !== 0 &&
      this.now >= closedAt + TIMING.redeemWindow &&
      this.now <= Math.max(closedAt, reopenedAt) + TIMING.proposeWindow &&
      !proposedAt;
    const id = this.someEpoch(model, due);
    const epoch = model.epochs[id];
    if (!epoch) return;
    const v = vector(this.random.below(3) ? 0n : 9n);
    const stake = (epoch.held + BOND_FACTOR - 1n) / BOND_FACTOR;
    const { splitter } = this.world;
    const error = !due({ ...epoch, proposedAt: 0 })
      ? "SplitterNotProposable"
      : epoch.proposedAt
        ? "SplitterAlreadyProposed"
        : stake > this.free(model)
          ? "OperatorsFreeTooSmall"
          : false;
    const given = await proposal(this.world, model.id, BigInt(id), v);
    if (!(await this.send("propose", () => splitter.connect(operator).propose(...given), error))) {
      if (error === "OperatorsFreeTooSmall") await this.addBond(model.token, 10n * stake);
      this.now = await networkHelpers.time.latest();
      return;
    }
    const event = (await splitter.queryFilter(splitter.filters.EpochProposed(model.id, id))).at(-1);
    this.locked.add(model.token.target as string, stake);
    Object.assign(epoch, { proposedAt: this.now, scoring: v[0] !== 0n, q: event!.args.q, stake });
    for (let i = this.random.below(3); i > 0; i--) {
      this.now += 1 + this.random.below(90);
      await this.dispute(model);
    }
  }

  /** The stake of a proposal that stands no longer goes back, or to who is named. */
  release(model: Model, epoch: Epoch, slashed: boolean): void {
    const token = model.token.target as string;
    this.locked.add(token, -epoch.stake);
    if (slashed) this.slashed.add(token, epoch.stake);
    epoch.stake = 0n;
  }

  async dispute(model: Model): Promise<void> {
    const id = this.someEpoch(
      model,
      ({ proposedAt, settled, disputes }) =>
        proposedAt !== 0 && !settled && (disputes > 0 || this.now < proposedAt + TIMING.challengeWindow),
    );
    const epoch = model.epochs[id];
    if (!epoch) return;
    const { splitter } = this.world;
    const over = this.now >= epoch.proposedAt + TIMING.challengeWindow;
    const stands = !epoch.proposedAt ? "SplitterNotProposed" : epoch.settled ? "SplitterAlreadySettled" : false;
    const kind = epoch.disputes > 0 ? 1 + this.random.below(3) : this.random.below(4);
    if (kind < 2) {
      const error = stands || (over && "SplitterWindowOver");
      if (await this.send("openDispute", () => splitter.openDispute(model.id, id), error)) epoch.disputes++;
    } else if (kind === 2) {
      const error = epoch.disputes === 0 && "SplitterNoDispute";
      if (await this.send("closeDispute", () => splitter.closeDispute(model.id, id), error))
        Object.assign(epoch, { disputes: epoch.disputes - 1, clearedAt: this.now });
    } else {
      const error = stands || (over && epoch.disputes === 0 && "SplitterWindowOver");
      const to = this.pick([ethers.ZeroAddress, stranger.address]);
      if (!(await this.send("reject", () => splitter.reject(model.id, id, to), error))) return;
      this.release(model, epoch, to !== ethers.ZeroAddress);
      Object.assign(epoch, { proposedAt: 0, disputes: 0, reopenedAt: this.now });
    }
  }

  async correct(model: Model): Promise<void> {
    const id = this.someEpoch(model, ({ settled }) => settled);
    const epoch = model.epochs[id];
    if (!epoch) return;
    const extra = model.base.map(() => this.random.bits(30));
    const previous = this.previous(model);
    const error = !epoch.settled && "SplitterNotSettled";
    const call = () => this.world.splitter.correct(model.id, id, extra, previous);
    if (!(await this.send("correct", call, error))) return;
    model.earned = model.earned.map((amount, c) => amount + extra[c]!);
    this.paidIn.add(model.token.target as string, sum(extra));
  }

  previous = ({ epochs, earned }: Model): bigint[] => (epochs.some(({ settled }) => settled) ? earned : []);

  async settle(
    model: Model,
    id = this.someEpoch(model, ({ proposedAt, settled }) => proposedAt !== 0 && !settled),
  ): Promise<void> {
    const epoch = model.epochs[id];
    if (!epoch) return;
    const { challengeWindow, proposeWindow, settleWindow, fallbackWindow } = TIMING;
    const from =
      (epoch.proposedAt
        ? Math.max(epoch.proposedAt + challengeWindow, epoch.clearedAt)
        : Math.max(epoch.closedAt, epoch.reopenedAt) + proposeWindow) +
      settleWindow +
      fallbackWindow;
    const fallback = epoch.closedAt !== 0 && epoch.disputes === 0 && this.now >= from;
    const error = fallback
      ? epoch.settled && "SplitterAlreadySettled"
      : !epoch.proposedAt
        ? "SplitterNotProposed"
        : epoch.settled
          ? "SplitterAlreadySettled"
          : this.now < epoch.proposedAt + challengeWindow
            ? "SplitterWindowOpen"
            : epoch.disputes !== 0
              ? "SplitterDisputed"
              : epoch.scoring && "SplitterNeedsProof";
    const previous = this.previous(model);
    const call = () => this.world.splitter.settleByBase(model.id, id, operator, epoch.q, previous);
    if (!(await this.send(fallback ? "fallback" : "settleByBase", call, error))) return;
    this.release(model, epoch, fallback);
    const data = (epoch.fees * model.split.data) / 10_000n;
    this.balances.add(this.key(operator, model), epoch.held - data);
    const nothing = model.base.map(() => 0n);
    const { pay, dust } = sharePot(data + model.dust, nothing, 0n, model.base);
    model.earned = model.earned.map((amount, c) => amount + pay[c]!);
    model.dust = dust;
    Object.assign(epoch, { held: 0n, settled: true });
  }

  async claim(): Promise<void> {
    const chosen = this.models
      .filter(({ epochs }) => epochs.some(({ settled }) => settled))
      .flatMap((model) => model.base.map((_, c) => ({ model, c })))
      .filter(() => this.random.below(2) === 0);
    const claims = chosen.map(({ model, c }) => ({
      commitmentId: model.commitment,
      c,
      cumulative: model.earned[c]!,
      proof: claimProof(model.commitment, model.earned, c),
    }));
    await this.send("claim", () => this.world.splitter.connect(stranger).claim(claims), false);
    for (const { model, c } of chosen) model.claimed = model.claimed.with(c, model.earned[c]!);
  }

  async withdraw(model: Model): Promise<void> {
    const account = this.pick([server, stranger, owner, treasury, operator, model.owner]);
    const key = this.key(account, model);
    const error = !this.balances.get(key) && "SplitterNothingToWithdraw";
    if (await this.send("withdraw", () => this.world.splitter.withdrawFor(model.token, account), error))
      this.balances.set(key, 0n);
  }

  async sell(model: Model): Promise<void> {
    const buyer = this.pick([owner, stranger]);
    const call = () =>
      this.world.models.connect(model.owner).transferFrom(model.owner.address, buyer.address, model.id);
    if (await this.send("sell model", call, false)) model.owner = buyer;
  }

  /** The last epoch that is `likely`, three times in four; else any. */
  someEpoch(model: Model, likely: (epoch: Epoch) => boolean): number {
    const found = this.random.below(4) ? model.epochs.findLastIndex(likely) : -1;
    return found < 0 ? this.random.below(Math.max(1, model.epochs.length)) : found;
  }

  async act(): Promise<void> {
    this.now += 1 + this.random.below(100);
    const model = this.pick(this.models);
    const actions: Action[] = [
      ...Array<Action>(4).fill(() => this.putIn(model)),
      ...Array<Action>(2).fill(() => this.startWithdrawal(model)),
      ...Array<Action>(2).fill(() => this.takeOut(model)),
      ...Array<Action>(5).fill(() => this.redeem(model)),
      ...Array<Action>(4).fill(() => this.openEpoch(model)),
      ...Array<Action>(6).fill(() => this.propose(model)),
      ...Array<Action>(4).fill(() => this.settle(model)),
      ...Array<Action>(3).fill(() => this.dispute(model)),
      () => this.correct(model),
      () => this.claim(),
      () => this.withdraw(model),
      () => this.sell(model),
    ];
    await this.pick(actions)();
    await this.check(model);
  }

  async check(model: Model): Promise<void> {
    const { escrow, operators, splitter } = this.world;
    const { token, commitment, epochs, earned, claimed, dust } = model;
    const ofToken = (table: Map<string, bigint>) =>
      sum([...table].filter(([key]) => key.endsWith(token.target as string)).map(([, amount]) => amount));
    const deposits = sum(this.customers.map((account) => this.deposit(account, model).amount));
    expect(await token.balanceOf(escrow)).to.equal(deposits);
    const owed = sum(earned) - sum(claimed);
    const held = sum(epochs.map((epoch) => epoch.held));
    expect(await token.balanceOf(splitter)).to.equal(held + ofToken(this.balances) + owed + dust);
    expect(await splitter.dust(commitment)).to.equal(dust);
    const [bonded, locked, slashed] = [this.bonded, this.locked, this.slashed].map((table) => ofToken(table));
    expect(await operators.held(token)).to.equal(bonded);
    expect(await operators.bondOf(operator, token)).to.equal(bonded! - slashed!);
    expect(await operators.lockedOf(operator, token, splitter)).to.equal(locked);
    expect(sum(epochs.map(({ stake }) => stake))).to.equal(locked);
    for (const account of this.customers)
      expect(await escrow.deposited(account, token)).to.equal(this.deposit(account, model).amount);
    for (const account of [server, stranger, owner, treasury, operator])
      expect(await splitter.balance(token, account)).to.equal(this.balances.get(this.key(account, model)) ?? 0n);
  }

  /** Settles, claims and withdraws everything; only dust may stay. */
  async finish(): Promise<void> {
    const { splitter } = this.world;
    for (const model of this.models) {
      this.now += 10_000;
      await this.openEpoch(model);
      for (const [id, epoch] of model.epochs.entries())
        for (; epoch.disputes > 0; epoch.disputes--) await splitter.closeDispute(model.id, id);
      this.now += 10_000;
      for (const [id, epoch] of model.epochs.entries()) {
        if (epoch.settled || !epoch.closedAt) continue;
        this.now++;
        await this.settle(model, id);
        expect(epoch.settled).to.equal(true);
      }
      const claims = model.base.map((_, c) => ({
        commitmentId: model.commitment,
        c,
        cumulative: model.earned[c]!,
        proof: claimProof(model.commitment, model.earned, c),
      }));
      await splitter.claim(claims);
      model.claimed = model.earned;
      for (const account of [server, stranger, owner, treasury, operator]) {
        const key = this.key(account, model);
        if (this.balances.get(key)) await splitter.withdrawFor(model.token, account);
        this.balances.set(key, 0n);
      }
      await this.check(model);
      expect(await model.token.balanceOf(splitter)).to.equal(model.dust);
      expect(model.dust).to.be.lessThan(BigInt(model.base.length));
    }
  }
}

describe("Conservation", () => {
  for (const seed of [12, 15]) {
    it(`holds to the wei over 350 random actions on two models, seed ${seed}`, async () => {
      const world = await networkHelpers.loadFixture(deployed);
      const ledger = new Ledger(world, seed);
      const odd = { data: 3333n, owner: 1667n, server: 2501n, operator: 1999n, protocol: 500n };
      const edge = { data: 5000n, owner: 1n, server: 4999n, operator: 0n, protocol: 0n };
      const other = await ethers.deployContract("TestToken", ["Other", "O", 18]);
      await ledger.addModel(world.token, [3, 5, 2], odd);
      await ledger.addModel(other as never, [1, 1, 1, 1, 1, 1, 7], edge);
      ledger.now = await networkHelpers.time.latest();
      for (let i = 0; i < 350; i++) await ledger.act();
      await ledger.finish();
      for (const action of [
        ...["redeem", "propose", "settleByBase", "fallback", "claim", "withdraw", "withdraw deposit"],
        ...["openDispute", "closeDispute", "reject", "correct"],
      ])
        expect(ledger.counts[action], `${action}: ${JSON.stringify(ledger.counts)}`).to.be.greaterThan(1);
    });
  }
});
