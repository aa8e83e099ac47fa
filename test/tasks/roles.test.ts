import { expect } from "chai";
import { idle, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { admin, networkHelpers, operator, stranger } from "../support/world.ts";

describe("Tasks of roles", () => {
  useTasks();
  beforeEach(() => run("deploy"));

  const guardian = { role: "guardian", holder: stranger.address };
  const holdersOf = async (wanted: string) =>
    (await run("roles:show")).holders.filter(({ role }: { role: string }) => role === wanted);

  it("grant and revoke a role once, and let its holder lay it down", async () => {
    expect(await refused("roles:grant", { ...guardian, account: STRANGER })).to.match(/account: .*Unauthorized/);
    await run("roles:grant", guardian);
    await idle("roles:grant", guardian);
    await run("pause:set", { group: "datanets", account: STRANGER });
    await run("roles:revoke", guardian);
    await idle("roles:revoke", guardian);
    expect(await refused("pause:set", { group: "models", account: STRANGER })).to.match(/Unauthorized/);
    await run("roles:grant", guardian);
    await run("roles:revoke", { ...guardian, account: STRANGER });
    expect(await holdersOf("guardian")).to.have.length(1);
    expect(await refused("roles:grant", { ...guardian, role: "king" })).to.match(/role: .*ROLE_UNKNOWN/);
    expect(await refused("roles:grant", { ...guardian, holder: "me" })).to.match(/holder: .*ADDRESS_INVALID/);
  });

  it("schedule, execute and cancel what waits for a delay", async () => {
    await run("roles:grant", { ...guardian, delay: 3600 });
    expect(await holdersOf("guardian")).to.deep.include({
      role: "guardian",
      account: stranger.address,
      delaySeconds: "3600",
      delay: "3600 s",
    });
    const pausing = { group: "datanets", account: STRANGER };
    expect(await refused("pause:set", { ...pausing, dryRun: true })).to.match(/AccessManagerNotScheduled/);
    const { contract, data: calldata } = (await run("pause:set", { group: "datanets", dryRun: true })).transactions[0];
    const call = { contract, calldata, account: STRANGER };
    expect(await refused("roles:execute", call)).to.match(/AccessManagerNotScheduled/);
    await run("roles:schedule", call);
    await idle("roles:schedule", call);
    expect((await run("roles:show")).scheduled[0]).to.include({ contract, function: "setPaused", data: calldata });
    expect(await refused("roles:execute", call)).to.match(/AccessManagerNotReady/);
    await networkHelpers.time.increase(3600);
    await run("roles:execute", call);
    expect((await run("pause:show")).groups[0].paused).to.equal(true);
    expect((await run("roles:show")).scheduled).to.deep.equal([]);

    await run("roles:schedule", call);
    const foreign = { contract, calldata, caller: stranger.address };
    expect(await refused("roles:cancel", { ...foreign, account: 1 })).to.match(/AccessManagerUnauthorizedCancel/);
    await run("roles:cancel", foreign);
    await idle("roles:cancel", foreign);
    expect(await refused("roles:execute", call)).to.match(/AccessManagerNotScheduled/);
    expect(await refused("roles:schedule", { ...call, calldata: "0x12" })).to.match(/calldata: .*CALLDATA_INVALID/);
    expect(await refused("roles:schedule", { ...call, contract: "none" })).to.match(/contract: .*ADDRESS_INVALID/);
  });

  it("show who holds what, and which functions are open to whom", async () => {
    expect(await holdersOf("admin")).to.have.length(1);
    expect((await holdersOf("admin"))[0].account).to.equal(admin.address);
    await run("roles:grant", { role: "operator", holder: operator.address });
    expect((await holdersOf("operator")).map(({ account }: { account: string }) => account)).to.deep.equal([
      admin.address,
      operator.address,
    ]);
    expect((await run("roles:show")).functions).to.have.deep.members([
      { contract: "splitter", function: "propose", role: "operator" },
      { contract: "pauses", function: "setPaused", role: "guardian" },
      { contract: "committee", function: "commitVote", role: "auditor" },
      { contract: "disputes", function: "demandSample", role: "auditor" },
      { contract: "committee", function: "open", role: "cases" },
    ]);
  });
});
