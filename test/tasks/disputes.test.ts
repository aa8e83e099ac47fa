import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ROLES } from "../../deploy/modules/OpenLedger.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { earningsOf } from "../../sdk/history.ts";
import { encodeAttributed } from "../../sdk/receipts.ts";
import { decodeTree, encodeTree } from "../../sdk/receipts-tree.ts";
import { changed, proposeTree, type Sold, sketches, sold } from "../support/disputes.ts";
import {
  FIRST_CONTRIBUTOR,
  folder,
  idle,
  known,
  OPERATOR,
  refused,
  run,
  STRANGER,
  useTasks,
} from "../support/tasks.ts";
import {
  admin,
  auditors,
  COMMITTEE,
  contributors,
  ethers,
  networkHelpers,
  operator,
  TIMING,
} from "../support/world.ts";

const EPOCH = { model: 1n, epoch: 0n };
const AUDITOR = FIRST_CONTRIBUTOR + contributors.length - auditors.length;

describe("Tasks of disputes", function () {
  this.timeout(120_000);
  useTasks();

  /** An epoch to propose, and files as an operator has them. */
  async function world() {
    const all = await known(await networkHelpers.loadFixture(sold));
    const manager = await ethers.getContractAt("AccessManager", await all.splitter.authority());
    for (const auditor of auditors) await manager.connect(admin).grantRole(ROLES.auditor, auditor, 0);
    const files = {
      records: join(folder, "records.json"),
      sketches: join(folder, "sketches"),
      receipts: join(folder, "receipts"),
    };
    writeFileSync(files.records, encodeAttributed([...all.records.values()]));
    mkdirSync(files.sketches);
    writeFileSync(join(files.sketches, "rows.int8"), int8Bytes(sketches));
    return { ...all, files };
  }

  const credit = ({ operators, token }: Sold) => operators.credits(token, operator);

  it("propose an epoch from servers' records, keep what answers demands, and answer them from there", async () => {
    const all = await world();
    const { records, sketches: rows, receipts } = all.files;
    const by = { ...EPOCH, account: OPERATOR, receipts };
    for (const [args, message] of [
      [{}, /records: name the files.*RECORDS_MISSING/],
      [{ records }, /sketches: name the folder.*SKETCHES_MISSING/],
      [{ records: "nowhere.json", sketches: rows }, /records: there is no nowhere.json.*RECORDS_MISSING/],
      [{ records, sketches: folder }, /sketches: .*SKETCHES_MISSING/],
      [{ tree: "nowhere.json" }, /tree: there is no nowhere.json.*TREE_MISSING/],
      [{ records, sketches: rows, account: STRANGER }, /account: .*AccessManagedUnauthorized/],
    ] as const)
      expect(await refused("epoch:propose", { ...by, ...args })).to.match(message);
    writeFileSync(records, encodeAttributed([...all.records.values()].slice(1)));
    expect(await refused("epoch:propose", { ...by, records, sketches: rows })).to.match(/EPOCH_FEES_DIFFER/);
    writeFileSync(records, encodeAttributed([...all.records.values()]));

    const plan = await idle("epoch:propose", {
      ...by,
      records,
      sketches: rows,
      dryRun: true,
      receipts: `${receipts}2`,
    });
    expect(plan.transactions[0].function).to.match(/^propose\(/);
    expect(existsSync(`${receipts}2`), "a dry run writes nothing").to.equal(false);
    const proposed = await run("epoch:propose", { ...by, records, sketches: rows });
    expect(proposed).to.include({ receipts: 7, round: "1", proposer: operator.address });
    const kept = join(receipts, proposed.receiptsRoot);
    const tree = decodeTree(readFileSync(join(kept, "tree.json"), "utf8"));
    expect(tree.root).to.equal((await all.splitter.epoch(1n, 0n)).receiptsRoot);
    expect((await idle("epoch:propose", { ...by, records, sketches: rows })).message).to.match(/nothing sent/);

    const from = { ...EPOCH, account: STRANGER };
    await run("epoch:challenge", { ...from, kind: "demand", index: 2n });
    expect(await refused("epoch:challenge", { ...from, kind: "demand", index: 2n })).to.match(/index: this dispute/);
    expect(await refused("epoch:challenge", { ...from, kind: "sample", index: 3n })).to.match(
      /AccessManagedUnauthorized/, // the sample is drawn: anyone may
    );
    await run("epoch:challenge", { ...EPOCH, account: AUDITOR, kind: "sample", index: 3n });
    expect(await refused("epoch:challenge", { ...EPOCH, account: AUDITOR, kind: "sample", index: 30n })).to.match(
      /index: a sample has the points 0 to 29/,
    );

    const before = await credit(all);
    expect(await refused("epoch:answer", { dispute: 9n, receipts })).to.match(/dispute: there is no 9/);
    expect(await refused("epoch:answer", { dispute: 1n, receipts: folder })).to.match(/receipts: there is no/);
    const other = join(folder, "other.json");
    writeFileSync(other, encodeTree(all.tree));
    if (all.tree.root !== tree.root)
      expect(await refused("epoch:answer", { dispute: 1n, tree: other, receipts })).to.match(/DISPUTE_OTHER_TREE/);
    expect(await refused("epoch:answer", { dispute: 1n, tree: join(kept, "tree.json"), receipts })).to.match(
      /DEMAND_RECORD/,
    );
    expect((await idle("epoch:answer", { dispute: 1n, receipts, dryRun: true })).transactions[0].function).to.match(
      /^answer\(/,
    );
    expect(await run("epoch:answer", { dispute: 1n, receipts, account: OPERATOR })).to.include({
      kind: "demand",
      index: "2",
    });
    expect(await credit(all)).to.be.greaterThan(before);
    expect((await idle("epoch:answer", { dispute: 1n, receipts })).message).to.match(/nothing sent/);
    const files = { tree: join(kept, "tree.json"), records, receipts: "nowhere" };
    expect(await run("epoch:answer", { dispute: 2n, ...files })).to.include({ kind: "sample" });
    const { disputes } = await run("epoch:disputes", EPOCH);
    expect(disputes.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(["answered", "answered"]);
  });

  it("draw the sample with its first demand", async () => {
    const all = await world();
    await proposeTree(all, all.tree);
    const sampled = await run("epoch:challenge", { ...EPOCH, account: AUDITOR, kind: "sample", index: 0n });
    expect(sampled).to.include({ kind: "sample", round: "1" });
    const { disputes } = await run("epoch:disputes", EPOCH);
    expect(disputes[0]).to.include({ kind: "sample", outcome: "open", bond: "0.0" });
  });

  it("propose a tree from its file, unless its sums are wrong", async () => {
    const all = await world();
    const { records, receipts } = all.files;
    const tree = join(folder, "tree.json");
    const by = { ...EPOCH, account: OPERATOR, receipts, tree };
    writeFileSync(tree, encodeTree(changed(all.tree, 2, ({ feeSum }) => ({ feeSum: feeSum + 1n }))));
    expect(await refused("epoch:propose", by)).to.match(/tree: .*TREE_WRONG/);
    writeFileSync(tree, encodeTree(all.tree));
    expect(await run("epoch:propose", { ...by, records })).to.include({ receiptsRoot: all.tree.root });
    await run("epoch:challenge", { ...EPOCH, account: STRANGER, kind: "sketch", index: 1n, evidence: "bafy" });
    expect(await refused("epoch:answer", { dispute: 1n, receipts })).to.match(/DISPUTE_NO_DEMAND/);
  });

  it("report a settled epoch, and correct it once the committee upheld that", async () => {
    const all = await world();
    const from = { ...EPOCH, account: STRANGER, evidence: "bafy" };
    const extra = "0.00002,0,0.000005";
    await proposeTree(all, all.tree);
    expect(await refused("epoch:report", { ...from, extra })).to.match(/epoch: 0 of model 1 is not settled/);
    await networkHelpers.time.increase(TIMING.challengeWindow);
    await run("epoch:settle", { ...EPOCH, account: OPERATOR, sketches: all.files.sketches });
    for (const [args, message] of [
      [{ extra: "1,2" }, /extra: it has 2 amounts.*3 contributors/],
      [{ extra: "1,x,2" }, /extra: x is no amount/],
      [{ extra: "-1,0,2" }, /extra: -1 is no amount/],
      [{ extra: "0.0000001,0,2" }, /extra: 0.0000001 has more than 6 decimal places/],
      [{ extra: "0,0,0" }, /extra: nobody gets anything/],
      [{ extra, evidence: undefined }, /evidence: .*EVIDENCE_MISSING/],
    ] as const)
      expect(await refused("epoch:report", { ...from, ...args })).to.match(message);
    const plan = await idle("epoch:report", { ...from, extra, dryRun: true });
    expect(plan.transactions[0].function).to.match(/^report\(/);
    const reported = await run("epoch:report", { ...from, extra });
    expect(reported).to.include({ dispute: "1", case: "1", extra: "0.00002,0.0,0.000005" });
    expect(reported.locked).to.match(/^0.000\d+ of 0x/);
    expect((await idle("epoch:report", { ...from, extra })).message).to.match(/nothing sent/);
    expect(await refused("epoch:resolve", { dispute: 1n })).to.match(/DisputesPending/);

    const votes = join(folder, "votes");
    for (const i of [0, 1]) await run("committee:vote", { case: 1n, choice: "uphold", account: AUDITOR + i, votes });
    await networkHelpers.time.increase(COMMITTEE.commitPeriod);
    for (const i of [0, 1]) await run("committee:reveal", { case: 1n, account: AUDITOR + i, votes });
    await networkHelpers.time.increase(COMMITTEE.revealPeriod);
    const earned = await earningsOf(all.splitter, all.id);
    expect(await run("epoch:resolve", { dispute: 1n })).to.include({
      ...{ kind: "report", outcome: "upheld" },
      paid: "0.000025",
    });
    expect(await earningsOf(all.splitter, all.id)).to.deep.equal([earned[0]! + 20n, earned[1]!, earned[2]! + 5n]);
    const { payouts } = await run("epoch:show", EPOCH);
    expect(payouts.map(({ corrected }: { corrected: string }) => corrected)).to.deep.equal([
      "0.00002",
      "0.0",
      "0.000005",
    ]);
    const shown = await run("epoch:disputes", EPOCH);
    expect(shown).to.include({ open: "0" });
    expect(shown.locksReport).to.match(/ of 0x/);
  });
});
