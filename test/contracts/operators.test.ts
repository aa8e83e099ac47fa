import { expect } from "chai";
import type { OperatorRegistry, TestToken } from "../../types/ethers-contracts/index.ts";
import {
  admin,
  BOND_THAW,
  contributors,
  customer,
  deployed,
  ethers,
  networkHelpers,
  operator,
  random,
  type Signer,
  stranger,
} from "../support/world.ts";

const { time } = networkHelpers;
const [locker, other] = contributors as [Signer, Signer];

/** A registry whose lockers are not bound yet. */
async function unbound() {
  const { splitter, token } = await deployed();
  const operators = await ethers.deployContract("OperatorRegistry", [BOND_THAW, await splitter.authority()]);
  return { operators: operators as unknown as OperatorRegistry, token };
}

/** Two lockers are bound, and `operator` has 1,000 bonded. */
async function bonded() {
  const { operators, token } = await unbound();
  await operators.bindLockers([locker, other]);
  await bond(operators, token, operator, 1000n);
  return { operators, token };
}

async function bond(operators: OperatorRegistry, token: TestToken, account: Signer, amount: bigint) {
  await token.mint(account, amount);
  await token.connect(account).approve(operators, amount);
  await operators.connect(account).bond(account, token, amount);
}

const world = () => networkHelpers.loadFixture(bonded);

