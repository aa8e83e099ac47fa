import { expect } from "chai";
import { idle, known, OPERATOR, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { admin, BOND_THAW, deployed, ethers, networkHelpers, operator, stranger } from "../support/world.ts";

describe("Tasks of bonds", () => {
  useTasks();

  /** The deployment's own registry of bonds may be bound: this one is not. */
  async function unbound() {
    const world = await networkHelpers.loadFixture(deployed);
    const manager = await world.splitter.authority();
    const operators = await ethers.deployContract("OperatorRegistry", [BOND_THAW, manager]);
    await known({ ...world, addresses: { ...world.addresses, operators: operators.target as string } });
    return { token: world.token, operators };
  }

  it("bond, show what is locked, thaw, and pay bond and credit", async () => {
    const { token, operators } = await unbound();
    await token.mint(operator, 10_000_000n);
    const args = { account: OPERATOR };
    expect(await run("operator:status", args)).to.include({ bonded: "0.0" });
    await operators.connect(admin).bindLockers([admin.address]);
    const plan = await idle("operator:bond", { ...args, amount: "1", dryRun: true });
    expect(plan.transactions[1].function).to.equal("bond(address,address,uint256)");
    expect(await run("operator:bond", { ...args, amount: "5" })).to.include({ free: "5.0" });
    await operators.connect(admin).lock(operator, token, 1_000_000n);
    expect(await refused("operator:unbond", { ...args, amount: "4.5" })).to.match(/OperatorsWithdrawalTooLarge/);
    await run("operator:unbond", { ...args, amount: "3" });
    await idle("operator:unbond", { ...args, amount: "3" });
    const shown = await run("operator:status", { for: operator.address });
    expect(shown).to.include({ bonded: "5.0", free: "1.0", locked: "1.0", thawing: "3.0" });
    expect(shown.lockers).to.deep.equal([{ locker: admin.address, locked: "1.0" }]);
    expect(await refused("operator:withdraw", args)).to.match(/OperatorsStillThawing/);
    await networkHelpers.time.increase(BOND_THAW);
    expect(await run("operator:withdraw", args)).to.include({ amount: "3.0" });
    await operators.connect(admin).slash(operator, token, 400_000n, stranger);
    expect(await refused("operator:withdraw", { ...args, credit: true })).to.match(/OperatorsNoCredit/);
    expect(await run("operator:withdraw", { account: STRANGER, credit: true })).to.include({ amount: "0.4" });
    expect(await token.balanceOf(stranger)).to.equal(400_000n);
    expect(await token.balanceOf(operator)).to.equal(8_000_000n);
  });

  it("say why no bond is taken before somebody may lock it", async () => {
    const { token } = await unbound();
    await token.mint(operator, 1_000_000n);
    expect(await refused("operator:bond", { account: OPERATOR, amount: "1" })).to.match(/LOCKERS_UNBOUND/);
    expect((await run("operator:status", { account: OPERATOR })).message).to.match(/No bonds are taken yet/);
  });
});
