import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import hre from "hardhat";
import {
  addresses,
  FIRST_CONTRIBUTOR,
  folder,
  OWNER,
  printed,
  refused,
  run,
  STRANGER,
  useTasks,
} from "../support/tasks.ts";
import { contributors, owner } from "../support/world.ts";

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
  const contribute = (args = {}) =>
    run("datanet:contribute", {
      datanet: 1n,
      folder: join(folder, "src"),
      extension: ".sol",
      account: FIRST_CONTRIBUTOR,
      store,
      ...args,
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
    expect(shown.contributions.map(({ status }: { status: string }) => status)).to.deep.equal(["accepted", "rejected"]);
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
});
