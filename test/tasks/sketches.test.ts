import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseEther } from "ethers";
import { devSrs } from "../../circuits/setup/dev.ts";
import { commitColumns, commitFlags } from "../../prover/kzg.ts";
import { modelFacts } from "../../prover/register.ts";
import { proveOwnership, proveSums } from "../../prover/registration.ts";
import { contentId } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { sketchDisputes } from "../../sdk/contracts.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import {
  baseWeights,
  commitmentId,
  type RunningSum,
  registrationChallenges,
  rowLengths,
  sketchLeaves,
  sketchRoot,
} from "../../sdk/transcript.ts";
import { bondFor } from "../support/disputes.ts";
import { eventually } from "../support/program.ts";
import { sampleSketches } from "../support/samples.ts";
import { type Lie, longer, rowsOf, shows, sumsOf } from "../support/steps.ts";
import { folder, idle, known, OWNER, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { deployedWith, ethers, freeze, K, networkHelpers, owner, type Ready, stranger } from "../support/world.ts";

const ROWS = 16;
const UNIT = 10n ** 6n;
const ACTIVATION = {
  window: 10_000,
  answerWindow: 600,
  registrationBond: parseEther("5"),
  demandBond: parseEther("1"),
};

/** A chain on which registrations can be disputed; owner and stranger have bonded 20. */
async function onTrial() {
  const world = await deployedWith(ACTIVATION);
  const datanetId = await freeze(world, [9, 7]);
  for (const account of [owner, stranger]) await bondFor(world as Ready, account, 20n * UNIT);
  return { ...world, datanetId: String(datanetId) };
}

/** What `--sums` reads. */
const written = (sums: RunningSum[]) => JSON.stringify(sums.map(({ sum, length }) => [`${sum}`, `${length}`]));

const expectRevert = async (attempt: Promise<unknown>, error: string) =>
  expect(
    await attempt.then(
      () => "none",
      (thrown: Error) => thrown.message,
    ),
  ).to.contain(error);

describe("Tasks of a pending registration", function () {
  this.timeout(60_000);
  useTasks();

  const store = () => join(folder, "store");

  /**
   * Mints model 1 and registers its sketches. An owner who cheats puts others into the store (`published`), commits others
   * in the columns (`inColumns`), changes the sums (`lie`), or shifts base weights (`shift`).
   */
  async function registered({
    rows = sampleSketches(ROWS, K),
    published = rows,
    inColumns = rows,
    lie = (sums) => sums,
    shift = (weights) => weights,
  }: Partial<{
    rows: Int8Array;
    published: Int8Array;
    inColumns: Int8Array;
    lie: Lie;
    shift: (weights: number[]) => number[];
  }> = {}) {
    const world = await known(await networkHelpers.loadFixture(onTrial));
    const content = new ContentStore(store());
    const put = (text: string) => content.put(Buffer.from(text));
    const manifest = {
      name: "Sample",
      methodVersion: 1,
      base: { name: "base", hash: ethers.id("base") },
      adapter: { hash: ethers.id("weights"), config: await put("config"), weights: await put("weights") },
      sketches: {
        rows: await content.put(int8Bytes(published)),
        basis: await put("basis"),
        description: await put(JSON.stringify({ k: K, m0: 1, count: ROWS })),
      },
      versions: [{ datanetId: world.datanetId, version: "1" }],
      training: {},
    };
    const path = join(folder, "manifest.json");
    writeFileSync(path, JSON.stringify(manifest));
    await run("tokens:allow", { tokens: [world.token.target] });
    await run("model:mint", { manifest: path, account: OWNER, store: store() });
    const facts = await modelFacts(world, 1n);
    const { counts } = facts;
    const srs = await devSrs(ROWS);
    const columns = await commitColumns(inColumns, K, srs);
    const flags = await commitFlags(counts, srs);
    const gRoot = sketchRoot(rows, K);
    const base = shift(baseWeights(rowLengths(inColumns, K), counts));
    const id = commitmentId({ ...facts, k: K, baseWeights: base, columns, flags, gRoot, m0: 1n });
    const challenges = registrationChallenges(id);
    const sums = lie(sumsOf(id, inColumns, K));
    const shown = shows(rowsOf(rows, K), sketchLeaves(rows, K), sums);
    const proven = await proveSums(inColumns, K, challenges, srs);
    await world.attribution.connect(owner).register({
      ...{ modelId: 1n, vkId: world.vkId, k: K, columns, flags, gRoot, m0: 1n, baseWeights: base },
      opening: await proveOwnership(counts, flags, challenges.zeta, srs),
      sums: { ...proven, ...shown.sums },
    });
    const disputes = await sketchDisputes(world);
    const { operators, token } = world;
    const credit = async (account: typeof owner) => Number((await operators.credits(token, account)) / UNIT);
    const of = { model: 1n, store: store() };
    return { ...world, id, sums, step: shown.step, credit, rows: manifest.sketches.rows, of, trial: disputes };
  }

  it("finds nothing wrong where nothing is, and frees the bond once it is active", async () => {
    const { of, operators, token } = await registered();
    const found = await idle("model:challenge", { ...of, account: STRANGER });
    expect(found).to.include({ rows: "16" });
    expect(found.message).to.match(/is right.*Nothing sent/);
    expect((await idle("model:answer", of)).message).to.match(/No row is demanded/);
    expect((await idle("model:resolve", { model: 1n })).message).to.match(/Nothing is over/);
    await networkHelpers.time.increase(ACTIVATION.window);
    expect(await operators.freeOf(owner, token)).to.equal(15n * UNIT);
    const plan = await idle("model:resolve", { model: 1n, dryRun: true });
    expect(plan.transactions[0].function).to.match(/^releaseBond/);
    expect((await run("model:resolve", { model: 1n })).ended).to.have.length(1);
    expect(await operators.freeOf(owner, token)).to.equal(20n * UNIT);
    expect((await idle("model:resolve", { model: 1n })).message).to.match(/Nothing is over/);
    expect(await refused("model:challenge", { ...of, account: STRANGER })).to.match(/MODEL_ACTIVE/);
  });

  it("challenges the first wrong sum, from sums that the owner published, and takes his bond", async () => {
    const lie: Lie = (sums) => sums.with(5, { ...sums[5]!, sum: sums[5]!.sum + 1n });
    const { of, sums, credit } = await registered({ lie });
    const path = join(folder, "sums.json");
    const from = { ...of, account: STRANGER, sums: path };
    expect(await refused("model:challenge", from)).to.match(/sums: there is no .*SUMS_INVALID/);
    writeFileSync(path, "{}");
    expect(await refused("model:challenge", from)).to.match(/sums: .* no JSON list.*SUMS_INVALID/);
    writeFileSync(path, written(sums.with(4, { sum: 1n, length: 0n })));
    expect(await refused("model:challenge", from)).to.match(/SUMS_OTHER/);
    writeFileSync(path, written(sums));
    const plan = await idle("model:challenge", { ...from, dryRun: true });
    expect(plan.transactions[0].function).to.match(/^challengeRow/);
    expect(await run("model:challenge", from)).to.include({ row: 4, fault: "sum" });
    expect(await credit(stranger)).to.equal(5);
    expect(await refused("model:challenge", from)).to.match(/MODEL_UNREGISTERED/);
  });

  it("lets sums be that are not the rows' own where the last one is: the columns commit the rows", async () => {
    const lie: Lie = (sums) => sums.map((one, i) => (i > 11 && i < ROWS ? { ...one, sum: one.sum + 7n } : one));
    const { of } = await registered({ lie });
    expect((await idle("model:challenge", { ...of, account: STRANGER })).message).to.match(/is right/);
  });

  it("finds the row that the columns do not commit, by halves, and has the commitment revoked", async () => {
    const wrong = 11;
    const inColumns = sampleSketches(ROWS, K);
    inColumns[wrong * K]! ^= 1;
    const { of, id, step, trial, attribution, credit } = await registered({ inColumns });
    const from = { ...of, account: STRANGER, demand: true };
    const demanded: number[] = [];
    for (;;) {
      const { row, why } = await run("model:challenge", from);
      demanded.push(row);
      expect(why).to.match(/not those of the rows/);
      if (row === wrong) break;
      await trial.connect(owner).answerRow(id, step(row));
    }
    expect(demanded).to.deep.equal([7, 11]);
    await expectRevert(trial.connect(owner).answerRow(id, step(wrong)), "SketchesRowWrong");
    expect((await idle("model:challenge", from)).message).to.match(/Row 11 is demanded, until .*nothing sent/);
    await networkHelpers.time.increase(ACTIVATION.answerWindow + 2);
    await run("model:resolve", { model: 1n, account: STRANGER });
    expect(BigInt(await attribution.commitmentOf(1n))).to.equal(0n);
    expect([await credit(stranger), await credit(owner)]).to.deep.equal([5, 1]);
  });

  it("challenges a row out of bounds, and demands it where its sums are not published", async () => {
    const start = (entries: number[]) => {
      const rows = sampleSketches(ROWS, K);
      rows.subarray(3 * K, 4 * K).fill(0);
      rows.set(entries, 3 * K);
      return rows;
    };
    const long = await registered({ rows: start([127, 49]) });
    expect(await run("model:challenge", { ...long.of, account: STRANGER })).to.include({ row: 3, fault: "bounds" });

    const { of, sums } = await registered({ rows: start([-128]), inColumns: start([127]) });
    const from = { ...of, account: STRANGER };
    expect(await refused("model:challenge", from)).to.match(/Row 3 is out of bounds.*demand row 3/);
    const path = join(folder, "sums.json");
    writeFileSync(path, written(sums));
    expect(await run("model:challenge", { ...from, sums: path })).to.include({ row: 3, fault: "bounds" });
  });

  /** The first contributor's base weight larger by 40; the second's first row is 9. */
  const toTheFirst = ([first, second]: number[]) => [first! + 40, second! - 40];

  it("challenges a base weight that was shifted to another contributor", async () => {
    const { of, credit, attribution } = await registered({ shift: toTheFirst });
    const from = { ...of, account: STRANGER };
    const plan = await idle("model:challenge", { ...from, dryRun: true });
    expect(plan.transactions[0].function).to.match(/^challengeBorder/);
    expect(await run("model:challenge", from)).to.include({ row: 9, contributor: 1, fault: "base weights" });
    expect(await credit(stranger)).to.equal(5);
    expect(BigInt(await attribution.commitmentOf(1n))).to.equal(0n);
  });

  it("has the sum before a shifted base weight shown where sums are not published, then challenges it", async () => {
    const lie: Lie = (sums) => sums.map((one, i) => (i > 11 && i < ROWS ? { ...one, sum: one.sum + 7n } : one));
    const { of, id, step, trial } = await registered({ lie, shift: toTheFirst });
    const from = { ...of, account: STRANGER, demand: true };
    const { row, why } = await run("model:challenge", from);
    expect(row).to.equal(9);
    expect(why).to.match(/base weights before contributor 1 are not those of the rows/);
    await trial.connect(owner).answerRow(id, step(9));
    expect(await run("model:challenge", from)).to.include({ row: 9, contributor: 1, fault: "base weights" });
  });

  it("finds the row whose length was made up for a larger base weight, from the sums or by halves", async () => {
    const { of, id, sums, step, trial } = await registered({
      lie: longer(6, 7n),
      shift: ([first, second]) => [first! + 7, second!],
    });
    const from = { ...of, account: STRANGER, demand: true };
    const demanded: number[] = [];
    for (;;) {
      const { row } = await run("model:challenge", from);
      demanded.push(row);
      if (row === 5) break;
      await trial.connect(owner).answerRow(id, step(row));
    }
    expect(demanded).to.deep.equal([7, 3, 5]);
    await expectRevert(trial.connect(owner).answerRow(id, step(5)), "SketchesRowWrong");
    const path = join(folder, "sums.json");
    writeFileSync(path, written(sums));
    expect(await run("model:challenge", { ...from, sums: path })).to.include({ row: 5, fault: "length" });
  });

  it("demands rows of a registration whose published rows are others, has them shown, or has it revoked", async () => {
    const others = sampleSketches(ROWS, K).fill(1, 0, 1);
    const { of, attribution, operators, token, credit, rows } = await registered({ published: others });
    const from = { ...of, account: STRANGER };
    expect(await refused("model:challenge", from)).to.match(/demand: .*not the committed ones.*locks 1.0 of 0x/);
    expect(await run("model:challenge", { ...from, demand: true })).to.include({ row: 0 });
    expect(await operators.freeOf(stranger, token)).to.equal(19n * UNIT);
    // The owner finds the right ones after all.
    expect(await refused("model:answer", { ...of, account: OWNER })).to.match(/SKETCHES_WRONG/);
    const right = int8Bytes(sampleSketches(ROWS, K));
    writeFileSync(join(store(), rows), right);
    expect(await refused("model:answer", { ...of, account: OWNER })).to.match(/CONTENT_CORRUPT/);
    expect(await contentId(right)).to.not.equal(rows);

    rmSync(join(store(), rows));
    expect(await run("model:challenge", { ...from, demand: true })).to.include({ row: 1 });
    await networkHelpers.time.increase(ACTIVATION.answerWindow + 2);
    expect((await run("model:resolve", { model: 1n })).ended).to.have.length(2);
    expect(BigInt(await attribution.commitmentOf(1n))).to.equal(0n);
    expect(await credit(stranger)).to.equal(5);
    expect(await operators.freeOf(stranger, token)).to.equal(20n * UNIT);
    expect((await idle("model:resolve", { model: 1n })).message).to.match(/Nothing is over/);
  });

  it("shows demanded rows, and gives their owner the demander's bonds", async () => {
    const { of, trial, id, credit } = await registered();
    for (const row of [3n, 8n]) await trial.connect(stranger).demandRow(id, row);
    expect(await run("model:answer", { ...of, account: OWNER })).to.deep.include({ rows: ["3", "8"] });
    expect(await credit(owner)).to.equal(2);
    expect((await idle("model:answer", { ...of, account: OWNER })).message).to.match(/No row is demanded/);
  });

  it("goes on showing what is demanded until the registration is active, and frees its bond", async () => {
    const { of, trial, id, operators, token, credit } = await registered();
    const watching = run("model:answer", { ...of, account: OWNER, every: 1 });
    for (const row of [3n, 8n]) {
      await trial.connect(stranger).demandRow(id, row);
      await eventually(async () => (await trial.demand(id, row)).until === 0n, `row ${row} is shown`);
    }
    await networkHelpers.time.increase(ACTIVATION.window);
    expect(await watching).to.deep.include({ rows: ["3", "8"] });
    expect(await credit(owner)).to.equal(2);
    expect(await operators.freeOf(owner, token)).to.equal(20n * UNIT);
  });

  it("does not begin to with other rows than the registered, or in a plan, and ends where it is revoked", async () => {
    const other = await registered({ published: sampleSketches(ROWS + 1, K) });
    const watch = { every: 1, account: OWNER };
    expect(await refused("model:answer", { ...other.of, ...watch })).to.match(/SKETCHES_WRONG/);
    const tooLong = sampleSketches(ROWS, K).fill(127, 0, 2);
    const { of, trial, id, step } = await registered({ rows: tooLong });
    expect(await refused("model:answer", { ...of, ...watch, dryRun: true })).to.match(/every: .*planned/);
    expect(await refused("model:answer", { ...of, every: -1 })).to.match(/every: give seconds/);
    const watching = run("model:answer", { ...of, ...watch }).catch((error: Error) => error.message);
    await trial.connect(stranger).demandRow(id, 5n);
    await eventually(async () => (await trial.demand(id, 5n)).until === 0n, "row 5 is shown");
    await trial.connect(stranger).challengeRow(id, step(0));
    expect(await watching).to.match(/MODEL_REVOKED|was revoked/);
  });
});
