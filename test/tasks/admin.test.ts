import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import hre from "hardhat";
import { tasks } from "../../tasks/index.ts";
import { addresses, idle, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { owner } from "../support/world.ts";

describe("Tasks of admins", () => {
  useTasks();
  beforeEach(() => run("deploy"));

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

  it("lists accounts with their balances", async () => {
    const { accounts } = await run("accounts");
    expect(accounts).to.have.length(20);
    expect(accounts[3]).to.include({ index: 3, address: owner.address, TUSD: "0.0" });
  });

  it("pauses a group of new obligations, shows it, and lets it go on", async () => {
    expect(await refused("pause:set", { group: "claims" })).to.match(/group: .*GROUP_UNKNOWN/);
    expect(await refused("pause:set", { group: "datanets", account: STRANGER })).to.match(/account: .*Unauthorized/);
    expect(await run("pause:set", { group: "datanets" })).to.include({ paused: true });
    await idle("pause:set", { group: "datanets" });
    expect((await run("pause:show")).groups[0]).to.deep.equal({ group: "datanets", paused: true });
    expect(await refused("datanet:create", { name: "A" })).to.match(/PauseGroupPaused/);
    await run("pause:set", { group: "datanets", off: true });
    await run("datanet:create", { name: "A" });
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
