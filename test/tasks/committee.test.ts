import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { FIRST_CONTRIBUTOR, folder, idle, known, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { admin, auditors, COMMITTEE, contributors, deployed, ethers, networkHelpers } from "../support/world.ts";

const { auditorBond, commitPeriod, revealPeriod } = COMMITTEE;
const [AUDITOR_ROLE, CASES_ROLE] = [3n, 4n];
const [FIRST, SECOND, SILENT] = [0, 1, 2].map((i) => FIRST_CONTRIBUTOR + contributors.length - 4 + i) as [
  number,
  number,
  number,
];

describe("Tasks of the committee", () => {
  useTasks();

  /** Case 1, opened by the admin; three auditors with a bond. */
  async function court() {
    const world = await known(await networkHelpers.loadFixture(deployed));
    const { committee, operators, token, splitter } = world;
    const manager = await ethers.getContractAt("AccessManager", await splitter.authority());
    await manager.connect(admin).grantRole(CASES_ROLE, admin, 0);
    for (const auditor of auditors.slice(0, 3)) {
      await manager.connect(admin).grantRole(AUDITOR_ROLE, auditor, 0);
      await token.mint(auditor, auditorBond);
      await token.connect(auditor).approve(operators, auditorBond);
      await operators.connect(auditor).bond(auditor, token, auditorBond);
    }
    await committee.connect(admin).open(ethers.id("subject"), "bafy-evidence");
    return { ...world, votes: join(folder, "votes") };
  }

  it("commit and reveal votes, close a case, and do nothing twice", async () => {
    const { committee, operators, token, votes } = await court();
    const as = (account: number) => ({ case: 1n, account, votes });
    expect(await idle("committee:show", { case: 1n })).to.deep.include({
      verdict: "pending",
      votes: [],
      closed: false,
    });

    const plan = await idle("committee:vote", { ...as(FIRST), choice: "uphold", dryRun: true });
    expect(plan.transactions[0].function).to.equal("commitVote(uint256,bytes32)");
    expect(() => statSync(votes)).to.throw("ENOENT");

    const { file } = await run("committee:vote", { ...as(FIRST), choice: "uphold" });
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect((await idle("committee:vote", { ...as(FIRST), choice: "uphold" })).message).to.match(/nothing sent/);
    expect(await refused("committee:vote", { ...as(FIRST), choice: "dismiss" })).to.match(/VOTE_CAST/);
    await run("committee:vote", { ...as(SECOND), choice: "uphold" });
    await run("committee:vote", { ...as(SILENT), choice: "dismiss" });
    expect(await refused("committee:reveal", as(FIRST))).to.match(/CommitteeNotRevealing/);

    await networkHelpers.time.increase(commitPeriod);
    expect((await run("committee:reveal", as(FIRST))).choice).to.equal("uphold");
    expect((await idle("committee:reveal", as(FIRST))).message).to.match(/nothing sent/);
    await run("committee:reveal", as(SECOND));
    expect(await refused("committee:close", { case: 1n })).to.match(/CommitteeCaseRunning/);
    await networkHelpers.time.increase(revealPeriod);
    expect((await run("committee:close", { case: 1n, account: STRANGER })).verdict).to.equal("upheld");
    expect((await idle("committee:close", { case: 1n })).message).to.match(/nothing sent/);

    const shown = await idle("committee:show", { case: 1n });
    expect(shown).to.include({ verdict: "upheld", closed: true, evidence: "bafy-evidence" });
    expect(shown.votes.map(({ vote }: { vote: string }) => vote)).to.deep.equal(["uphold", "uphold", "not revealed"]);
    // The bond of who kept silent is shared by those who did not.
    expect(await operators.credits(token, auditors[0]!)).to.equal(auditorBond / 2n);
    expect(await committee.verdict(1n)).to.equal(1n);
  });

  it("send the vote that was kept when its transaction failed, with the same salt", async () => {
    const { committee, splitter, votes } = await court();
    const manager = await ethers.getContractAt("AccessManager", await splitter.authority());
    const of = { case: 1n, account: FIRST, votes };
    await manager.connect(admin).revokeRole(AUDITOR_ROLE, auditors[0]!);
    expect(await refused("committee:vote", { ...of, choice: "dismiss" })).to.match(/roles:show/);
    const [name] = readdirSync(votes) as [string];
    const kept = readFileSync(join(votes, name), "utf8");
    await manager.connect(admin).grantRole(AUDITOR_ROLE, auditors[0]!, 0);
    const { file } = await run("committee:vote", { ...of, choice: "dismiss" });
    expect([file, readFileSync(file, "utf8")]).to.deep.equal([join(votes, name), kept]);
    await networkHelpers.time.increase(commitPeriod);
    rmSync(file);
    expect(await refused("committee:reveal", of)).to.match(/VOTE_MISSING/);
    expect(await committee.verdict(1n)).to.equal(0n);
  });

  it("name what is wrong", async () => {
    const { votes } = await court();
    expect(await refused("committee:show", { case: 9n })).to.match(/CASE_UNKNOWN/);
    const of = { case: 9n, account: FIRST, votes };
    expect(await refused("committee:vote", { ...of, choice: "maybe" })).to.match(/VOTE_UNKNOWN/);
    expect(await refused("committee:vote", { ...of, choice: "uphold" })).to.match(/CommitteeUnknownCase/);
    expect(await refused("committee:close", { case: 9n })).to.match(/CommitteeUnknownCase/);
  });
});