describe("OperatorRegistry", () => {
  describe("lockers", () => {
    it("are bound by the authority, once", async () => {
      const { operators } = await networkHelpers.loadFixture(unbound);
      await expect(operators.connect(stranger).bindLockers([stranger]))
        .to.be.revertedWithCustomError(operators, "AccessManagedUnauthorized")
        .withArgs(stranger);
      for (const lockers of [[], [locker, ethers.ZeroAddress]])
        await expect(operators.bindLockers(lockers)).to.be.revertedWithCustomError(
          operators,
          "OperatorsInvalidLockers",
        );
      await expect(operators.bindLockers([locker]))
        .to.emit(operators, "LockersBound")
        .withArgs([locker.address]);
      expect([await operators.isLocker(locker), await operators.isLocker(admin)]).to.deep.equal([true, false]);
      await expect(operators.bindLockers([admin])).to.be.revertedWithCustomError(operators, "OperatorsLockersBound");
    });

    it("are known before any bond is taken", async () => {
      const { operators, token } = await networkHelpers.loadFixture(unbound);
      await expect(operators.bond(admin, token, 0n)).to.be.revertedWithCustomError(
        operators,
        "OperatorsLockersUnbound",
      );
    });

    it("alone lock, unlock and slash", async () => {
      const { operators, token } = await world();
      for (const account of [operator, admin, stranger]) {
        const from = operators.connect(account);
        for (const call of [
          from.lock(operator, token, 0n),
          from.unlock(operator, token, 0n),
          from.slash(operator, token, 0n, stranger),
          from.slashBond(operator, token, 0n, stranger),
        ])
          await expect(call).to.be.revertedWithCustomError(operators, "OperatorsNotLocker").withArgs(account);
      }
    });
  });

  describe("bonds", () => {
    it("are credited to the named account and paid by the caller", async () => {
      const { operators, token } = await world();
      await token.mint(stranger, 70n);
      await token.connect(stranger).approve(operators, 70n);
      const sent = operators.connect(stranger).bond(operator, token, 70n);
      await expect(sent).to.emit(operators, "Bonded").withArgs(operator, token, stranger, 70n);
      await expect(sent).to.changeTokenBalances(ethers, token, [stranger, operators], [-70n, 70n]);
      expect(await operators.bondOf(operator, token)).to.equal(1070n);
      expect(await operators.bondOf(stranger, token)).to.equal(0n);
      expect(await operators.held(token)).to.equal(1070n);
    });

    it("are refused in a token that takes fees, that shrank, or that calls back, and above uint128", async () => {
      const { operators } = await world();
      const hostile = await ethers.deployContract("HostileToken");
      const bad = hostile as unknown as TestToken;
      await hostile.setFee(100n);
      await expect(bond(operators, bad, operator, 1000n))
        .to.be.revertedWithCustomError(operators, "OperatorsTokenTakesFees")
        .withArgs(hostile, 990n, 1000n);
      await hostile.setFee(0n);
      await bond(operators, bad, operator, 1000n);
      await hostile.mint(operators, 5n); // a gift changes nothing
      await hostile.mint(operator, 1n);
      await hostile.connect(operator).approve(operators, 1n);
      for (const [name, args] of [
        ["bond", [stranger.address, hostile.target, 0n]],
        ["withdraw", [hostile.target]],
        ["withdrawCredit", [hostile.target]],
      ] as const) {
        await hostile.setHook(operators, operators.interface.encodeFunctionData(name as "bond", args as never));
        await expect(operators.connect(operator).bond(operator, hostile, 1n)).to.be.revertedWithCustomError(
          operators,
          "ReentrancyGuardReentrantCall",
        );
      }
      await hostile.setHook(ethers.ZeroAddress, "0x");
      await hostile.shrink(operators, 6n);
      await expect(bond(operators, bad, operator, 1n))
        .to.be.revertedWithCustomError(operators, "OperatorsTokenRebased")
        .withArgs(hostile, 999n, 1000n);
      await expect(operators.bond(operator, hostile, 1n << 128n)).to.be.revertedWithCustomError(
        operators,
        "SafeCastOverflowedUintDowncast",
      );
    });
  });

  describe("withdrawals", () => {
    it("pay what was started, after the thaw and not before, once", async () => {
      const { operators, token } = await world();
      const from = operators.connect(operator);
      const started = await from.startWithdrawal(token, 400n);
      const readyAt = (await started.getBlock())!.timestamp + BOND_THAW;
      await expect(started).to.emit(operators, "WithdrawalStarted").withArgs(operator, token, 400n, readyAt);
      expect(await operators.thawing(operator, token)).to.deep.equal([400n, BigInt(readyAt)]);
      expect(await operators.freeOf(operator, token)).to.equal(600n);
      await time.setNextBlockTimestamp(readyAt - 1);
      await expect(from.withdraw(token))
        .to.be.revertedWithCustomError(operators, "OperatorsStillThawing")
        .withArgs(readyAt);
      await time.setNextBlockTimestamp(readyAt);
      const paid = from.withdraw(token);
      await expect(paid).to.emit(operators, "Withdrawn").withArgs(operator, token, 400n);
      await expect(paid).to.changeTokenBalances(ethers, token, [operators, operator], [-400n, 400n]);
      await expect(from.withdraw(token))
        .to.be.revertedWithCustomError(operators, "OperatorsNothingThawing")
        .withArgs(token);
      expect([await operators.bondOf(operator, token), await operators.held(token)]).to.deep.equal([600n, 600n]);
    });

    it("are replaced by the next, whose clock starts anew, and stopped by 0", async () => {
      const { operators, token } = await world();
      const from = operators.connect(operator);
      await from.startWithdrawal(token, 400n);
      await time.increase(BOND_THAW);
      await from.startWithdrawal(token, 500n);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(operators, "OperatorsStillThawing");
      await from.startWithdrawal(token, 0n);
      await time.increase(BOND_THAW);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(operators, "OperatorsNothingThawing");
    });

    it("never reach what is locked", async () => {
      const { operators, token } = await world();
      await operators.connect(locker).lock(operator, token, 300n);
      await operators.connect(other).lock(operator, token, 200n);
      const from = operators.connect(operator);
      await expect(from.startWithdrawal(token, 501n))
        .to.be.revertedWithCustomError(operators, "OperatorsWithdrawalTooLarge")
        .withArgs(501n, 500n);
      await from.startWithdrawal(token, 500n);
      await time.increase(BOND_THAW);
      await expect(from.withdraw(token)).to.changeTokenBalance(ethers, token, operator, 500n);
      expect(await operators.bondOf(operator, token)).to.equal(500n);
    });
  });

  describe("locks", () => {
    it("take what is neither locked nor thawing, up to the last unit", async () => {
      const { operators, token } = await world();
      await operators.connect(operator).startWithdrawal(token, 100n);
      await operators.connect(other).lock(operator, token, 300n);
      await expect(operators.connect(locker).lock(operator, token, 601n))
        .to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall")
        .withArgs(operator, token, 600n, 601n);
      await expect(operators.connect(locker).lock(operator, token, 600n))
        .to.emit(operators, "Locked")
        .withArgs(operator, token, locker, 600n);
      expect(await operators.lockedOf(operator, token, locker)).to.equal(600n);
      expect(await operators.freeOf(operator, token)).to.equal(0n);
    });

    it("are let go and slashed by who made them, never by another locker", async () => {
      const { operators, token } = await world();
      await operators.connect(locker).lock(operator, token, 300n);
      const from = operators.connect(other);
      await from.lock(operator, token, 200n);
      for (const call of [from.unlock(operator, token, 201n), from.slash(operator, token, 201n, stranger)])
        await expect(call)
          .to.be.revertedWithCustomError(operators, "OperatorsLockedTooSmall")
          .withArgs(operator, token, other, 200n, 201n);
      await expect(from.unlock(operator, token, 50n))
        .to.emit(operators, "Unlocked")
        .withArgs(operator, token, other, 50n);
      await expect(from.slash(operator, token, 150n, stranger))
        .to.emit(operators, "Slashed")
        .withArgs(operator, token, other, stranger, 150n, false);
      expect(await operators.lockedOf(operator, token, locker)).to.equal(300n);
      expect(await operators.lockedOf(operator, token, other)).to.equal(0n);
      expect(await operators.bondOf(operator, token)).to.equal(850n);
      expect(await operators.freeOf(operator, token)).to.equal(550n);
    });

    it("of nothing change nothing", async () => {
      const { operators, token } = await world();
      const from = operators.connect(locker);
      for (const call of [
        from.lock(customer, token, 0n),
        from.unlock(customer, token, 0n),
        from.slash(customer, token, 0n, ethers.ZeroAddress),
        from.slashBond(customer, token, 5n, ethers.ZeroAddress), // he has no bond
      ])
        expect((await (await call).wait())!.logs).to.deep.equal([]);
    });
  });

  describe("slashing", () => {
    it("credits the beneficiary, who is paid once", async () => {
      const { operators, token } = await world();
      await operators.connect(locker).lock(operator, token, 300n);
      await operators.connect(locker).slash(operator, token, 300n, stranger);
      expect(await operators.held(token)).to.equal(1000n);
      expect(await operators.credits(token, stranger)).to.equal(300n);
      const paid = operators.connect(stranger).withdrawCredit(token);
      await expect(paid).to.emit(operators, "CreditWithdrawn").withArgs(stranger, token, 300n);
      await expect(paid).to.changeTokenBalances(ethers, token, [operators, stranger], [-300n, 300n]);
      expect(await operators.held(token)).to.equal(700n);
      await expect(operators.connect(stranger).withdrawCredit(token))
        .to.be.revertedWithCustomError(operators, "OperatorsNoCredit")
        .withArgs(token, stranger);
    });

    it("goes to nobody at the zero address", async () => {
      const { operators, token } = await world();
      const from = operators.connect(locker);
      await from.lock(operator, token, 300n);
      for (const call of [
        from.slash(operator, token, 1n, ethers.ZeroAddress),
        from.slashBond(operator, token, 1n, ethers.ZeroAddress),
      ])
        await expect(call).to.be.revertedWithCustomError(operators, "OperatorsInvalidBeneficiary");
    });

    it("afterwards reaches free money first, then what thaws, and never a lock", async () => {
      const { operators, token } = await world();
      await operators.connect(other).lock(operator, token, 300n);
      await operators.connect(operator).startWithdrawal(token, 500n);
      const from = operators.connect(locker);
      await expect(from.slashBond(operator, token, 150n, stranger))
        .to.emit(operators, "Slashed")
        .withArgs(operator, token, locker, stranger, 150n, true);
      expect((await operators.thawing(operator, token))[0]).to.equal(500n);
      expect(await operators.freeOf(operator, token)).to.equal(50n);
      await from.slashBond(operator, token, 250n, stranger);
      expect((await operators.thawing(operator, token))[0]).to.equal(300n);
      expect(await from.slashBond.staticCall(operator, token, 1000n, stranger)).to.equal(300n);
      await from.slashBond(operator, token, 1000n, stranger);
      expect(await operators.lockedOf(operator, token, other)).to.equal(300n);
      expect(await operators.bondOf(operator, token)).to.equal(300n);
      expect(await operators.credits(token, stranger)).to.equal(700n);
      await time.increase(BOND_THAW);
      await expect(operators.connect(operator).withdraw(token)).to.be.revertedWithCustomError(
        operators,
        "OperatorsNothingThawing",
      );
    });
  });

  it("holds what its bonds and credits add up to, whatever happens", async () => {
    const { operators, token } = await world();
    const { below } = random(11);
    const accounts = [operator, customer, stranger];
    const lockers = [locker, other];
    let succeeded = 0;
    for (let step = 0; step < 150; step++) {
      const account = accounts[below(3)]!;
      const from = operators.connect(lockers[below(2)]!);
      const amount = BigInt(below(400));
      const calls = [
        () => bond(operators, token, account, amount),
        () => operators.connect(account).startWithdrawal(token, amount),
        () => operators.connect(account).withdraw(token),
        () => operators.connect(account).withdrawCredit(token),
        () => from.lock(account, token, amount),
        () => from.unlock(account, token, amount),
        () => from.slash(account, token, amount, accounts[below(3)]!),
        () => from.slashBond(account, token, amount / 4n, accounts[below(3)]!),
        () => time.increase(BOND_THAW / 2),
      ];
      try {
        await calls[below(calls.length)]!();
        succeeded++;
      } catch (error) {
        expect(String(error)).to.include("Operators"); // its own refusals, never an overflow
      }
      let sum = 0n;
      for (const one of accounts) {
        const bonds = await operators.bondOf(one, token);
        const locked = await Promise.all(lockers.map((by) => operators.lockedOf(one, token, by)));
        const [thawing] = await operators.thawing(one, token);
        expect((await operators.freeOf(one, token)) + thawing + locked[0]! + locked[1]!).to.equal(bonds);
        sum += bonds + (await operators.credits(token, one));
      }
      expect([await operators.held(token), await token.balanceOf(operators)]).to.deep.equal([sum, sum]);
    }
    expect(succeeded).to.be.above(75);
  });
});
