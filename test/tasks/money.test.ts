import { expect } from "chai";
import { attributionDomain, signChangePayout } from "../../sdk/eip712.ts";
import { CUSTOMER, FIRST_CONTRIBUTOR, idle, known, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import {
  admin,
  closeEpoch,
  contributors,
  customer,
  deployed,
  ethers,
  networkHelpers,
  operator,
  owner,
  pay,
  proposal,
  ready,
  stranger,
  THAW,
  TIMING,
  vector,
} from "../support/world.ts";

const [FIRST, SECOND, THIRD] = contributors as [typeof owner, typeof owner, typeof owner];

describe("Tasks of money", () => {
  useTasks();

  it("deposit by approval and by permit, thaw, and pay once it has thawed", async () => {
    const { token, escrow } = await known(await networkHelpers.loadFixture(deployed));
    await token.mint(customer, 10_000_000n);
    const args = { account: CUSTOMER };
    const plan = await idle("escrow:deposit", { ...args, amount: "2.5", dryRun: true });
    expect(plan.transactions.map(({ contract }: { contract: string }) => contract)).to.deep.equal(["token", "escrow"]);
    expect(plan.transactions[1].reverts).to.match(/ERC20InsufficientAllowance/);
    expect(await run("escrow:deposit", { ...args, amount: "2.5" })).to.include({ available: "2.5" });
    expect(await token.allowance(customer, escrow)).to.equal(0n);
    const forAnother = { ...args, amount: "1", for: owner.address, permit: true };
    expect(await run("escrow:deposit", forAnother)).to.include({ customer: owner.address, available: "1.0" });
    expect(await refused("escrow:deposit", { ...args, amount: "all" })).to.match(/amount: .*AMOUNT_INVALID/);
    const other = await ethers.deployContract("TestToken", ["Euro", "EUR", 18]);
    expect(await refused("escrow:deposit", { ...args, amount: "1", token: other.target })).to.match(/TOKEN_REFUSED/);
    expect(await refused("escrow:deposit", { ...args, amount: "99" })).to.match(/ERC20InsufficientBalance/);

    expect(await refused("escrow:withdraw", args)).to.match(/amount: .*EscrowNothingThawing/);
    expect(await refused("escrow:withdraw", { ...args, amount: "3" })).to.match(/amount: .*EscrowWithdrawalTooLarge/);
    await run("escrow:withdraw", { ...args, amount: "2" });
    await idle("escrow:withdraw", { ...args, amount: "2" });
    const shown = { deposited: "2.5", available: "0.5", thawing: "2.0", accepted: true };
    expect(await run("escrow:status", args)).to.include(shown);
    expect(await refused("escrow:withdraw", args)).to.match(/EscrowStillThawing/);
    await networkHelpers.time.increase(THAW);
    expect(await run("escrow:withdraw", args)).to.include({ amount: "2.0" });
    expect(await token.balanceOf(customer)).to.equal(8_500_000n);
    expect(await run("escrow:status", { for: customer.address })).to.include({ deposited: "0.5", readyAt: null });
  });

  it("list the tokens of payments, and take more of them or fewer", async () => {
    const { token } = await known(await networkHelpers.loadFixture(deployed));
    const other = await ethers.deployContract("TestToken", ["Euro", "EUR", 18]);
    const large = await ethers.deployContract("TestToken", ["Large", "LRG", 19]);
    const both = { tokens: [token.target, other.target] };
    expect(await refused("tokens:allow", { ...both, account: STRANGER })).to.match(/account: .*Unauthorized/);
    await run("tokens:allow", both);
    await idle("tokens:allow", both);
    const symbols = async () => (await run("tokens:list")).tokens.map(({ symbol }: { symbol: string }) => symbol);
    expect(await symbols()).to.deep.equal(["TUSD", "EUR"]);
    await run("tokens:deny", { tokens: [other.target] });
    await idle("tokens:deny", { tokens: [other.target] });
    expect(await symbols()).to.deep.equal(["TUSD"]);
    expect(await refused("tokens:allow", { tokens: [large.target] })).to.match(/tokens: .*TOKEN_DECIMALS/);
    expect(await refused("tokens:allow", { tokens: [stranger.address] })).to.match(/tokens: .*TOKEN_INVALID/);
  });

  it("let a claimer have claims and balances paid where he wants", async () => {
    const world = await known(await networkHelpers.loadFixture(ready));
    await pay(world, 100_000n);
    await closeEpoch(world);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    await world.splitter.connect(operator).propose(...(await proposal(world, 1n, 0n, vector(0n))));
    await networkHelpers.time.increase(TIMING.challengeWindow);
    await run("epoch:settle", { model: 1n, epoch: 0n });

    const redirected = { models: [1n], for: FIRST!.address, to: stranger.address, account: STRANGER };
    expect(await refused("claim", redirected)).to.match(/for: .*SplitterNotClaimer/);
    const claimer = { claimer: stranger.address, account: FIRST_CONTRIBUTOR };
    await run("claimer:set", claimer);
    await idle("claimer:set", claimer);
    expect(await run("claim", redirected)).to.include({ paidTo: stranger.address, account: FIRST!.address });
    expect(await world.token.balanceOf(stranger)).to.equal(15_000n);
    await run("claimer:set", { ...claimer, off: true });
    await idle("claimer:set", { ...claimer, off: true });
    const withdraw = { for: owner.address, to: stranger.address, account: STRANGER };
    expect(await refused("withdraw", withdraw)).to.match(/for: .*SplitterNotClaimer/);
    await run("claimer:set", { claimer: stranger.address, account: 3 });
    await run("withdraw", withdraw);
    expect(await world.token.balanceOf(stranger)).to.equal(30_000n);
  });

  it("change who is paid for an account, by the signature of who is paid now", async () => {
    const { attribution } = await known(await networkHelpers.loadFixture(deployed));
    const change = { payout: SECOND!.address, account: FIRST_CONTRIBUTOR };
    await run("payout:change", change);
    await idle("payout:change", change);
    const shown = { contributor: FIRST!.address };
    expect(await run("payout:show", shown)).to.include({ paid: FIRST!.address, next: SECOND!.address, nonce: "1" });
    await networkHelpers.time.increase(await attribution.PAYOUT_DELAY());
    expect(await run("payout:show", shown)).to.include({ paid: SECOND!.address });
    const third = { payout: THIRD!.address, of: FIRST!.address };
    expect(await refused("payout:change", { ...third, account: FIRST_CONTRIBUTOR })).to.match(
      /account: .*PAYOUT_OTHER/,
    );
    const deadline = 10n ** 12n;
    const value = { account: FIRST!.address, payout: THIRD!.address, nonce: 1n, deadline };
    const domain = attributionDomain(31337n, attribution.target as string);
    const signature = await signChangePayout(SECOND!, domain, value);
    expect(await refused("payout:change", { ...third, signature })).to.match(/deadline: .*DEADLINE_MISSING/);
    const forged = await signChangePayout(admin, domain, value);
    const wrong = { ...third, signature: forged, deadline, account: STRANGER };
    expect(await refused("payout:change", wrong)).to.match(/signature: .*RegistryInvalidSignature/);
    await run("payout:change", { ...wrong, signature });
    expect(await run("payout:show", shown)).to.include({ next: THIRD!.address });
  });

  it("need the signature of a multisig that a plan is for", async () => {
    await known(await networkHelpers.loadFixture(deployed));
    const wallet = ethers.getAddress(`0x${"77".repeat(20)}`);
    const change = { payout: SECOND!.address, from: wallet, dryRun: true };
    expect(await refused("payout:change", change)).to.match(/from: .*SIGNATURE_NEEDED/);
  });
});
