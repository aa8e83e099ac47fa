import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { canonicalJson, manifestHash } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import type { ModelManifest } from "../../sdk/models.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { tasks } from "../../tasks/index.ts";
import { sampleSketches } from "../support/samples.ts";
import {
  COUNTS,
  contributors,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  K,
  mint,
  networkHelpers,
  operator,
  owner,
  pay,
  proposal,
  propose,
  type Ready,
  ready,
  register,
  registerKey,
  server,
  TIMING,
  vector,
} from "../support/world.ts";

const [OWNER, OPERATOR, SERVER, STRANGER, FIRST_CONTRIBUTOR] = [3, 1, 6, 7, 8];

let folder: string;
let addresses: string;
let printed: string[];

/** Runs a task as the command line does, with its defaults; gives the JSON that it prints last. */
async function run(id: string, args: Record<string, unknown> = {}) {
  await hre.tasks.getTask(id).run({ addresses, json: true, ...args });
  return JSON.parse(printed.at(-1)!);
}

/** The message of the error that a task ends with; fails if it sent a transaction. */
async function refused(id: string, args: Record<string, unknown> = {}): Promise<string> {
  const block = await ethers.provider.getBlockNumber();
  const message = await run(id, args).then(
    () => "no error",
    (error: Error) => error.message,
  );
  expect(await ethers.provider.getBlockNumber()).to.equal(block);
  return message;
}

/** Writes the file of addresses for contracts that a test deployed itself. */
async function known(world: Ready) {
  const manager = await world.splitter.authority();
  const file = { chainId: 31337, addresses: { ...world.addresses, manager, token: world.token.target } };
  writeFileSync(addresses, JSON.stringify(file));
  return world;
}

