import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";
import type { Release } from "../../openlora/adapters.ts";
import { Customer } from "../../openlora/customer.ts";
import { Keeper } from "../../openlora/keeper.ts";
import { type Completion, Meter } from "../../openlora/meter.ts";
import { Releases } from "../../openlora/releases.ts";
import { protocol } from "../../sdk/contracts.ts";
import {
  closeEpoch,
  customer,
  ethers,
  K,
  networkHelpers,
  type Ready,
  ready,
  server,
  TIMING,
} from "../support/world.ts";

const ANSWER: Completion = { promptIds: [1, 2, 3], completionIds: [7, 8] };

describe("a server's epochs", () => {
  let world: Ready;
  let folder: string;
  let meter: Meter;
  let releases: Releases;
  let buyer: Customer;
  let sketched: number;
  const said: string[] = [];
  const keepers: Keeper[] = [];

  const open = () => {
    const journal = join(folder, "calls.jsonl");
    return Meter.open(protocol(world.addresses, server), server, world.modelId, journal);
  };
  const keep = () => {
    const keeper = new Keeper({
      protocol: world,
      rpc: ethers.provider as unknown as JsonRpcApiProvider,
      served: () => [{ modelId: world.modelId, meter, releases }],
      async sketch(_, calls) {
        sketched += calls.length;
        return calls.map(() => new Int8Array(K).fill(3));
      },
      pollSeconds: 0.02,
      say: (line) => said.push(line),
    });
    keepers.push(keeper);
    keeper.start();
  };
  const buy = async (complete: () => Completion | Promise<Completion> = () => ANSWER) => {
    const { voucher, voucherSignature } = await buyer.voucher(3, 2);
    return meter.serve(voucher, voucherSignature, 3, 2, complete);
  };
  const promised = async (cumulative: bigint) => {
    const { voucher } = await buyer.voucher(3, 2);
    buyer.lost({ ...voucher, cumulative: cumulative - 1n });
    const { voucher: next, voucherSignature } = await buyer.voucher(3, 2);
    return [next, voucherSignature] as const;
  };
  const fees = async () => (await world.splitter.epoch(world.modelId, 0n)).fees;
  const eventually = async (test: () => Promise<boolean>) => {
    for (let tries = 0; !(await test()); tries++) {
      expect(tries, said.join("\n")).to.be.below(200);
      await pause(20);
    }
  };
  /** Long enough for several looks. */
  const someLooks = () => pause(200);

  beforeEach(async () => {
    world = await networkHelpers.loadFixture(ready);
    folder = mkdtempSync(join(tmpdir(), "openledger-keeper-"));
    meter = await open();
    releases = await Releases.open(world, world.modelId, async () => ({}) as Release); // no call is decoded here
    buyer = await Customer.open(protocol(world.addresses, customer), customer, world.modelId, server.address);
    sketched = 0;
    said.length = 0;
  });
  afterEach(async () => {
    for (const keeper of keepers.splice(0)) keeper.stop();
    await pause(50);
    rmSync(folder, { recursive: true });
  });

  it("are redeemed before they close where a customer withdraws what he owes, and not for what he does not owe", async () => {
    const { escrow, token } = world;
    await buy();
    keep();
    const deposit = await escrow.deposited(customer, token);
    await escrow.connect(customer).startWithdrawal(token, deposit - 1n);
    await someLooks();
    expect(await fees()).to.equal(0n);
    await escrow.connect(customer).startWithdrawal(token, deposit);
    await eventually(async () => /model 1, epoch 0: redeemed 1 of 0x\w+, who withdraws/.test(said.join()));
    expect(await fees()).to.equal(1n);
    await someLooks();
    expect(await escrow.thawing(customer, token)).to.include(deposit - 1n);
  });

  it("are redeemed and their records signed, once and not before they close, over restarts too", async () => {
    await buy();
    keep();
    await someLooks();
    expect([await fees(), sketched]).to.deep.equal([0n, 0]);
    await closeEpoch(world);
    await eventually(async () => (await fees()) === 1n && !meter.hasUnsigned(0n));
    const nonce = await ethers.provider.getTransactionCount(server);
    meter = await open();
    keep();
    await someLooks();
    expect([await ethers.provider.getTransactionCount(server), await fees(), sketched]).to.deep.equal([nonce, 1n, 1]);
    expect(said.toSorted()).to.deep.equal([
      "model 1, epoch 0: redeemed 1",
      "model 1, epoch 0: signed 1 sketch records",
    ]);
  });

  it("take in a call that was under way when they closed", async () => {
    const slow = Promise.withResolvers<Completion>();
    const started = Promise.withResolvers<void>();
    await buy();
    const late = meter.serve(...(await promised(2n)), 3, 2, () => {
      started.resolve();
      return slow.promise;
    });
    await started.promise;
    await closeEpoch(world);
    keep();
    await eventually(async () => (await fees()) === 1n);
    slow.resolve(ANSWER);
    await late;
    await eventually(async () => (await fees()) === 2n && !meter.hasUnsigned(0n));
  });

  it("are left alone once their redeem window is over, and signed all the same", async () => {
    await buy();
    await closeEpoch(world);
    await networkHelpers.time.increase(TIMING.redeemWindow);
    keep();
    await eventually(async () => !meter.hasUnsigned(0n));
    await someLooks();
    expect(await fees()).to.equal(0n);
    expect(said).to.deep.equal(["model 1, epoch 0: signed 1 sketch records"]);
  });

  it("are tried again when something fails, which is told once", async () => {
    await buy();
    await closeEpoch(world);
    const balance = await ethers.provider.getBalance(server);
    await networkHelpers.setBalance(server.address, 0n);
    keep();
    await eventually(async () => said.some((line) => /epoch 0: .*(funds|balance|gas)/i.test(line)));
    await someLooks();
    expect(said.filter((line) => !/signed/.test(line))).to.have.length(1);
    await networkHelpers.setBalance(server.address, balance);
    await eventually(async () => (await fees()) === 1n);
  });
});
