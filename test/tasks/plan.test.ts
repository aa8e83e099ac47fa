import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { checksum } from "../../tasks/safe.ts";
import { addresses, folder, idle, OWNER, printed, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { admin, stranger } from "../support/world.ts";

describe("Plans of tasks", () => {
  useTasks();
  beforeEach(() => run("deploy"));

  const SAFE = stranger.address;
  const file = () => join(folder, "batch.json");
  const pausing = { group: "datanets" };

  it("show target, function, arguments, calldata and effect, and send nothing", async () => {
    const { from, transactions } = await idle("pause:set", { ...pausing, dryRun: true });
    const { pauses } = JSON.parse(readFileSync(addresses, "utf8")).addresses;
    expect(from).to.equal(admin.address);
    const [{ data, gas, ...shown }] = transactions;
    expect(shown).to.deep.equal({
      contract: "pauses",
      to: pauses,
      function: "setPaused(uint8,bool)",
      arguments: { group: "0", paused: true },
      value: "0",
      returns: {},
    });
    expect(Number(gas)).to.be.within(21_000, 100_000);
    await admin.sendTransaction({ to: pauses, data });
    expect((await run("pause:show")).groups[0].paused).to.equal(true);
  });

  it("show what a call would return, and print it for people line by line", async () => {
    const create = { name: "Solidity", account: OWNER };
    const { transactions } = await idle("datanet:create", { ...create, dryRun: true });
    expect(transactions[0].returns).to.deep.equal({ datanetId: "1" });
    await hre.tasks.getTask("datanet:create").run({ ...create, dryRun: true, addresses });
    expect(printed.join("\n"))
      .to.match(/contract: datanets/)
      .and.to.match(/nothing was sent/);
  });

  it("fail with the reason of what would revert, and write no proposal", async () => {
    const message = await refused("pause:set", { ...pausing, from: SAFE, propose: file() });
    expect(message).to.match(/account: .*AccessManagedUnauthorized/);
    expect(JSON.parse(printed.at(-1)!).transactions[0].reverts).to.match(/AccessManagedUnauthorized/);
    expect(existsSync(file())).to.equal(false);
  });

  it("are written for a Safe, whose transaction does what the task would have done", async () => {
    await idle("pause:set", { ...pausing, from: admin.address, account: STRANGER, propose: file() });
    const batch = JSON.parse(readFileSync(file(), "utf8"));
    expect(batch).to.deep.include({ version: "1.0", chainId: "31337" });
    expect(batch.meta).to.include({ createdFromSafeAddress: admin.address, txBuilderVersion: "1.18.2" });
    const { checksum: written, ...meta } = batch.meta;
    expect(checksum({ ...batch, meta })).to.equal(written);
    const [{ to, data, value, ...method }] = batch.transactions;
    expect(method).to.deep.equal({ contractMethod: null, contractInputsValues: null });
    await admin.sendTransaction({ to, data, value: BigInt(value) });
    expect((await run("pause:show")).groups[0].paused).to.equal(true);
  });

  it("have the checksum that a Safe's Transaction Builder gives", () => {
    // A file that the app wrote: 5afe/safe-cli-nodejs, TRANSACTION_BUILDER_FORMAT_ANALYSIS.md.
    const approve = {
      inputs: [
        { internalType: "address", name: "spender", type: "address" },
        { internalType: "uint256", name: "value", type: "uint256" },
      ],
      name: "approve",
      payable: false,
    };
    const batch = {
      version: "1.0",
      chainId: "1",
      createdAt: 1761326849944,
      meta: {
        name: "Transactions Batch",
        description: "",
        txBuilderVersion: "1.18.2",
        createdFromSafeAddress: "0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6",
        createdFromOwnerAddress: "",
      },
      transactions: [
        {
          to: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
          value: "0",
          data: null,
          contractMethod: approve,
          contractInputsValues: { spender: "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8", value: "100000000000" },
        },
      ],
    };
    expect(checksum(batch)).to.equal("0x8b5032f716845c8b08bab3d63dbd9ba92e056f3557793cd041e59b84e16aa989");
  });

  it("are refused where it is not clear who would send", async () => {
    expect(await refused("pause:set", { ...pausing, from: SAFE })).to.match(/from: nobody can send/);
    expect(await refused("pause:set", { ...pausing, from: "me", dryRun: true })).to.match(/from: me is no address/);
    expect(await refused("pause:set", { ...pausing, dryRun: true, propose: file() })).to.match(/propose: /);
  });

  it("store no content", async () => {
    const store = join(folder, "store");
    const create = { name: "Solidity", description: "For models", store, account: OWNER };
    const { transactions } = await idle("datanet:create", { ...create, dryRun: true });
    expect(existsSync(store)).to.equal(false);
    const { description } = await run("datanet:create", create);
    expect(transactions[0].arguments.settings.metadataCid).to.equal(description);
  });
});
