import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect } from "chai";
import { JsonRpcProvider, Network, parseUnits, Wallet } from "ethers";
import hre from "hardhat";
import { type Database, openDatabase } from "../../prover/daemon/database.ts";
import { type Intent, Sender } from "../../prover/daemon/sender.ts";
import { eventually } from "../support/program.ts";
import { privateKey } from "./world.ts";

const gwei = (amount: number) => parseUnits(String(amount), "gwei");

describe("the operator's transactions", () => {
  let rpc: JsonRpcProvider;
  let database: Database;
  let folder: string;
  let closeNode: () => Promise<void>;
  const said: string[] = [];

  const open = (account: number, maxFeePerGas = gwei(1000), bumpSeconds = 0.2) =>
    Sender.open(privateKey(account), rpc, database, {
      chainId: 31337n,
      confirmations: 1,
      bumpSeconds,
      maxFeePerGas,
      say: (line) => said.push(line),
    });

  before(async () => {
    const node = await hre.network.createServer({ network: "default", override: { chainId: 31337 } }, "127.0.0.1", 0);
    const { address, port } = await node.listen();
    closeNode = () => node.close();
    rpc = new JsonRpcProvider(`http://${address}:${port}`, 31337, {
      staticNetwork: Network.from(31337),
      cacheTimeout: -1,
    });
    folder = mkdtempSync(`${tmpdir()}/openledger-sender-`);
    database = await openDatabase(folder);
  });
  beforeEach(async () => {
    said.length = 0;
    await rpc.send("evm_setAutomine", [false]);
  });
  after(async () => {
    await database.close();
    rpc.destroy();
    await closeNode();
    rmSync(folder, { recursive: true });
  });

  const mine = () => rpc.send("evm_mine", []);
  /** Blocks cost as much from now on, so that what bids less waits. */
  const raise = async (price: bigint) => rpc.send("hardhat_setNextBlockBaseFeePerGas", [`0x${price.toString(16)}`]);
  const intents = (address: string) =>
    database.query<Intent & { finished: boolean }>(
      "select nonce, hash, finished from openledger_intents where account = $1",
      [address],
    );
  const to = "0x000000000000000000000000000000000000bEEF";

  it("take the place of one that waits at the old price, under its nonce, and one of them is mined", async () => {
    const sender = await open(7);
    const nonce = await rpc.getTransactionCount(sender.address);
    const before = await rpc.getBalance(to);
    const sent = sender.sendTransaction({ to, value: 5n });
    await eventually(async () => (await intents(sender.address)).length > 0, "written down");
    await raise(gwei(400));
    await mine(); // holds nothing: it bids less
    await eventually(async () => said.length > 0, "replaced");
    await eventually(async () => {
      await mine();
      return (await rpc.getTransactionCount(sender.address)) > nonce;
    }, "mined");
    const mined = await sent;
    expect([mined.nonce, mined.value, mined.to]).to.deep.equal([nonce, 5n, to]);
    expect(mined.maxFeePerGas! >= gwei(400)).to.equal(true);
    expect((await mined.wait())!.status).to.equal(1);
    expect((await rpc.getBalance(to)) - before).to.equal(5n);
    const kept = await intents(sender.address);
    expect(kept.length).to.be.greaterThan(1);
    await sender.finish();
    expect((await intents(sender.address)).every(({ finished }) => finished)).to.equal(true);
    expect(await rpc.getTransactionCount(sender.address, "pending")).to.equal(nonce + 1);
  });

  it("bid no more than the most that is allowed, and go on after a restart that allows more", async () => {
    const limit = gwei(2);
    await raise(gwei(20));
    await mine();
    const sender = await open(8, limit);
    const nonce = await rpc.getTransactionCount(sender.address);
    const before = await rpc.getBalance(to);
    sender.sendTransaction({ to, value: 7n }).catch(() => {}); // as if killed: the other is told what comes of it
    await eventually(async () => (await intents(sender.address)).length > 0, "written down");
    for (let i = 0; i < 4; i++) {
      await raise(gwei(20));
      await mine();
      await new Promise((done) => setTimeout(done, 300));
    }
    expect(await rpc.getTransactionCount(sender.address)).to.equal(nonce);
    expect((await intents(sender.address)).length, "nothing dearer was signed").to.equal(1);
    const [only] = await intents(sender.address);
    expect((await rpc.getTransaction(only!.hash))!.maxFeePerGas).to.equal(limit);

    const again = await open(8);
    const finished = again.finish();
    await eventually(async () => {
      await mine();
      return (await rpc.getTransactionCount(sender.address)) > nonce;
    }, "mined");
    await finished;
    expect((await rpc.getBalance(to)) - before).to.equal(7n);
    expect(await rpc.getTransactionCount(sender.address, "pending")).to.equal(nonce + 1);
  });

  it("give up where another program uses the nonce, and wait one for the other where two are sent at once", async () => {
    const sender = await open(9, gwei(1000), 60);
    const nonce = await rpc.getTransactionCount(sender.address);
    await rpc.send("evm_setAutomine", [true]);
    const both = await Promise.all([1n, 2n].map((value) => sender.sendTransaction({ to, value })));
    expect(both.map((one) => one.nonce)).to.deep.equal([nonce, nonce + 1]);

    await rpc.send("evm_setAutomine", [false]);
    const sent = sender.sendTransaction({ to, value: 3n }).catch((error: Error) => error.message);
    await eventually(async () => (await intents(sender.address)).length === 3, "written down");
    const other = new Wallet(privateKey(9), rpc);
    await eventually(async () => (await rpc.getTransactionCount(other, "pending")) === nonce + 3, "waiting");
    const dear = { maxFeePerGas: gwei(900), maxPriorityFeePerGas: gwei(50) };
    await other.sendTransaction({ to, value: 4n, nonce: nonce + 2, ...dear });
    await mine();
    expect(await sent).to.match(/Another program used nonce.*TRANSACTION_DROPPED/);
    await sender.finish();
  });
});
