import { execFileSync, spawn } from "node:child_process";
import { expect } from "chai";

type Summary = {
  ok: boolean;
  rows: number;
  contributors: number;
  k: number;
  energyKept: number;
  kappa: number;
  loss: { heldOutBefore: number; heldOutAfter: number };
  queries: number;
  constraints: number;
  constraintsPerRow: number;
  proveCpuSeconds: number;
  gas: { registerCommitments: number; settle: number; claimFirst: number; claimLater: number };
  money: { in: string; paid: string; held: string };
  topContributorAccuracy: number;
  accuracy: { shuffled: number };
  forgeriesReverted: number;
  seconds: number;
};

describe("npm run demo", () => {
  let code: number | null;
  let output = "";
  let summary: Summary;

  before(async function () {
    this.timeout(20 * 60_000);
    const demo = spawn("npm", ["run", "--silent", "demo", "--", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    demo.stdout.on("data", (data: Buffer) => {
      process.stdout.write(data);
      output += data.toString();
    });
    code = await new Promise((done) => demo.on("close", done));
    summary = JSON.parse(output.trimEnd().split("\n").at(-1)!) as Summary;
  });

  it("ends well, with one JSON object as its last line", () => {
    expect(code).to.equal(0);
    expect(summary.ok).to.equal(true);
  });

  it("trains on 1,200 rows of four contributors and lowers the held-out loss by at least 10%", () => {
    expect(summary).to.include({ rows: 1200, contributors: 4 });
    expect(summary.loss.heldOutAfter).to.be.below(0.9 * summary.loss.heldOutBefore);
  });

  it("chooses k by the energy rule", () => {
    expect(summary.k).to.be.oneOf([128, 256, 512]);
    if (summary.k < 512) expect(summary.energyKept).to.be.at.least(0.97);
  });

  it("pays for at least 40 completions and accounts for every wei", () => {
    expect(summary.queries).to.be.at.least(40);
    const { in: paidIn, paid, held } = summary.money;
    expect(BigInt(paidIn) > 0n).to.equal(true);
    expect(BigInt(paidIn)).to.equal(BigInt(paid) + BigInt(held));
  });

  it("proves at 25 constraints a row and settles within the transaction gas cap", () => {
    expect(summary.constraintsPerRow).to.be.below(25.5);
    expect(summary.constraints).to.be.below(2 ** 15);
    for (const gas of Object.values(summary.gas)) expect(gas).to.be.within(21_000, 16_777_216);
    expect(summary.gas.claimLater).to.be.below(summary.gas.claimFirst);
  });

  it("names the package a held-out file came from better than chance", () => {
    // Four packages: chance is one in four, and 48 answers at chance stay below 0.42 in 99% of cases.
    expect(summary.topContributorAccuracy).to.be.above(0.42);
  });

  it("names it no better than chance when the rows are shuffled", () => {
    expect(summary.accuracy.shuffled).to.be.below(0.42);
  });

  it("sees all three forgeries revert", () => {
    expect(summary.forgeriesReverted).to.equal(3);
  });

  it("ends server and operator, which ran as processes of their own, with exit code 0, and leaves nothing running", () => {
    expect(output).to.match(/✔ Server and operator started/);
    expect(output).to.match(/✔ Server and operator end with exit code 0 on SIGTERM/);
    const commands = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(commands).to.contain("test/e2e").and.not.contain("openledger-demo-");
  });
});
