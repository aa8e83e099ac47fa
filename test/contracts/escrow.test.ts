import { expect } from "chai";
import { ethers as ethersLib } from "ethers";
import { escrowDomain, verifyVoucher, voucherDigest } from "../../sdk/eip712.ts";
import {
  admin,
  closeEpoch,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  mint,
  networkHelpers,
  pay,
  type Ready,
  ready,
  register,
  server,
  stranger,
  THAW,
  TIMING,
  voucher,
} from "../support/world.ts";

const world = () => networkHelpers.loadFixture(ready);
const { time } = networkHelpers;

describe("InferenceEscrow", () => {
  describe("deposits", () => {
    it("credits the named customer with what the caller pays", async () => {
      const { escrow, token } = await world();
      await token.mint(stranger, 70n);
      await token.connect(stranger).approve(escrow, 70n);
      const sent = escrow.connect(stranger).deposit(customer, token, 70n);
      await expect(sent).to.emit(escrow, "Deposited").withArgs(customer, token, stranger, 70n);
      await expect(sent).to.changeTokenBalances(ethers, token, [stranger, escrow], [-70n, 70n]);
      expect(await escrow.deposited(customer, token)).to.equal(1_000_070n);
      expect(await escrow.deposited(stranger, token)).to.equal(0n);
    });

    it("refuses a token that takes a fee, on the way in and on the way to the splitter", async () => {
      const all = await world();
      const { escrow, splitter } = all;
      const hostile = await ethers.deployContract("HostileToken");
      const datanetId = await freeze(all, [1]);
      const modelId = await mint(all, datanetId, hostile);
      await register(all, modelId, [1]);
      await splitter.openEpoch(modelId);
      await deposit(all, customer, 10_000n, hostile as never);
      await hostile.setFee(100n);
      await expect(deposit(all, customer, 10_000n, hostile as never))
        .to.be.revertedWithCustomError(escrow, "EscrowTokenTakesFees")
        .withArgs(hostile, 9900n, 10_000n);
      const sent = await voucher({ ...all, modelId }, { token: hostile.target as string });
      await expect(escrow.connect(server).redeem(...sent))
        .to.be.revertedWithCustomError(escrow, "EscrowTokenTakesFees")
        .withArgs(hostile, 990n, 1000n);
      await hostile.setFee(0n);
      await escrow.connect(server).redeem(...sent);
      expect(await hostile.balanceOf(splitter)).to.equal(1000n);
    });

    it("takes listed tokens only, and pays out what was deposited before one was delisted", async () => {
      const all = await world();
      const { escrow, splitter, token } = all;
      const other = await ethers.deployContract("TestToken", ["Other", "O", 18]);
      await expect(escrow.connect(customer).deposit(customer, other, 1n))
        .to.be.revertedWithCustomError(escrow, "EscrowTokenNotAllowed")
        .withArgs(other);
      await splitter.connect(admin).setTokens([token], false);
      await expect(deposit(all, customer, 1n)).to.be.revertedWithCustomError(escrow, "EscrowTokenNotAllowed");
      await pay(all, 1000n);
      await escrow.connect(customer).startWithdrawal(token, 999_000n);
      await time.increase(THAW);
      await expect(escrow.connect(customer).withdraw(token)).to.changeTokenBalance(ethers, token, customer, 999_000n);
      expect(await escrow.held(token)).to.equal(0n);
    });

    it("takes no more of a token whose balances shrink by themselves", async () => {
      const all = await world();
      const { escrow } = all;
      const hostile = await ethers.deployContract("HostileToken");
      await all.splitter.connect(admin).setTokens([hostile], true);
      await deposit(all, customer, 1000n, hostile as never);
      await hostile.mint(escrow, 5n); // a gift changes nothing
      await deposit(all, customer, 10n, hostile as never);
      await hostile.shrink(escrow, 6n);
      await expect(deposit(all, customer, 10n, hostile as never))
        .to.be.revertedWithCustomError(escrow, "EscrowTokenRebased")
        .withArgs(hostile, 1009n, 1010n);
      await escrow.connect(customer).startWithdrawal(hostile, 1009n);
      await time.increase(THAW);
      await escrow.connect(customer).withdraw(hostile);
    });

    it("takes a permit in the place of an approval, even one that someone sent before", async () => {
      const { escrow, token } = await world();
      await token.mint(stranger, 100n);
      const deadline = 10n ** 12n;
      const sign = async (value: bigint) => {
        const signature = await stranger.signTypedData(
          { name: await token.name(), version: "1", chainId: 31337n, verifyingContract: token.target as string },
          {
            Permit: [
              { name: "owner", type: "address" },
              { name: "spender", type: "address" },
              { name: "value", type: "uint256" },
              { name: "nonce", type: "uint256" },
              { name: "deadline", type: "uint256" },
            ],
          },
          { owner: stranger.address, spender: escrow.target, value, nonce: await token.nonces(stranger), deadline },
        );
        return ethersLib.Signature.from(signature);
      };
      const from = escrow.connect(stranger);
      const first = await sign(60n);
      await expect(from.depositWithPermit(customer, token, 60n, deadline, first.v, first.r, first.s))
        .to.emit(escrow, "Deposited")
        .withArgs(customer, token, stranger, 60n);
      const second = await sign(40n);
      await token.permit(stranger, escrow, 40n, deadline, second.v, second.r, second.s);
      await from.depositWithPermit(customer, token, 40n, deadline, second.v, second.r, second.s);
      expect(await escrow.deposited(customer, token)).to.equal(1_000_100n);
      await token.mint(stranger, 1n);
      await expect(
        from.depositWithPermit(customer, token, 1n, deadline, second.v, second.r, second.s),
      ).to.be.revertedWithCustomError(token, "ERC2612InvalidSigner");
    });

    it("refuses a token that calls back in the middle, whatever moves it", async () => {
      const all = await world();
      const { escrow, splitter } = all;
      const hostile = await ethers.deployContract("HostileToken");
      const modelId = await mint(all, await freeze(all, [1]), hostile);
      await register(all, modelId, [1]);
      await splitter.openEpoch(modelId);
      await deposit(all, customer, 1000n, hostile as never);
      await escrow.connect(customer).startWithdrawal(hostile, 100n);
      await time.increase(THAW);
      await hostile.mint(customer, 100n);
      await hostile.connect(customer).approve(escrow, 100n);
      const address = hostile.target as string;
      const sent = await voucher({ ...all, modelId }, { token: address });
      for (const data of [
        escrow.interface.encodeFunctionData("deposit", [stranger.address, address, 0n]),
        escrow.interface.encodeFunctionData("withdraw", [address]),
        escrow.interface.encodeFunctionData("redeem", await voucher(all)),
        escrow.interface.encodeFunctionData("depositWithPermit", [
          stranger.address,
          address,
          0n,
          0n,
          0,
          ethersLib.ZeroHash,
          ethersLib.ZeroHash,
        ]),
      ]) {
        await hostile.setHook(escrow, data);
        for (const call of [
          () => escrow.connect(customer).deposit(customer, hostile, 100n),
          () =>
            escrow
              .connect(customer)
              .depositWithPermit(customer, hostile, 100n, 0n, 0, ethersLib.ZeroHash, ethersLib.ZeroHash),
          () => escrow.connect(customer).withdraw(hostile),
          () => escrow.connect(server).redeem(...sent),
        ])
          await expect(call()).to.be.revertedWithCustomError(escrow, "ReentrancyGuardReentrantCall");
      }
      expect(await hostile.balanceOf(escrow)).to.equal(1000n);
    });
  });

  describe("withdrawals", () => {
    it("pays what was started, after the thaw and not before", async () => {
      const { escrow, token } = await world();
      const from = escrow.connect(customer);
      const started = await from.startWithdrawal(token, 400n);
      const readyAt = (await started.getBlock())!.timestamp + THAW;
      await expect(started).to.emit(escrow, "WithdrawalStarted").withArgs(customer, token, 400n, readyAt);
      expect(await escrow.available(customer, token)).to.equal(999_600n);
      expect(await escrow.thawing(customer, token)).to.deep.equal([400n, BigInt(readyAt)]);

      await time.setNextBlockTimestamp(readyAt - 1);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(escrow, "EscrowStillThawing").withArgs(readyAt);
      await time.setNextBlockTimestamp(readyAt);
      const paid = from.withdraw(token);
      await expect(paid).to.emit(escrow, "Withdrawn").withArgs(customer, token, 400n);
      await expect(paid).to.changeTokenBalances(ethers, token, [escrow, customer], [-400n, 400n]);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(escrow, "EscrowNothingThawing").withArgs(token);
      expect(await escrow.deposited(customer, token)).to.equal(999_600n);
    });

    it("replaces a withdrawal by the next, whose clock starts anew, and stops it by 0", async () => {
      const { escrow, token } = await world();
      const from = escrow.connect(customer);
      await from.startWithdrawal(token, 400n);
      await time.increase(THAW);
      await from.startWithdrawal(token, 500n);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(escrow, "EscrowStillThawing");
      await from.startWithdrawal(token, 0n);
      await time.increase(THAW);
      await expect(from.withdraw(token)).to.be.revertedWithCustomError(escrow, "EscrowNothingThawing");
    });

    it("refuses more than the deposit", async () => {
      const { escrow, token } = await world();
      await expect(escrow.connect(customer).startWithdrawal(token, 1_000_001n))
        .to.be.revertedWithCustomError(escrow, "EscrowWithdrawalTooLarge")
        .withArgs(1_000_001n, 1_000_000n);
      await escrow.connect(customer).startWithdrawal(token, 1_000_000n);
      expect(await escrow.available(customer, token)).to.equal(0n);
    });

    it("lets vouchers be redeemed against thawing money, which then cannot be withdrawn", async () => {
      const all = await world();
      const { escrow, token } = all;
      await escrow.connect(customer).startWithdrawal(token, 1_000_000n);
      await pay(all, 999_900n);
      expect((await escrow.thawing(customer, token))[0]).to.equal(100n);
      expect(await escrow.available(customer, token)).to.equal(0n);
      await time.increase(THAW);
      await expect(escrow.connect(customer).withdraw(token)).to.changeTokenBalance(ethers, token, customer, 100n);
      await escrow.connect(customer).startWithdrawal(token, 0n);
      await expect(escrow.connect(customer).withdraw(token)).to.be.revertedWithCustomError(
        escrow,
        "EscrowNothingThawing",
      );
    });
  });

  describe("vouchers", () => {
    it("pays the difference to the last one", async () => {
      const all = await world();
      const { escrow, splitter, token, modelId } = all;
      await pay(all, 1000n);
      const sent = escrow.connect(server).redeem(...(await voucher(all, { cumulative: 2500n })));
      await expect(sent)
        .to.emit(escrow, "VoucherRedeemed")
        .withArgs(customer, server, modelId, 0n, token, 2500n, 1500n);
      await expect(sent).to.changeTokenBalances(ethers, token, [escrow, splitter], [-1500n, 1500n]);
      expect(await escrow.redeemed(customer, server, modelId, 0n, token)).to.equal(2500n);
      expect(await escrow.deposited(customer, token)).to.equal(997_500n);
    });

    it("is redeemed up to what the server charged, which may be less than was signed", async () => {
      const all = await world();
      const { escrow, token, modelId } = all;
      const [value, signature] = await voucher(all, { cumulative: 1000n });
      await escrow.connect(server).redeem(value, signature, 300n);
      expect(await escrow.redeemed(customer, server, modelId, 0n, token)).to.equal(300n);
      await expect(escrow.connect(server).redeem(value, signature, 1001n))
        .to.be.revertedWithCustomError(escrow, "EscrowOverVoucher")
        .withArgs(1001n, 1000n);
      await escrow.connect(server).redeem(value, signature, 1000n);
      expect(await escrow.deposited(customer, token)).to.equal(999_000n);
    });

    it("is redeemed by its server alone: nobody else can charge the rest of one seen on-chain", async () => {
      const all = await world();
      const { escrow } = all;
      const [value, signature] = await voucher(all, { cumulative: 1000n });
      await escrow.connect(server).redeem(value, signature, 300n);
      for (const account of [stranger, customer])
        await expect(escrow.connect(account).redeem(value, signature, 1000n))
          .to.be.revertedWithCustomError(escrow, "EscrowNotServer")
          .withArgs(account, server);
    });

    it("is signed as the sdk signs", async () => {
      const { escrow, ...rest } = await world();
      const [value, signature] = await voucher({ escrow, ...rest });
      const domain = escrowDomain(31337n, escrow.target as string);
      verifyVoucher(domain, value, signature);
      expect(ethersLib.recoverAddress(voucherDigest(domain, value), signature)).to.equal(customer.address);
      const [, name, version, chainId, address] = await escrow.eip712Domain();
      expect({ name, version, chainId, verifyingContract: address }).to.deep.equal(domain);
    });

    it("takes a contract wallet's signature", async () => {
      const all = await world();
      const { escrow, token } = all;
      const wallet = await ethers.deployContract("TestWallet", [customer.address]);
      await token.mint(stranger, 1000n);
      await token.connect(stranger).approve(escrow, 1000n);
      await escrow.connect(stranger).deposit(wallet, token, 1000n);
      const fields = { customer: wallet.target as string, cumulative: 300n };
      await expect(escrow.connect(server).redeem(...(await voucher(all, fields, stranger))))
        .to.be.revertedWithCustomError(escrow, "EscrowInvalidSignature")
        .withArgs(wallet);
      await escrow.connect(server).redeem(...(await voucher(all, fields)));
      expect(await escrow.deposited(wallet, token)).to.equal(700n);
    });

    it("is refused when replayed, and when a later one was redeemed", async () => {
      const all = await world();
      const { escrow } = all;
      const first = await voucher(all, { cumulative: 1000n });
      await escrow.connect(server).redeem(...first);
      await expect(escrow.connect(server).redeem(...first))
        .to.be.revertedWithCustomError(escrow, "EscrowAlreadyRedeemed")
        .withArgs(1000n, 1000n);
      await expect(escrow.connect(server).redeem(...(await voucher(all, { cumulative: 999n }))))
        .to.be.revertedWithCustomError(escrow, "EscrowAlreadyRedeemed")
        .withArgs(999n, 1000n);
    });

    it("is refused after its deadline, and taken at it", async () => {
      const all = await world();
      const { escrow } = all;
      const deadline = BigInt(await time.latest()) + 100n;
      const sent = await voucher(all, { deadline });
      await time.setNextBlockTimestamp(deadline + 1n);
      await expect(escrow.connect(server).redeem(...sent))
        .to.be.revertedWithCustomError(escrow, "EscrowVoucherExpired")
        .withArgs(deadline);
      const later = await voucher(all, { deadline: deadline + 100n });
      await time.setNextBlockTimestamp(deadline + 100n);
      await escrow.connect(server).redeem(...later);
    });

    it("is refused above the deposit, and taken up to it", async () => {
      const all = await world();
      const { escrow } = all;
      await pay(all, 1n);
      await expect(escrow.connect(server).redeem(...(await voucher(all, { cumulative: 1_000_001n }))))
        .to.be.revertedWithCustomError(escrow, "EscrowDepositTooSmall")
        .withArgs(999_999n, 1_000_000n);
      await pay(all, 1_000_000n);
    });

    it("is refused with any field changed, for another contract, and signed by another", async () => {
      const all = await world();
      const { escrow, token } = all;
      const [value, signature] = await voucher(all);
      const bad = (changed: Partial<typeof value>) =>
        expect(
          escrow.connect(changed.server ? stranger : server).redeem({ ...value, ...changed }, signature, 1000n),
        ).to.be.revertedWithCustomError(escrow, "EscrowInvalidSignature");
      await bad({ server: stranger.address });
      await bad({ modelId: 2n });
      await bad({ epochId: 1n });
      await bad({ token: escrow.target as string });
      await bad({ cumulative: 1001n });
      await bad({ deadline: value.deadline + 1n });
      await bad({ customer: stranger.address });
      await expect(escrow.connect(server).redeem(...(await voucher(all, {}, stranger))))
        .to.be.revertedWithCustomError(escrow, "EscrowInvalidSignature")
        .withArgs(customer);
      const elsewhere = await voucher({ ...all, escrow: token as never } as Ready);
      await expect(escrow.connect(server).redeem(...elsewhere)).to.be.revertedWithCustomError(
        escrow,
        "EscrowInvalidSignature",
      );
      await expect(escrow.connect(server).redeem(value, "0x", 1000n)).to.be.revertedWithCustomError(
        escrow,
        "EscrowInvalidSignature",
      );
    });

    it("counts by itself for another server and another epoch", async () => {
      const all = await world();
      const { escrow, token, modelId } = all;
      await pay(all, 1000n);
      await escrow.connect(stranger).redeem(...(await voucher(all, { server: stranger.address, cumulative: 400n })));
      await closeEpoch(all);
      await pay(all, 300n, 1n);
      expect(await escrow.redeemed(customer, server, modelId, 0n, token)).to.equal(1000n);
      expect(await escrow.redeemed(customer, stranger, modelId, 0n, token)).to.equal(400n);
      expect(await escrow.redeemed(customer, server, modelId, 1n, token)).to.equal(300n);
      expect(await escrow.deposited(customer, token)).to.equal(998_300n);
    });

    it("is refused for a token, a model or an epoch that the splitter does not take it for", async () => {
      const all = await world();
      const { escrow, splitter, token, modelId } = all;
      const other = await ethers.deployContract("TestToken", ["Other", "O", 18]);
      await all.splitter.connect(admin).setTokens([other], true);
      await deposit(all, customer, 5000n, other as never);
      await expect(escrow.connect(server).redeem(...(await voucher(all, { token: other.target as string }))))
        .to.be.revertedWithCustomError(splitter, "SplitterWrongToken")
        .withArgs(other, token);
      await expect(escrow.connect(server).redeem(...(await voucher(all, { modelId: 9n }))))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownEpoch")
        .withArgs(9n, 0n);
      await expect(escrow.connect(server).redeem(...(await voucher(all, { epochId: 1n }))))
        .to.be.revertedWithCustomError(splitter, "SplitterUnknownEpoch")
        .withArgs(modelId, 1n);
    });

    it("is taken until the redeem window of its epoch ends", async () => {
      const all = await world();
      const { escrow, splitter, modelId } = all;
      await closeEpoch(all);
      const { closedAt } = await splitter.epoch(modelId, 0n);
      const [first, second] = [await voucher(all), await voucher(all, { cumulative: 2000n })];
      await time.setNextBlockTimestamp(Number(closedAt) + TIMING.redeemWindow - 1);
      await escrow.connect(server).redeem(...first);
      await expect(escrow.connect(server).redeem(...second))
        .to.be.revertedWithCustomError(splitter, "SplitterRedeemingClosed")
        .withArgs(modelId, 0n);
      await expect(splitter.connect(stranger).credit(modelId, 1n, server, stranger, 1n))
        .to.be.revertedWithCustomError(splitter, "SplitterNotEscrow")
        .withArgs(stranger);
    });
  });

  it("knows its splitter and thaw period from its creation", async () => {
    const { escrow, splitter } = await networkHelpers.loadFixture(deployed);
    expect(await escrow.splitter()).to.equal(splitter.target);
    expect(await splitter.escrow()).to.equal(escrow.target);
    expect(await escrow.thawPeriod()).to.equal(THAW);
  });
});
