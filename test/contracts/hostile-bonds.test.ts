import { expect } from "chai";
import type { OperatorRegistry } from "../../types/ethers-contracts/index.ts";
import {
  BOND_THAW,
  contributors,
  customer,
  deployed,
  ethers,
  networkHelpers,
  operator,
  type Signer,
  stranger,
} from "../support/world.ts";

const { time } = networkHelpers;
const locker = contributors[0] as Signer;

/** `operator` and `customer` have 1,000 each bonded in a hostile token; 400 of each thawed, 300 of `operator` slashed. */
async function thawed() {
  const { splitter } = await deployed();
  const authority = await splitter.authority();
  const operators = (await ethers.deployContract("OperatorRegistry", [
    BOND_THAW,
    authority,
  ])) as unknown as OperatorRegistry;
  const token = await ethers.deployContract("HostileToken");
  await operators.bindLockers([locker]);
  for (const account of [operator, customer]) {
    await token.mint(account, 1000n);
    await token.connect(account).approve(operators, 1000n);
    await operators.connect(account).bond(account, token, 1000n);
    await operators.connect(account).startWithdrawal(token, 400n);
  }
  await operators.connect(locker).slashBond(operator, token, 300n, stranger);
  await time.increase(BOND_THAW);
  /** What the registry has and owes, and what each account has. */
  const books = async () => ({
    balance: await token.balanceOf(operators),
    held: await operators.held(token),
    bonds: [await operators.bondOf(operator, token), await operators.bondOf(customer, token)],
    credit: await operators.credits(token, stranger),
    paid: await Promise.all([operator, customer, stranger].map((account) => token.balanceOf(account))),
  });
  return { operators, token, books };
}

const world = () => networkHelpers.loadFixture(thawed);
const start = { balance: 2000n, held: 2000n, bonds: [700n, 1000n], credit: 300n, paid: [0n, 0n, 0n] };
const allPaid = { balance: 900n, held: 900n, bonds: [300n, 600n], credit: 0n, paid: [400n, 400n, 300n] };

describe("Bonds in a hostile token", () => {
  it("are paid once when the token calls back into any function that moves money", async () => {
    const { operators, token, books } = await world();
    const calls = [
      operators.interface.encodeFunctionData("bond", [operator.address, token.target as string, 0n]),
      operators.interface.encodeFunctionData("withdraw", [token.target as string]),
      operators.interface.encodeFunctionData("withdrawCredit", [token.target as string]),
    ];
    for (const call of calls) {
      await token.setHook(operators, call);
      for (const payment of [
        operators.connect(operator).withdraw(token),
        operators.connect(stranger).withdrawCredit(token),
      ])
        await expect(payment).to.be.revertedWithCustomError(operators, "ReentrancyGuardReentrantCall");
      expect(await books()).to.deep.equal(start);
    }
  });

  it("stay owed while the token answers false, and are paid when it no longer does", async () => {
    const { operators, token, books } = await world();
    await token.setRefusing(true);
    await token.mint(locker, 1n);
    await token.connect(locker).approve(operators, 1n);
    for (const call of [
      operators.connect(locker).bond(operator, token, 1n),
      operators.connect(operator).withdraw(token),
      operators.connect(stranger).withdrawCredit(token),
    ])
      await expect(call).to.be.revertedWithCustomError(operators, "SafeERC20FailedOperation").withArgs(token);
    expect(await books()).to.deep.equal(start);
    await token.setRefusing(false);
    await operators.connect(operator).withdraw(token);
    await operators.connect(customer).withdraw(token);
    await operators.connect(stranger).withdrawCredit(token);
    expect(await books()).to.deep.equal(allPaid);
  });

  it("of a blocked receiver hold up nobody else's, nor a slash in its favour", async () => {
    const { operators, token, books } = await world();
    for (const account of [operator, stranger]) await token.setBlocked(account, true);
    await expect(operators.connect(operator).withdraw(token)).to.be.revertedWith("HostileToken: blocked");
    await expect(operators.connect(stranger).withdrawCredit(token)).to.be.revertedWith("HostileToken: blocked");
    expect(await books()).to.deep.equal(start);
    await operators.connect(customer).withdraw(token);
    await operators.connect(locker).slashBond(operator, token, 50n, stranger);
    expect(await books()).to.deep.equal({
      balance: 1600n,
      held: 1600n,
      bonds: [650n, 600n],
      credit: 350n,
      paid: [0n, 400n, 0n],
    });
  });
});
