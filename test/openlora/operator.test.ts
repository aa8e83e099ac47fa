import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Customer } from "../../openlora/customer.ts";
import { Meter } from "../../openlora/meter.ts";
import { proposeEpoch } from "../../prover/operator.ts";
import { weighReceipts } from "../../prover/receipts.ts";
import { protocol } from "../../sdk/contracts.ts";
import { quantise } from "../../sdk/epoch.ts";
import { proposalOf } from "../../sdk/history.ts";
import type { AttributedReceipt } from "../../sdk/receipts.ts";
import {
  closeEpoch,
  customer,
  K,
  networkHelpers,
  operator,
  type Ready,
  ready,
  server,
  TIMING,
  voucher,
} from "../support/world.ts";

const failure = (work: Promise<unknown>): Promise<(Error & { code?: string }) | undefined> =>
  work.then(
    () => undefined,
    (error) => error,
  );

describe("operating an epoch", () => {
  let world: Ready;
  let folder: string;
  let meter: Meter;
  let received: AttributedReceipt[];
  const asOperator = () => protocol(world.addresses, operator);
  const weigh = (of = received, epochId = 0n) =>
    weighReceipts(asOperator(), world.modelId, epochId, of, (_, fee18) => fee18 / 1000n);

  beforeEach(async () => {
    world = await networkHelpers.loadFixture(ready);
    folder = mkdtempSync(join(tmpdir(), "openledger-operator-"));
    meter = await Meter.open(protocol(world.addresses, server), server, world.modelId, join(folder, "calls.jsonl"));
    const buyer = await Customer.open(protocol(world.addresses, customer), customer, world.modelId, server.address);
    for (const length of [100, 200]) {
      const promise = await buyer.voucher(length, 10);
      const answer = { promptIds: Array<number>(length).fill(1), completionIds: [2, 3] };
      buyer.accept(await meter.serve(promise.voucher, promise.voucherSignature, length, 10, () => answer), {
        inputPrice: 10n,
        outputPrice: 20n,
      });
    }
    received = await meter.records(0n, async (calls) => calls.map((_, t) => new Int8Array(K).fill(t === 0 ? 5 : -3)));
    await closeEpoch(world);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("proposes the weighted sum of the records' sketches, of which the contract derives the same Q", async () => {
    await meter.redeem(0n);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    const { receipts, unpaid } = await weigh();
    expect(unpaid).to.equal(0);
    await proposeEpoch(asOperator(), world.modelId, 0n, receipts, K);
    const { v, q } = await proposalOf(world.splitter, world.modelId, 0n);
    const [first, second] = receipts.map(({ weight }) => weight);
    expect(v).to.deep.equal(Array<bigint>(K).fill(5n * first! - 3n * second!));
    expect(q).to.deep.equal(quantise(v).q);
  });

  /** Redeems so much of what was charged. */
  const redeem = async (charged: bigint) =>
    world.escrow.connect(server).redeem(...(await voucher(world, { cumulative: charged })));

  it("leaves out the calls that ended after the last redemption, and proposes the rest", async () => {
    const first = received.find(({ receipt }) => receipt.nonce === 0n)!;
    await redeem(first.receipt.fee);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    const { receipts, unpaid } = await weigh(received.toReversed());
    expect(receipts.map(({ sketch }) => sketch)).to.deep.equal([first.sketch]);
    expect(unpaid).to.equal(1);
    await proposeEpoch(asOperator(), world.modelId, 0n, receipts, K);
    expect((await world.splitter.epoch(world.modelId, 0n)).count).to.equal(1n);
  });

  it("refuses receipts of a payer that are not what the escrow redeemed, and says what to do", async () => {
    const [first, second] = received.map(({ receipt }) => receipt.fee) as [bigint, bigint];
    await redeem(first + 1n);
    const between = await failure(weigh());
    expect(between?.message).to.match(/from server .* add up to 2, the escrow redeemed 3.*EPOCH_FEES_DIFFER/);
    await redeem(first + second);
    const missing = await failure(weigh(received.slice(1)));
    expect(missing?.message).to.match(/add up to 3, the escrow redeemed 5.*Ask the server.*EPOCH_FEES_DIFFER/);
  });

  it("refuses to propose while a payer is missing, and says what to do", async () => {
    await meter.redeem(0n);
    const error = await failure(proposeEpoch(asOperator(), world.modelId, 0n, [], K));
    expect(error?.message).to.match(/receipts add up to 0, the escrow redeemed 5.*EPOCH_FEES_DIFFER/);
  });

  it("refuses to propose with too small a bond, and names what is missing and how to bond it", async () => {
    await meter.redeem(0n);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    const { operators, token } = world;
    const free = await operators.freeOf(operator, token);
    await operators.connect(operator).startWithdrawal(token, free);
    const { receipts } = await weigh();
    const error = await failure(proposeEpoch(asOperator(), world.modelId, 0n, receipts, K));
    expect(error?.message).to.match(
      /has 0.0 of token .*lock 0.000001 now. Bond 0.000001 .*operator:bond.*OPERATOR_BOND/,
    );
    await operators.connect(operator).startWithdrawal(token, free - 1n);
    await proposeEpoch(asOperator(), world.modelId, 0n, receipts, K);
  });

  it("refuses receipts of another epoch", async () => {
    expect((await failure(weigh(received, 1n)))?.message).to.match(/is for model 1, epoch 0.*EPOCH_WRONG_RECEIPT/);
  });

  it("refuses a receipt, a record or a sketch that the server did not sign", async () => {
    const [one] = received as [AttributedReceipt];
    for (const change of [
      { receipt: { ...one.receipt, fee: 99n } },
      { recordSignature: one.receiptSignature },
      { sketch: new Int8Array(K) },
      { sketchSalt: `0x${"00".repeat(32)}` },
    ])
      expect((await failure(weigh([{ ...one, ...change }])))?.code).to.equal("SIGNATURE_WRONG_SIGNER");
  });

  it("refuses a receipt that stands twice", async () => {
    await meter.redeem(0n);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    const error = await failure(weigh([...received, received[0]!]));
    expect(error?.code).to.equal("EPOCH_DUPLICATE_RECEIPT");
  });
});