describe("Hardhat tasks", function () {
  this.timeout(60_000);
  const log = console.log;
  const table = console.table;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "openledger-tasks-"));
    addresses = join(folder, "addresses.json");
    printed = [];
    console.log = (line: string) => printed.push(line);
    console.table = (rows: unknown) => printed.push(JSON.stringify(rows));
  });
  afterEach(() => {
    console.log = log;
    console.table = table;
    rmSync(folder, { recursive: true });
  });

  describe("from nothing to a frozen version", () => {
    let store: string;

    beforeEach(async () => {
      store = join(folder, "store");
      mkdirSync(join(folder, "src/deep"), { recursive: true });
      writeFileSync(join(folder, "src/a.sol"), `contract A {}\n${"x".repeat(600)}\n`);
      writeFileSync(join(folder, "src/deep/b.sol"), "contract B {}\n");
      writeFileSync(join(folder, "src/notes.txt"), "not for the Datanet");
      await run("deploy");
    });

    const create = () => run("datanet:create", { name: "Solidity", description: "For models", account: OWNER, store });
    const contribute = (args = {}) =>
      run("datanet:contribute", {
        datanet: 1n,
        folder: join(folder, "src"),
        extension: ".sol",
        account: FIRST_CONTRIBUTOR,
        store,
        ...args,
      });

    it("deploys once, and says so the second time", async () => {
      const file = readFileSync(addresses, "utf8");
      const again = await run("deploy");
      expect(again).to.include({ deployed: false });
      expect(again.message).to.match(/Already deployed, nothing sent/);
      expect(readFileSync(addresses, "utf8")).to.equal(file);
    });

    it("creates, contributes, reviews, freezes and shows", async () => {
      expect(await create()).to.include({ datanetId: "1", owner: owner.address, reviewer: owner.address });
      expect(await contribute()).to.deep.include({
        contributionId: "1",
        account: contributors[0]!.address,
        rows: 4,
        filesWithCutLines: ["src/a.sol"],
      });
      expect((await contribute({ rows: 1, prefix: "mine" })).rows).to.equal(1);
      const reviewed = await run("datanet:review", { contributions: [1n], account: OWNER, store });
      expect(reviewed.checked).to.deep.equal([{ contribution: "1", content: "4 rows, as the chain says" }]);
      await run("datanet:review", { contributions: [2n], reject: true, reason: "a copy", account: OWNER, store });
      expect(await run("datanet:freeze", { datanet: 1n, account: OWNER })).to.deep.include({
        version: "1",
        contributionIds: ["1"],
      });
      const shown = await run("datanet:show", { datanet: 1n });
      expect(shown).to.deep.include({
        name: "Solidity",
        licence: "MIT",
        policy: "reviewed",
        aiTraining: true,
        reviewers: [owner.address],
      });
      expect(shown.contributions.map(({ status }: { status: string }) => status)).to.deep.equal([
        "accepted",
        "rejected",
      ]);
      expect(shown.versions).to.have.length(1);
      await hre.tasks.getTask("datanet:show").run({ datanet: 1n, addresses });
      expect(printed.join("\n"))
        .to.match(/── contributions/)
        .and.to.match(/── versions/);
    });

    it("accepts nothing whose content is missing or is not what the chain says, and rejects it", async () => {
      await create();
      await contribute();
      const review = { contributions: [1n], account: OWNER, store: join(folder, "elsewhere") };
      expect(await refused("datanet:review", review)).to.match(/CONTENT_MISSING/);
      const rejected = await run("datanet:review", { ...review, reject: true, reason: "no content" });
      expect(rejected.checked[0].content).to.match(/CONTENT_MISSING/);
    });

    it("names the parameter that is wrong, and sends and stores nothing", async () => {
      await create();
      const contribution = { datanet: 1n, folder: join(folder, "src"), extension: ".sol", store: join(folder, "none") };
      const wrong: [string, Record<string, unknown>, RegExp][] = [
        ["deploy", { addresses: join(folder, "new.json"), module: "Other" }, /module: .*MODULE_UNKNOWN/],
        ["deploy", { addresses: join(folder, "new.json"), parameters: "/none" }, /parameters: .*PARAMETERS_INVALID/],
        ["datanet:create", { name: "" }, /DatanetInvalidField\(name\)/],
        ["datanet:create", { name: "A", reviewer: "me" }, /reviewer: .*ADDRESS_INVALID/],
        ["datanet:create", { name: "A", account: 99 }, /account: .*ACCOUNT_UNKNOWN/],
        ["datanet:show", { datanet: 9n }, /datanet: .*DatanetUnknown\(9\)/],
        ["datanet:contribute", { ...contribution, datanet: 9n }, /datanet: .*DatanetUnknown\(9\)/],
        ["datanet:contribute", { ...contribution, datanet: -1n }, /datanet: .*NUMBER_INVALID/],
        ["datanet:contribute", { ...contribution, folder: "/none" }, /folder: .*FOLDER_MISSING/],
        ["datanet:contribute", { ...contribution, extension: ".vy" }, /extension.*FILES_NONE/],
        ["datanet:contribute", { ...contribution, heldOut: 1 }, /heldOut: .*FRACTION_INVALID/],
        ["datanet:contribute", { ...contribution, rows: 100 }, /ROWS_TOO_FEW/],
        ["datanet:review", { contributions: [7n] }, /contributions: .*DatanetContributionUnknown\(7\)/],
        ["datanet:review", { contributions: [1n], reject: true }, /reason: .*REASON_MISSING/],
        ["datanet:freeze", { datanet: 1n, account: STRANGER }, /account: .*DatanetNotOwner/],
        ["datanet:freeze", { datanet: 1n, account: OWNER }, /datanet: .*DatanetNothingToFreeze\(1\)/],
        ["model:show", { model: 3n }, /model: .*ModelUnknown\(3\)/],
        ["accounts", { addresses: "/none" }, /addresses: .*DEPLOYMENT_MISSING/],
      ];
      for (const [id, args, message] of wrong) expect(await refused(id, args), id).to.match(message);
      expect(existsSync(join(folder, "none"))).to.equal(false);
      expect(existsSync(join(folder, "new.json"))).to.equal(false);
    });

    it("refuses addresses of another chain, and files that are not such a file", async () => {
      const file = JSON.parse(readFileSync(addresses, "utf8"));
      for (const [content, message] of [
        [JSON.stringify({ ...file, chainId: 1 }), /for chain 1, not for 31337.*DEPLOYMENT_INVALID/],
        [JSON.stringify({ ...file, addresses: { ...file.addresses, escrow: "0x1" } }), /addresses\.escrow/],
        ["{", /DEPLOYMENT_INVALID/],
      ] as const) {
        writeFileSync(addresses, content);
        expect(await refused("datanet:show", { datanet: 1n })).to.match(message);
      }
    });

    it("lists accounts with their balances, and roles with who holds them", async () => {
      const { accounts } = await run("accounts");
      expect(accounts).to.have.length(20);
      expect(accounts[3]).to.include({ index: 3, address: owner.address, TUSD: "0.0" });
      const { holders, functions } = await run("roles:show");
      expect(holders.map(({ role }: { role: string }) => role)).to.have.members(["admin", "operator", "guardian"]);
      expect(functions).to.have.deep.members([
        { contract: "splitter", function: "propose", role: "operator" },
        { contract: "pauses", function: "setPaused", role: "guardian" },
      ]);
    });

    it("pauses a group of new obligations, shows it, and lets it go on", async () => {
      expect(await refused("pause:set", { group: "claims" })).to.match(/group: .*GROUP_UNKNOWN/);
      expect(await refused("pause:set", { group: "datanets", account: STRANGER })).to.match(/account: .*Unauthorized/);
      expect(await run("pause:set", { group: "datanets" })).to.include({ paused: true });
      expect((await run("pause:show")).groups[0]).to.deep.equal({ group: "datanets", paused: true });
      expect(await refused("datanet:create", { name: "A" })).to.match(/PauseGroupPaused/);
      await run("pause:set", { group: "datanets", off: true });
      await run("datanet:create", { name: "A" });
    });
  });

  describe("a registered model", () => {
    const EPOCH = { model: 1n, epoch: 0n };

    it("is shown with its terms, versions, contributors and current epoch", async () => {
      const { id } = await known(await networkHelpers.loadFixture(ready));
      const shown = await run("model:show", { model: 1n });
      expect(shown).to.deep.include({ owner: owner.address, commitmentId: id, currentEpoch: "0", rows: "10" });
      expect(shown.versions).to.deep.equal([{ datanetId: "1", version: "1" }]);
      expect(shown.contributors.map(({ rows }: { rows: string }) => Number(rows))).to.deep.equal(COUNTS);
      expect(shown.splitBps.data).to.equal("5000");
    });

    it("has its epochs opened, shown, settled by base weights, and paid out", async () => {
      const world = await known(await networkHelpers.loadFixture(ready));
      expect((await run("epoch:show", EPOCH)).state).to.match(/^open/);
      expect(await refused("epoch:open", { model: 1n })).to.match(/SplitterEpochRunning/);
      await pay(world, 100_000n);
      await networkHelpers.time.increase(TIMING.epochLength);
      expect(await run("epoch:open", { model: 1n, account: STRANGER })).to.include({ epochId: "1" });
      expect(await run("epoch:show", EPOCH)).to.include({ state: "closed: its fees may still be redeemed" });
      expect(await refused("epoch:settle", EPOCH)).to.match(/epoch: .*SplitterNotProposed/);
      await networkHelpers.time.increase(TIMING.redeemWindow);
      expect((await run("epoch:show", EPOCH)).state).to.equal("may be proposed");
      await world.splitter.connect(operator).propose(...(await proposal(world, 1n, 0n, vector(0n))));
      expect(await refused("epoch:settle", EPOCH)).to.match(/epoch: .*SplitterWindowOpen/);
      expect(await run("epoch:show", EPOCH)).to.deep.include({ fees: "0.1", state: "proposed: may be challenged" });
      await networkHelpers.time.increase(TIMING.challengeWindow);
      expect(await refused("claim", { models: [1n], account: FIRST_CONTRIBUTOR })).to.match(/CLAIM_NOTHING/);
      await run("epoch:settle", { ...EPOCH, account: OPERATOR });
      const settled = await run("epoch:show", EPOCH);
      expect(settled).to.include({
        state: "settled",
        settledBy: "base weights",
        pot: "0.05",
        prover: operator.address,
      });
      expect(settled.payouts.map(({ paid }: { paid: string }) => paid)).to.deep.equal(["0.015", "0.025", "0.01"]);
      expect(await refused("epoch:settle", EPOCH)).to.match(/SplitterAlreadySettled/);

      const { claimed } = await run("claim", { models: [1n], for: contributors[1]!.address });
      expect(claimed).to.deep.include({
        model: "1",
        contributor: 1,
        token: world.token.target,
        amount: "0.025",
      });
      expect(await world.token.balanceOf(contributors[1]!)).to.equal(25_000n);
      expect(await refused("claim", { models: [1n], for: contributors[1]!.address })).to.match(/CLAIM_NOTHING/);
      expect(await refused("claim", { models: [2n] })).to.match(/model: .*ModelUnknown/);
      expect(await run("withdraw", { account: SERVER })).to.include({ amount: "0.02", account: server.address });
      expect(await refused("withdraw", { account: SERVER })).to.match(/SplitterNothingToWithdraw/);
    });

    it("has an epoch with scores settled under a proof from its sketches, and from no others", async () => {
      const key = await devKey(INSTANCES.r210);
      const counts = [9, 7];
      const sketches = sampleSketches(16, K);
      const world = await deployed();
      const vkId = await registerKey(world, await verifyingKey(key));
      const datanetId = await freeze(world, counts);
      const modelId = await mint(world, datanetId, world.token);
      const id = await register(world, modelId, counts, { rows: sketches, k: K, m0: 1 }, vkId);
      await world.splitter.openEpoch(modelId);
      await deposit(world, customer, 1_000_000n);
      const all = await known({ ...world, modelId, id });
      await pay(all, 40_000n);
      await propose(all, 0n, vector(10n ** 12n));
      await networkHelpers.time.increase(TIMING.challengeWindow);

      expect(await refused("epoch:settle", EPOCH)).to.match(/sketches: .*SplitterNeedsProof/);
      expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/sketches: .*SKETCHES_MISSING/);
      writeFileSync(join(folder, "rows.int8"), int8Bytes(sketches).with(0, 99));
      expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/sketches: .*SKETCHES_WRONG/);
      writeFileSync(join(folder, "rows.int8"), int8Bytes(sketches));
      expect(await run("epoch:settle", { ...EPOCH, sketches: folder })).to.include({ settledBy: "proof" });
      const { payouts, settledBy } = await run("epoch:show", EPOCH);
      expect(settledBy).to.equal("proof");
      expect(payouts.every(({ total }: { total: string }) => BigInt(total) > 0n)).to.equal(true);
      expect(await refused("epoch:settle", { ...EPOCH, sketches: folder })).to.match(/epoch: .*EPOCH_SETTLED/);
    });
  });

  describe("a fine-tuned model", () => {
    const store = () => join(folder, "store");
    const counts = [9, 7];
    const sketches = sampleSketches(16, K);
    let manifest: ModelManifest;
    let world: Awaited<ReturnType<typeof deployed>>;

    beforeEach(async () => {
      world = await deployed();
      const manager = await world.splitter.authority();
      const file = { chainId: 31337, addresses: { ...world.addresses, manager, token: world.token.target } };
      writeFileSync(addresses, JSON.stringify(file));
      const datanetId = String(await freeze(world, counts));
      const content = new ContentStore(store());
      const put = (text: string) => content.put(Buffer.from(text));
      manifest = {
        name: "Sample",
        methodVersion: 1,
        base: { name: "base", hash: ethers.id("base") },
        adapter: { hash: ethers.id("weights"), config: await put("config"), weights: await put("weights") },
        sketches: {
          rows: await content.put(int8Bytes(sketches)),
          basis: await put("basis"),
          description: await put(JSON.stringify({ k: K, m0: 1000, count: 16 })),
        },
        versions: [{ datanetId, version: "1" }],
        training: {},
      };
    });
    const write = (changes: object = {}) => {
      const path = join(folder, "manifest.json");
      writeFileSync(path, JSON.stringify({ ...manifest, ...changes }));
      return { manifest: path, account: OWNER, store: store() };
    };

    it("is minted from its manifest, registered under a key, and takes fees; what is done is not done again", async () => {
      const minted = await run("model:mint", write());
      expect(minted).to.deep.include({ modelId: "1", owner: owner.address, name: "Sample", inputPrice: "100000" });
      const args = { model: 1n, account: OWNER, store: store() };
      const { vkId } = await run("key:register", { chunkRows: 210 });
      const { commitmentId } = await run("model:register", args);
      const shown = await run("model:show", { model: 1n });
      expect(shown).to.include({ commitmentId, vkId, gRoot: sketchRoot(sketches, K), currentEpoch: "0" });
      const block = await ethers.provider.getBlockNumber();
      expect(await run("model:register", args)).to.include({ commitmentId });
      expect(await ethers.provider.getBlockNumber()).to.equal(block);

      const { baseHash, adapterHash, methodVersion } = await world.models.manifest(1n);
      const manifestBytes = canonicalJson({ ...manifest, name: "Retrained" });
      const retrained = {
        ...{ baseHash, adapterHash, methodVersion },
        manifestHash: manifestHash(manifestBytes),
        manifestCid: await new ContentStore(store()).put(manifestBytes),
      };
      await world.models.connect(owner).retrain(1n, retrained, manifest.versions);
      const again = await run("model:register", args);
      expect(again.message).to.contain("Registered the retrained adapter");
      expect(again.commitmentId).to.not.equal(commitmentId);
      expect((await run("model:register", args)).message).to.contain("registered before");

      const byId = await run("model:mint", { ...write(), manifest: minted.manifestCid });
      expect(byId).to.include({ modelId: "2", manifestCid: minted.manifestCid });
    });

    it("is refused while anything is missing or does not fit, naming it", async () => {
      const none = { ...manifest.sketches, basis: "bafynone" };
      const wrong: [string, object, Record<string, unknown>, RegExp][] = [
        ["model:mint", {}, { manifest: "bafynone" }, /CONTENT_MISSING/],
        ["model:mint", { name: "" }, {}, /manifest: name must be a text.*MANIFEST_INVALID/],
        ["model:mint", { versions: [] }, {}, /manifest: versions must be/],
        ["model:mint", { sketches: none }, {}, /bafynone.*CONTENT_MISSING/],
        ["model:mint", { adapter: { ...manifest.adapter, hash: ethers.id("x") } }, {}, /adapter.hash.*MODEL_ADAPTER/],
        ["model:mint", {}, { split: "1,2,3" }, /split: .*SPLIT_INVALID/],
        ["model:mint", {}, { split: "1,2,3,4,5" }, /split: .*ModelSplitSum/],
        ["key:register", {}, { chunkRows: 3 }, /chunkRows: .*CHUNK_UNKNOWN/],
        ["model:register", {}, { model: 1n }, /MODEL_UNKNOWN/],
      ];
      for (const [id, changes, args, message] of wrong)
        expect(await refused(id, { ...(id === "model:mint" ? write(changes) : {}), ...args }), id).to.match(message);
      await run("model:mint", write());
      const register = { model: 1n, account: OWNER, store: store() };
      expect(await refused("model:register", register), "only an unknown key is registered").to.match(/KEY_UNKNOWN/);
      await run("key:register", { chunkRows: 210 });
      expect(await refused("key:register", { chunkRows: 210 })).to.match(/chunkRows: .*VerifierKeyExists/);
      expect(await refused("model:register", { ...register, account: STRANGER })).to.match(/account: .*NotModelOwner/);
    });
  });

  it("are registered with a description of themselves and of every parameter", () => {
    for (const { id } of tasks) {
      const { description, options, positionalArguments } = hre.tasks.getTask(id);
      expect(description, id.join(" ")).to.match(/^[A-Z]/);
      expect([...options.keys()]).to.include.members(["json", "account", "addresses"]);
      for (const { name, description } of [...options.values(), ...positionalArguments])
        expect(description, `${id} ${name}`).to.match(/^[A-Z]/);
    }
  });
});
