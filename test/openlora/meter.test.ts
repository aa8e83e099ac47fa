import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { AbstractSigner } from "ethers";
import { Customer } from "../../openlora/customer.ts";
import { type Completion, Meter, type VoucherTooSmall } from "../../openlora/meter.ts";
import { protocol } from "../../sdk/contracts.ts";
import {
  commitmentSalts,
  escrowDomain,
  receiptId,
  requestCommitment,
  signVoucher,
  splitterDomain,
  type Voucher,
} from "../../sdk/eip712.ts";
import { callFee } from "../../sdk/fees.ts";
import { verifyAttributed } from "../../sdk/receipts.ts";
import {
  closeEpoch,
  customer,
  deposit,
  ethers,
  K,
  networkHelpers,
  type Ready,
  ready,
  server,
  stranger,
} from "../support/world.ts";

const PRICES = { inputPrice: 10n, outputPrice: 20n };
const ANSWER: Completion = { promptIds: [1, 2, 3], completionIds: [7, 8] };

/** The error a promise ends with, or undefined. */
const failure = async (work: Promise<unknown>): Promise<(Error & { code?: string }) | undefined> =>
  work.then(
    () => undefined,
    (error) => error,
  );

describe("paid calls", () => {
  let world: Ready;
  let folder: string;
  let journal: string;
  let meter: Meter;
  let buyer: Customer;
  let computed: number;
  const complete = () => {
    computed++;
    return ANSWER;
  };
  const open = () => Meter.open(protocol(world.addresses, server), server, world.modelId, journal);
  const buy = async (answer = ANSWER) => {
    const { voucher, voucherSignature } = await buyer.voucher(3, 2);
    const served = await meter.serve(voucher, voucherSignature, 3, 2, () => answer);
    buyer.accept(served, PRICES);
    return served;
  };
  const signed = async (fields: Partial<Voucher>, signer = customer) => {
    const { voucher } = await buyer.voucher(3, 2);
    const changed = { ...voucher, ...fields };
    return [changed, await signVoucher(signer, escrowDomain(31337n, world.addresses.escrow), changed)] as const;
  };

  beforeEach(async () => {
    world = await networkHelpers.loadFixture(ready);
    folder = mkdtempSync(join(tmpdir(), "openledger-meter-"));
    journal = join(folder, "calls.jsonl");
    meter = await open();
    buyer = await Customer.open(protocol(world.addresses, customer), customer, world.modelId, server.address);
    computed = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are charged by tokens, rounded up, and their receipts add up to what is redeemed", async () => {
    const fees = [(await buy()).receipt.fee, (await buy()).receipt.fee, (await buy()).receipt.fee];
    expect(fees).to.deep.equal(Array(3).fill(callFee(PRICES, 3, 2)));
    expect(callFee(PRICES, 3, 2)).to.equal(1n);
    expect(await meter.redeem(0n)).to.equal(3n);
    expect((await world.splitter.epoch(world.modelId, 0n)).fees).to.equal(3n);
    expect(await meter.redeem(0n)).to.equal(0n);
  });

  it("commit to prompt and answer under different salts", async () => {
    const { receipt, secret } = await buy();
    const salts = commitmentSalts(secret);
    expect(receipt.request).to.equal(requestCommitment(salts.request, ANSWER.promptIds));
    expect(new Set(Object.values(salts)).size).to.equal(3);
  });

  const refusals: [string, Partial<Voucher>, RegExp][] = [
    ["for another server", { server: stranger.address }, /VOUCHER_SERVER/],
    ["for another model", { modelId: 99n }, /Sign one for model 1.*VOUCHER_MODEL/],
    ["in another token", { token: stranger.address }, /VOUCHER_TOKEN/],
    ["for another epoch", { epochId: 1n }, /Sign one for the current epoch, 0.*VOUCHER_EPOCH/],
    ["that ends before it could be redeemed", { deadline: 1n }, /VOUCHER_DEADLINE/],
    [
      "that promises too little",
      { cumulative: 0n },
      /promises 0 in all; with this call up to 1 is due.*VOUCHER_AMOUNT/,
    ],
  ];
  for (const [what, fields, error] of refusals)
    it(`refuse a voucher ${what} before anything is computed`, async () => {
      expect((await failure(meter.serve(...(await signed(fields)), 3, 2, complete)))?.message).to.match(error);
      expect(computed).to.equal(0);
    });

  it("refuse a voucher that somebody else signed", async () => {
    const error = await failure(meter.serve(...(await signed({}, stranger)), 3, 2, complete));
    expect(error?.code).to.equal("SIGNATURE_WRONG_SIGNER");
    expect(computed).to.equal(0);
  });

  it("refuse a replayed voucher: what it promised is spent", async () => {
    const voucher = await signed({});
    await meter.serve(...voucher, 3, 2, complete);
    expect((await failure(meter.serve(...voucher, 3, 2, complete)))?.code).to.equal("VOUCHER_AMOUNT");
    expect(computed).to.equal(1);
  });

  it("refuse a voucher over the deposit, saying how much to add, and serve once it is there", async () => {
    const poor = ethers.Wallet.createRandom(ethers.provider);
    await networkHelpers.setBalance(poor.address, 10n ** 18n);
    const voucher = await signed({ customer: poor.address }, poor as never);
    expect((await failure(meter.serve(...voucher, 3, 2, complete)))?.message).to.match(
      /Deposit 1 more.*VOUCHER_DEPOSIT/,
    );
    expect(computed).to.equal(0);
    await deposit(world, poor as never, 1n);
    await meter.serve(...voucher, 3, 2, complete);
    expect(computed).to.equal(1);
  });

  it("do not count one deposit twice when two calls run at once", async () => {
    const poor = ethers.Wallet.createRandom(ethers.provider);
    await networkHelpers.setBalance(poor.address, 10n ** 18n);
    await deposit(world, poor as never, 1n);
    const voucher = await signed({ customer: poor.address, cumulative: 2n }, poor as never);
    const slow = async () => {
      await new Promise((done) => setTimeout(done, 200));
      return complete();
    };
    const outcomes = await Promise.all([1, 2].map(() => failure(meter.serve(...voucher, 3, 2, slow))));
    expect(outcomes.map((error) => error?.code).sort()).to.deep.equal(["VOUCHER_DEPOSIT", undefined]);
    expect(computed).to.equal(1);
  });

  it("never share a receipt's nonce, though they end at once or after a restart", async () => {
    const promises = [];
    for (let n = 1n; n <= 8n; n++) promises.push(await signed({ cumulative: n }));
    const all = Promise.withResolvers<Completion>();
    const served = promises.map((promise) => meter.serve(...promise, 3, 2, () => all.promise));
    all.resolve(ANSWER);
    const nonces = (await Promise.all(served)).map(({ receipt }) => receipt.nonce);
    meter = await open();
    nonces.push((await meter.serve(...(await signed({ cumulative: 9n })), 3, 2, complete)).receipt.nonce);
    expect(nonces.toSorted()).to.deep.equal([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
  });

  it("free the reserved money when computing fails", async () => {
    const broken = await failure(
      meter.serve(...(await signed({})), 3, 2, () => Promise.reject(new Error("no memory"))),
    );
    expect(broken?.message).to.equal("no memory");
    await buy();
  });

  it("are redeemed in full though calls served at once end in another order", async () => {
    const first = await signed({});
    const second = await signed({ cumulative: first[0].cumulative * 2n });
    const slow = Promise.withResolvers<Completion>();
    const started = Promise.withResolvers<void>();
    const early = meter.serve(...first, 3, 2, () => {
      started.resolve();
      return slow.promise;
    });
    await started.promise;
    await meter.serve(...second, 3, 2, complete);
    slow.resolve(ANSWER);
    await early;
    expect(await meter.redeem(0n)).to.equal(second[0].cumulative);
  });

  it("count at the most they can cost when the receipt never came, so that the next call is served", async () => {
    const { voucher, voucherSignature } = await buyer.voucher(3, 2);
    await meter.serve(voucher, voucherSignature, 3, 2, complete);
    buyer.lost(voucher);
    await buy();
  });

  describe("of a customer with a ledger, after a restart", () => {
    let kept: Map<string, string>;
    const again = (account = customer) =>
      Customer.open(protocol(world.addresses, account), account, world.modelId, server.address, {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => kept.set(key, value),
      });
    beforeEach(async () => {
      kept = new Map();
      buyer = await again();
    });

    it("promise what was spent before and not a unit more", async () => {
      await buy();
      await buy();
      buyer = await again();
      expect(buyer.due(0n)).to.equal(2n);
      expect((await buyer.voucher(3, 2)).voucher.cumulative).to.equal(3n);
      buyer = await again();
      await buy();
      expect(await meter.redeem(0n)).to.equal(3n);
    });

    it("count a call at the most it can cost when it was cut off after signing", async () => {
      const { voucher, voucherSignature } = await buyer.voucher(3000, 2000);
      await meter.serve(voucher, voucherSignature, 3000, 2000, complete);
      buyer = await again();
      expect(buyer.due(0n)).to.equal(voucher.cumulative);
      await buy();
      expect(buyer.due(0n)).to.equal(voucher.cumulative + 1n);
    });

    it("do not count a call that the server refused", async () => {
      await buy();
      const { voucher } = await buyer.voucher(3000, 2000);
      buyer.refused(voucher);
      expect((await again()).due(0n)).to.equal(1n);
    });

    it("count each account and epoch apart", async () => {
      await buy();
      await closeEpoch(world);
      expect((await (await again()).voucher(3, 2)).voucher).to.include({ epochId: 1n, cumulative: 1n });
      expect((await again(stranger)).due(0n)).to.equal(0n);
    });
  });

  describe("of a contract wallet", () => {
    let wallet: string;
    const owed = () => world.escrow.redeemed(wallet, server.address, world.modelId, 0n, world.token);
    const opened = (credit: bigint) =>
      Meter.open(protocol(world.addresses, server), server, world.modelId, journal, credit);

    /** Its owner signs; so the buyer is the wallet. */
    class OwnerOfWallet extends AbstractSigner {
      override connect = () => this;
      override getAddress = async () => wallet;
      override signTypedData = customer.signTypedData.bind(customer);
      override signTransaction = async (): Promise<string> => Promise.reject(new Error("a wallet sends nothing"));
      override signMessage = this.signTransaction;
    }

    beforeEach(async () => {
      wallet = (await (await ethers.deployContract("TestWallet", [customer.address])).getAddress()) as string;
      await world.token.mint(customer, 1000n);
      await world.token.connect(customer).approve(world.escrow, 1000n);
      await world.escrow.connect(customer).deposit(wallet, world.token, 1000n);
      const signer = new OwnerOfWallet(ethers.provider as never);
      buyer = await Customer.open(protocol(world.addresses, customer), signer, world.modelId, server.address);
    });

    it("are served by the wallet's word, and redeemed before it owes more than the server waits for", async () => {
      meter = await opened(2n);
      for (const redeemed of [0n, 0n, 2n, 2n, 4n]) {
        await buy();
        expect(await owed()).to.equal(redeemed);
      }
      expect(await meter.redeem(0n)).to.equal(1n);
      expect(await owed()).to.equal(5n);
      await meter.redeem(0n);
      expect((await world.splitter.epoch(world.modelId, 0n)).fees).to.equal(5n);
    });

    it("are refused beyond that, without credit, or when the wallet does not take the signature", async () => {
      meter = await opened(0n);
      expect((await failure(buy()))?.message).to.match(/is a contract wallet.*VOUCHER_WALLET/);
      meter = await opened(1n);
      const [one, other] = await Promise.all([buyer.voucher(3, 2), buyer.voucher(3, 2)]);
      const both = { ...other.voucher, cumulative: 2n };
      const signature = await signVoucher(customer, escrowDomain(31337n, world.addresses.escrow), both);
      const held = Promise.withResolvers<Completion>();
      const first = meter.serve(one.voucher, one.voucherSignature, 3, 2, () => held.promise);
      await new Promise((done) => setTimeout(done, 100));
      expect((await failure(meter.serve(both, signature, 3, 2, complete)))?.message).to.match(/VOUCHER_WALLET/);
      held.resolve(ANSWER);
      buyer.accept(await first, PRICES);
      const strange = await signVoucher(stranger, escrowDomain(31337n, world.addresses.escrow), both);
      expect((await failure(meter.serve(both, strange, 3, 2, complete)))?.message).to.match(
        /does not take this signature.*SIGNATURE_WRONG_SIGNER/,
      );
      expect((await failure(meter.serve(both, "no", 3, 2, complete)))?.message).to.match(/SIGNATURE_INVALID/);
      // It takes its word back: what it owed is lost, and nothing more is served.
      await ethers.provider.send("hardhat_setCode", [wallet, "0xfe"]);
      expect((await failure(meter.serve(both, signature, 3, 2, complete)))?.message).to.match(/SIGNATURE_WRONG_SIGNER/);
      expect(await owed()).to.equal(0n);
      expect(computed).to.equal(0);
    });
  });

  it("tell who signed elsewhere what he promised there, and he goes on from that, if he did", async () => {
    await buy();
    const again = await Customer.open(protocol(world.addresses, customer), customer, world.modelId, server.address);
    const { voucher, voucherSignature } = await again.voucher(3, 2);
    const refusal = (await failure(meter.serve(voucher, voucherSignature, 3, 2, complete))) as VoucherTooSmall;
    const { voucher: last, signature } = refusal.last!;
    expect(last.cumulative).to.equal(1n);
    again.refused(voucher);
    const forged = { ...last, cumulative: 50n };
    expect(await again.promised(forged, signature), "not signed").to.equal(false);
    expect(await again.promised({ ...last, modelId: 9n }, signature), "another model's").to.equal(false);
    expect(again.due(0n)).to.equal(0n);
    expect(await again.promised(last, signature)).to.equal(true);
    expect(await again.promised(last, signature), "nothing new").to.equal(false);
    const next = await again.voucher(3, 2);
    expect(next.voucher.cumulative).to.equal(2n);
    await meter.serve(next.voucher, next.voucherSignature, 3, 2, complete);
    // After a restart the server knows it, too.
    meter = await open();
    const third = (await failure(meter.serve(voucher, voucherSignature, 3, 2, complete))) as VoucherTooSmall;
    expect(third.last!.voucher.cumulative).to.equal(2n);
  });

  it("survive a restart: what was charged, and which records were signed, is known again", async () => {
    const { receipt } = await buy();
    const sketch = async (calls: Completion[]) => calls.map(() => new Int8Array(K).fill(3));
    const before = await meter.records(0n, sketch);
    appendFileSync(journal, '{"call":{"receipt":'); // what a crash in the middle of a write leaves
    meter = await open();
    expect(meter.charged(receipt)).to.equal(receipt.fee);
    const never = async (calls: Completion[]) => {
      expect(calls).to.deep.equal([]);
      return [];
    };
    expect(await meter.records(0n, never)).to.deep.equal(before);
    await buy();
    expect((await open()).charged(receipt)).to.equal(2n * receipt.fee);
  });

  it("refuse a damaged journal, naming the line", async () => {
    await buy();
    await buy();
    const [first, second] = readFileSync(journal, "utf8").split("\n");
    writeFileSync(journal, `${first!.slice(5)}\n${second}\n`);
    expect((await failure(open()))?.message).to.match(/Line 1 of .*JOURNAL_CORRUPT/);
  });

  it("give the operator signed records that open to the sketch and not to the text", async () => {
    const { receipt, secret } = await buy();
    const [attributed] = await meter.records(0n, async () => [Int8Array.from({ length: K }, (_, j) => j - 64)]);
    const domain = splitterDomain(31337n, world.addresses.splitter);
    expect(verifyAttributed(domain, attributed!).receiptId).to.equal(receiptId(domain, receipt));
    expect(JSON.stringify(attributed, (_, v) => (typeof v === "bigint" ? `${v}` : v))).to.not.include(secret.slice(2));
    const other = { ...attributed!, sketch: new Int8Array(K) };
    expect(() => verifyAttributed(domain, other)).to.throw(/SIGNATURE_WRONG_SIGNER/);
  });

  it("belong to their epoch: after it closes, vouchers must name the next", async () => {
    const { voucher, voucherSignature } = await buyer.voucher(3, 2);
    await closeEpoch(world);
    expect((await failure(meter.serve(voucher, voucherSignature, 3, 2, complete)))?.code).to.equal("VOUCHER_EPOCH");
    expect((await buy()).receipt.epochId).to.equal(1n);
  });

  it("let the customer notice a receipt for another answer or a higher fee", async () => {
    const { voucher, voucherSignature } = await buyer.voucher(3, 2);
    const served = await meter.serve(voucher, voucherSignature, 3, 2, () => ANSWER);
    expect(() => buyer.accept({ ...served, completionIds: [7, 9] }, PRICES)).to.throw(/response is .*RECEIPT_MISMATCH/);
    expect(() => buyer.accept(served, { ...PRICES, outputPrice: 1n, inputPrice: 0n })).to.not.throw();
    expect(() => buyer.accept(served, { inputPrice: 0n, outputPrice: 0n })).to.throw(/fee is 1, this answer's is 0/);
    const forged = { ...served, receipt: { ...served.receipt, fee: 0n } };
    expect(() => buyer.accept(forged, PRICES)).to.throw(/SIGNATURE_WRONG_SIGNER/);
  });
});
