import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import { protocol } from "../../sdk/contracts.ts";
import {
  addresses,
  FIRST_CONTRIBUTOR,
  folder,
  idle,
  OWNER,
  printed,
  refused,
  run,
  STRANGER,
  useTasks,
} from "../support/tasks.ts";
import { contributors, ethers, owner, stranger } from "../support/world.ts";

describe("Tasks of Datanets", () => {
  useTasks();
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
  const contribution = () => ({
    datanet: 1n,
    folder: join(folder, "src"),
    extension: ".sol",
    account: FIRST_CONTRIBUTOR,
    store,
  });
  /** The row of lowest hash once more, as a contribution of its own. */
  const ONE_COPY = { rows: 1, prefix: "mine", allow: "copy" };
  const contribute = (args = {}) => run("datanet:contribute", { ...contribution(), ...args });
  const own = () => protocol(JSON.parse(readFileSync(addresses, "utf8")).addresses, owner);

  it("creates, contributes, reviews, freezes and shows", async () => {
    expect(await create()).to.deep.include({ datanetId: "1", owner: owner.address, reviewers: [owner.address] });
    expect(await contribute()).to.deep.include({
      contributionId: "1",
      account: contributors[0]!.address,
      rows: 4,
      filesWithCutLines: ["src/a.sol"],
    });
    expect((await contribute({ ...ONE_COPY })).rows).to.equal(1);
    const reviewed = await run("datanet:review", { contributions: [1n], account: OWNER, store });
    const content = { content: "4 rows, as the chain says", new: "34 of 618 letters and digits (6 %)" };
    expect(reviewed.checked).to.deep.equal([{ contribution: "1", ...content }]);
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
    expect(shown.contributions.map(({ status }: { status: string }) => status)).to.deep.equal(["accepted", "rejected"]);
    expect(shown.versions).to.have.length(1);
    await hre.tasks.getTask("datanet:show").run({ datanet: 1n, addresses });
    expect(printed.join("\n"))
      .to.match(/── contributions/)
      .and.to.match(/── versions/);
  });

  it("shows what the checks find, sends no secret and no copies unless told, and leaves out what it is told to", async () => {
    await create();
    const key = `const PRIVATE_KEY = "0x${"4f3e".repeat(16)}";\n`;
    writeFileSync(join(folder, "src/deep/b.sol"), key);
    const away = { store: join(folder, "none") };
    const message = await refused("datanet:contribute", { ...contribution(), ...away });
    expect(message).to.match(
      /row \d of these rows \(src\/deep\/b\.sol\) holds an Ethereum private key.*--drop.*CHECKS_FAILED/,
    );
    expect(message).to.not.contain("4f3e4f3e");
    expect(existsSync(away.store)).to.equal(false);
    expect(JSON.parse(printed.at(-1)!).flaggedRows).to.deep.include({ secret: 1 });
    expect(await contribute({ drop: "secret" })).to.include({ rows: 3, droppedRows: 1 });

    writeFileSync(join(folder, "src/deep/b.sol"), "contract B {}\n");
    const copies = await refused("datanet:contribute", contribution());
    expect(copies).to.match(/3 of the 4 rows of these rows are copies of rows of contribution 1.*CHECKS_FAILED/);
    expect(await contribute({ drop: "copy" })).to.include({ rows: 1, droppedRows: 3 });
    expect(await refused("datanet:contribute", { ...contribution(), drop: "copy" })).to.match(/no row.*CHECKS_FAILED/);
  });

  it("tells the reviewer of copies in the whole Datanet, and accepts them only where he allows it", async () => {
    await create();
    await contribute();
    await contribute(ONE_COPY);
    const found = await idle("datanet:check", { contributions: [1n, 2n], store });
    expect(found.checked.map((one: { new: string }) => one.new)).to.deep.equal([
      "34 of 618 letters and digits (6 %)", // a line of 600 times the same letter is not much
      "0 of 512 letters and digits (0 %)",
    ]);
    expect(found.objections).to.have.length(1);
    expect(found.findings.find(({ check }: { check: string }) => check === "copy")).to.include({
      ...{ contribution: "2", row: 0, level: "look", reason: "is a copy of row 1 of contribution 1 (src/a.sol)" },
    });
    const review = { contributions: [1n, 2n], account: OWNER, store };
    expect(await refused("datanet:review", review)).to.match(
      /1 of the 1 rows of contribution 2.*--allow.*CHECKS_FAILED/,
    );
    expect(await refused("datanet:sign-review", { ...review, out: join(folder, "no.json") })).to.match(/CHECKS_FAILED/);
    expect(existsSync(join(folder, "no.json"))).to.equal(false);
    expect((await run("datanet:review", { ...review, allow: "copy" })).flaggedRows).to.include({ copy: 1 });
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
      ["datanet:create", { name: "A", reviewers: "me" }, /reviewers: .*ADDRESS_INVALID/],
      ["datanet:create", { name: "A", policy: "open" }, /policy: .*POLICY_UNKNOWN/],
      ["datanet:create", { name: "A", bond: "1.2345678" }, /bond: .*AMOUNT_INVALID/],
      ["datanet:create", { name: "A", bond: "1", slashable: "300" }, /code: .*CODE_INVALID/],
      ["datanet:create", { name: "A", bond: "1", policy: "public" }, /DatanetInvalidField/],
      ["datanet:allow", { datanet: 1n }, /datanet: .*DATANET_OPEN/],
      ["datanet:withdraw", { contributions: [7n] }, /contributions: .*DatanetContributionUnknown\(7\)/],
      ["datanet:sign-review", { contributions: [7n] }, /contributions: .*DatanetContributionUnknown\(7\)/],
      ["datanet:decide", { file: "/none" }, /file: .*DECISIONS_INVALID/],
      ["datanet:create", { name: "A", account: 99 }, /account: .*ACCOUNT_UNKNOWN/],
      ["datanet:show", { datanet: 9n }, /datanet: .*DatanetUnknown\(9\)/],
      ["datanet:contribute", { ...contribution, datanet: 9n }, /datanet: .*DatanetUnknown\(9\)/],
      ["datanet:contribute", { ...contribution, datanet: -1n }, /datanet: .*NUMBER_INVALID/],
      ["datanet:contribute", { ...contribution, folder: "/none" }, /folder: .*FOLDER_MISSING/],
      ["datanet:contribute", { ...contribution, extension: ".vy" }, /extension.*FILES_NONE/],
      ["datanet:contribute", { ...contribution, heldOut: 1 }, /heldOut: .*FRACTION_INVALID/],
      ["datanet:contribute", { ...contribution, rows: 100 }, /ROWS_TOO_FEW/],
      ["datanet:review", { contributions: [7n] }, /contributions: .*DatanetContributionUnknown\(7\)/],
      ["datanet:contribute", { ...contribution, drop: "coppies" }, /drop: .*CHECK_UNKNOWN/],
      ["datanet:review", { contributions: [1n], reject: true }, /reason: .*REASON_MISSING/],
      ["datanet:review", { contributions: [1n], allow: "every" }, /allow: .*CHECK_UNKNOWN/],
      ["datanet:freeze", { datanet: 1n, account: STRANGER }, /account: .*DatanetNotOwner/],
      ["datanet:freeze", { datanet: 1n, account: OWNER }, /datanet: .*DatanetNothingToFreeze\(1\)/],
      ["model:show", { model: 3n }, /model: .*ModelUnknown\(3\)/],
      ["accounts", { addresses: "/none" }, /addresses: .*DEPLOYMENT_MISSING/],
    ];
    for (const [id, args, message] of wrong) expect(await refused(id, args), id).to.match(message);
    expect(existsSync(join(folder, "none"))).to.equal(false);
    expect(existsSync(join(folder, "new.json"))).to.equal(false);
  });

  it("creates one with every setting, once", async () => {
    const settings = {
      ...{ name: "Law", licence: "CC-BY-SA-4.0", description: "Cases", policy: "reviewed", shareAlike: true },
      ...{ noTraining: true, reviewers: `${owner.address}, ${stranger.address}`, account: OWNER, store },
      ...{ bond: "2.5", beneficiary: stranger.address, slashable: "2,7" },
    };
    const { datanetId } = await run("datanet:create", settings);
    expect(await idle("datanet:create", settings)).to.include({ datanetId });
    const { datanets } = own();
    const { settings: made } = await datanets.datanet(datanetId);
    expect(made.aiTraining).to.equal(false);
    expect(made.shareAlike).to.equal(true);
    expect(made.bond.amount).to.equal(2_500_000n);
    expect(made.bond.beneficiary).to.equal(stranger.address);
    expect(made.bond.slashable).to.equal((1n << 2n) | (1n << 7n));
    expect((await run("datanet:show", { datanet: 1n })).reviewers).to.deep.equal([owner.address, stranger.address]);
    expect((await run("datanet:create", { ...settings, licence: "MIT" })).datanetId).to.equal("2");
  });

  it("puts bonds down with contributions, slashes and releases them by code, and pays what is released", async () => {
    const bond = { bond: "1", beneficiary: stranger.address, slashable: "2" };
    await run("datanet:create", { name: "Bonded", account: OWNER, store, ...bond });
    const { token } = JSON.parse(readFileSync(addresses, "utf8")).addresses;
    const dollars = await ethers.getContractAt("TestToken", token);
    expect(await refused("datanet:contribute", contribution())).to.match(/ERC20InsufficientBalance/);
    await dollars.mint(contributors[0]!, 2_000_000n);
    await contribute();
    expect(await idle("datanet:contribute", contribution())).to.include({ contributionId: "1" });
    await contribute(ONE_COPY);
    expect(await dollars.balanceOf(contributors[0]!)).to.equal(0n);
    await run("datanet:review", { contributions: [1n], reject: true, code: 2, account: OWNER, store });
    await run("datanet:review", { contributions: [2n], reject: true, code: 4, account: OWNER, store });
    for (const account of [contributors[0]!, stranger]) {
      const args = { for: account.address, account: STRANGER };
      expect(await run("datanet:bonds", args)).to.include({ amount: "1.0" });
      expect(await dollars.balanceOf(account)).to.equal(1_000_000n);
      await idle("datanet:bonds", args);
    }
  });

  it("has a reviewer sign, and anybody submit what he signed", async () => {
    await create();
    await contribute();
    await contribute(ONE_COPY);
    const out = join(folder, "review.json");
    const signed = { contributions: [1n, 2n], out, allow: "copy", store };
    expect(await refused("datanet:sign-review", signed)).to.match(/account: .*REVIEWER_OTHER/);
    expect(await refused("datanet:sign-review", { ...signed, account: OWNER, store: folder })).to.match(
      /CONTENT_MISSING/,
    );
    const { checked } = await idle("datanet:sign-review", { ...signed, account: OWNER });
    expect(checked).to.have.length(2);
    const file = JSON.parse(readFileSync(out, "utf8"));
    writeFileSync(join(folder, "forged.json"), JSON.stringify({ ...file, reviewer: stranger.address }));
    expect(await refused("datanet:decide", { file: join(folder, "forged.json") })).to.match(
      /DatanetNotReviewer|InvalidSignature/,
    );
    await run("datanet:decide", { file: out, account: STRANGER });
    const { contributions } = await run("datanet:show", { datanet: 1n });
    expect(contributions.map(({ status }: { status: string }) => status)).to.deep.equal(["accepted", "accepted"]);
    await idle("datanet:decide", { file: out });
  });

  it("withdraws contributions once", async () => {
    await create();
    await contribute();
    await run("datanet:review", { contributions: [1n], account: OWNER, store });
    expect(await refused("datanet:withdraw", { contributions: [1n], account: STRANGER })).to.match(/NotContributor/);
    await run("datanet:withdraw", { contributions: [1n], account: FIRST_CONTRIBUTOR });
    await idle("datanet:withdraw", { contributions: [1n], account: FIRST_CONTRIBUTOR });
    expect((await run("datanet:show", { datanet: 1n })).contributions[0].status).to.equal("withdrawn");
  });

  it("changes reviewers and the list of who may contribute", async () => {
    await create();
    const reviewers = { datanet: 1n, account: OWNER };
    expect(await idle("datanet:reviewers", reviewers)).to.deep.include({ reviewers: [owner.address] });
    const change = { ...reviewers, add: stranger.address, remove: owner.address };
    expect(await refused("datanet:reviewers", { ...change, account: STRANGER })).to.match(/DatanetNotOwner/);
    await run("datanet:reviewers", change);
    expect(await idle("datanet:reviewers", change)).to.deep.include({ reviewers: [stranger.address] });

    await run("datanet:create", { name: "Listed", policy: "allow-listed", account: OWNER });
    const list = { datanet: 2n, account: OWNER, add: contributors[0]!.address };
    expect(await refused("datanet:contribute", { ...contribution(), datanet: 2n })).to.match(/DatanetNotAllowed/);
    await run("datanet:allow", list);
    expect(await idle("datanet:allow", list)).to.deep.include({ allowed: [contributors[0]!.address] });
    expect((await contribute({ datanet: 2n })).message).to.match(/is accepted/);
    await run("datanet:allow", { datanet: 2n, account: OWNER, remove: contributors[0]!.address });
    expect((await idle("datanet:allow", { datanet: 2n })).allowed).to.deep.equal([]);
  });
});
