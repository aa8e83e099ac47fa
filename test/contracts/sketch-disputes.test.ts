import { expect } from "chai";
import { parseEther } from "ethers";
import { network } from "hardhat";
import { proveOwnership, proveSums } from "../../prover/registration.ts";
import { merkleRoot } from "../../sdk/merkle.ts";
import { baseWeights, commitmentId, registrationChallenges, rowLengths, sketchLeaves } from "../../sdk/transcript.ts";
import { deployAttribution, mintModel, prepareRegistration, registrationArgument } from "../support/attribution.ts";
import { sampleSketches } from "../support/samples.ts";
import { type Lie, longer, rowsOf, shows, sumsOf } from "../support/steps.ts";

const K = 128;
const COUNTS = [5, 6];
const ROWS = 11;
const ACTIVATION = {
  window: 1000,
  answerWindow: 600,
  registrationBond: parseEther("5"),
  demandBond: parseEther("1"),
};

const connection = await network.create<"l1">("default");
const { networkHelpers } = connection;

/** A model on eleven rows; its owner and a challenger have bonds of 20. */
async function minted() {
  const chain = await deployAttribution(connection, ACTIVATION);
  const modelId = await mintModel(chain, [COUNTS]);
  const [challenger, helper] = chain.contributors.slice(-2) as [typeof chain.owner, typeof chain.owner];
  for (const account of [chain.owner, challenger]) {
    await chain.token.mint(account, parseEther("20"));
    await chain.token.connect(account).approve(chain.operators, parseEther("20"));
    await chain.operators.connect(account).bond(account, chain.token, parseEther("20"));
  }
  return { ...chain, modelId, challenger, helper };
}

const load = () => networkHelpers.loadFixture(minted);
type Chain = Awaited<ReturnType<typeof minted>>;

/**
 * Registers rows with sums that someone may have changed, all but the last P, and base weights by which he may have shifted
 * what he gets; gives what shows each row and border.
 */
async function registered(
  chain: Chain,
  sketches = sampleSketches(ROWS, K),
  lie: Lie = (sums) => sums,
  shift = (weights: number[]) => weights,
) {
  const shifted = shift(baseWeights(rowLengths(sketches, K), COUNTS));
  const prepared = await prepareRegistration(chain, chain.modelId, K, sketches, { baseWeights: shifted });
  const { commitmentId: id } = prepared;
  const shown = shows(rowsOf(sketches, K), sketchLeaves(sketches, K), lie(sumsOf(id, sketches, K)));
  const argument = registrationArgument(chain, prepared);
  argument.sums = { ...argument.sums, ...shown.sums };
  await chain.registry.connect(chain.owner).register(argument);
  return { id, argument, ...shown };
}

const wrongSum =
  (row: number): Lie =>
  (sums) =>
    sums.with(row, { ...sums[row]!, sum: sums[row]!.sum + 1n });

/** N of a row as a word, off by `length`, or from `start` on. */
const wrongLength =
  (row: number, length: bigint, start?: bigint): Lie =>
  (sums) =>
    sums.with(row, { ...sums[row]!, length: BigInt.asUintN(256, (start ?? sums[row]!.length) + length) });

const bonds = ({ operators, token }: Chain, account: { address: string }) =>
  Promise.all([
    operators.bondOf(account.address, token),
    operators.freeOf(account.address, token),
    operators.credits(token, account.address),
  ]).then((amounts) => amounts.map((amount) => Number(amount / parseEther("1"))));

describe("SketchDisputes", () => {
  it("20: lets right rows be, and makes their commitment active after the window, its bond free", async () => {
    const chain = await load();
    const { registry, disputes, challenger, owner, modelId, token } = chain;
    const { id, step } = await registered(chain);
    const { registrationBond, demandBond } = ACTIVATION;
    const [window, answerWindow] = [BigInt(ACTIVATION.window), BigInt(ACTIVATION.answerWindow)];
    const activeAt = BigInt(await networkHelpers.time.latest()) + window;
    const bond = [await token.getAddress(), registrationBond];
    expect(await disputes.activation()).to.deep.equal([window, answerWindow, registrationBond, demandBond]);
    expect(await disputes.trial(id)).to.deep.equal([owner.address, activeAt, 0n, false, ...bond]);
    for (const row of [0, 7, ROWS - 1])
      await expect(disputes.connect(challenger).challengeRow(id, step(row)))
        .to.be.revertedWithCustomError(disputes, "SketchesRowRight")
        .withArgs(id, row);
    expect([await registry.commitmentOf(modelId), BigInt(await registry.activeCommitmentOf(modelId))]).to.deep.equal([
      id,
      0n,
    ]);
    expect(await bonds(chain, owner)).to.deep.equal([20, 15, 0]);
    await expect(disputes.releaseBond(id)).to.be.revertedWithCustomError(disputes, "SketchesNotActive");
    await networkHelpers.time.increase(ACTIVATION.window);
    expect(await registry.activeCommitmentOf(modelId)).to.equal(id);
    await expect(disputes.challengeRow(id, step(0))).to.be.revertedWithCustomError(disputes, "SketchesNotPending");
    await expect(disputes.connect(challenger).demandRow(id, 0n)).to.be.revertedWithCustomError(
      disputes,
      "SketchesNotPending",
    );
    await disputes.releaseBond(id);
    await disputes.releaseBond(id); // releases nothing more
    expect(await bonds(chain, owner)).to.deep.equal([20, 20, 0]);
  });

  const entries = (start: number[]) => {
    const sketches = sampleSketches(ROWS, K);
    sketches.subarray(3 * K, 4 * K).fill(0);
    sketches.set(start, 3 * K);
    return sketches;
  };
  for (const [what, sketches, lie, row] of [
    ["an entry of -128", entries([-128]), undefined, 3],
    ["a norm above 136", entries([127, 49]), undefined, 3],
    ["a wrong step", undefined, wrongSum(5), 4],
    ["a first sum that is not zero", undefined, wrongSum(0), 0],
    ["a row that is longer than its entries", undefined, wrongLength(5, 1n), 4],
    ["a row that is shorter than its entries", undefined, wrongLength(5, -1n), 4],
    ["a first length that is not zero", undefined, wrongLength(0, 1n), 0],
    ["a length that the next row takes past a word", undefined, wrongLength(5, -1n, 0n), 5],
  ] as const)
    it(`20: revokes at once for ${what}, and gives the challenger the bond`, async () => {
      const chain = await load();
      const { registry, disputes, challenger, owner, modelId } = chain;
      const { id, argument, step } = await registered(chain, sketches, lie);
      const later = step(row + 2);
      for (const change of [
        ...[{ row: row + 1 }, { entries: later.entries }, { sumBefore: 5n }, { sumAfter: 5n }],
        ...[{ lengthBefore: 5n }, { lengthAfter: 5n }],
      ])
        await expect(disputes.challengeRow(id, { ...step(row), ...change })).to.be.revertedWithCustomError(
          disputes,
          "SketchesNotUnderRoots",
        );
      await expect(disputes.connect(challenger).challengeRow(id, step(row)))
        .to.emit(disputes, "CommitmentRevoked")
        .withArgs(id, row, challenger);
      expect(await bonds(chain, owner)).to.deep.equal([15, 15, 0]);
      expect(await bonds(chain, challenger)).to.deep.equal([20, 20, 5]);
      await networkHelpers.time.increase(ACTIVATION.window);
      expect(BigInt(await registry.commitmentOf(modelId))).to.equal(0n);
      expect(BigInt(await registry.activeCommitmentOf(modelId))).to.equal(0n);
      await expect(disputes.challengeRow(id, step(row))).to.be.revertedWithCustomError(disputes, "SketchesNotPending");
      await expect(registry.connect(owner).register(argument)).to.be.revertedWithCustomError(
        registry,
        "RegistryAlreadyRegistered",
      );
      const other = await registered(chain, sampleSketches(ROWS, K).fill(1, 0, 1));
      expect(await registry.commitmentOf(modelId)).to.equal(other.id);
    });

  /** Row 5 is the second contributor's first. */
  const toTheFirst = ([first, second]: number[]) => [first! + 40, second! - 40];

  it("20: revokes at once for a base weight shifted to the owner's own contribution, though all steps are right", async () => {
    const chain = await load();
    const { registry, disputes, challenger, owner, modelId } = chain;
    const { id, step, border, argument } = await registered(chain, undefined, undefined, toTheFirst);
    const from = disputes.connect(challenger);
    for (const row of [4, 5, ROWS - 1])
      await expect(from.challengeRow(id, step(row))).to.be.revertedWithCustomError(disputes, "SketchesRowRight");
    const [c, sum, length, proof] = border(1, 5);
    for (const other of [
      [c, sum + 1n, length, proof],
      [c, sum, length + 40n, proof], // what the base weights say
      [c, sum, length, proof.slice(1)],
      border(1, 4),
      border(0, 5),
    ] as const)
      await expect(from.challengeBorder(id, ...other)).to.be.revertedWithCustomError(disputes, "SketchesNotUnderRoots");
    await expect(from.challengeBorder(id, c, sum, length, proof))
      .to.emit(disputes, "CommitmentRevoked")
      .withArgs(id, 5, challenger);
    expect(await bonds(chain, owner)).to.deep.equal([15, 15, 0]);
    expect(await bonds(chain, challenger)).to.deep.equal([20, 20, 5]);
    expect(BigInt(await registry.commitmentOf(modelId))).to.equal(0n);
    await expect(from.challengeBorder(id, c, sum, length, proof)).to.be.revertedWithCustomError(
      disputes,
      "SketchesNotPending",
    );
    await expect(registry.connect(owner).register(argument)).to.be.revertedWithCustomError(
      registry,
      "RegistryAlreadyRegistered",
    );
    const right = await registered(chain);
    expect(await registry.commitmentOf(modelId)).to.equal(right.id);
  });

  it("20: revokes for a row or a border, whichever a base weight that was made larger leaves wrong", async () => {
    const chain = await load();
    const larger = ([first, second]: number[]) => [first! + 7, second!];
    for (const [from, show] of [
      [3, ({ step }) => ["challengeRow", step(2)]],
      [ROWS, ({ step }) => ["challengeRow", step(ROWS - 1)]],
      [ROWS, ({ border }) => ["challengeBorder", ...border(1, 5)]],
      [0, ({ border }) => ["challengeBorder", ...border(0, 0)]],
    ] as [number, (shown: ReturnType<typeof shows>) => [string, ...unknown[]]][]) {
      const snapshot = await networkHelpers.takeSnapshot();
      const shown = await registered(chain, undefined, longer(from, 7n), larger);
      const [method, ...args] = show(shown);
      const disputes = chain.disputes.connect(chain.challenger);
      await expect(disputes.getFunction(method)(shown.id, ...args)).to.emit(disputes, "CommitmentRevoked");
      await snapshot.restore();
    }
  });

  it("20: lets right base weights be", async () => {
    const chain = await load();
    const { disputes } = chain;
    const { id, border } = await registered(chain);
    const from = disputes.connect(chain.challenger);
    for (const [c, row] of [
      [0, 0],
      [1, 5],
    ] as const)
      await expect(from.challengeBorder(id, ...border(c, row)))
        .to.be.revertedWithCustomError(disputes, "SketchesBorderRight")
        .withArgs(id, c);
    await expect(from.challengeBorder(id, ...border(2, ROWS)))
      .to.be.revertedWithCustomError(disputes, "SketchesUnknownContributor")
      .withArgs(id, 2);
    await networkHelpers.time.increase(ACTIVATION.window);
    await expect(from.challengeBorder(id, ...border(1, 5))).to.be.revertedWithCustomError(
      disputes,
      "SketchesNotPending",
    );
  });

  it("20: revokes at once for a published row of another length", async () => {
    const chain = await load();
    const { registry, disputes, challenger, srs } = chain;
    const sketches = sampleSketches(ROWS, K);
    const short = sketches.subarray(0, K - 1);
    const rowTree = sketchLeaves(sketches, K).with(0, sketchLeaves(short, K - 1)[0]!);
    const prepared = await prepareRegistration(chain, chain.modelId, K, sketches);
    const statement = { ...prepared.statement, gRoot: merkleRoot(rowTree) };
    const id = commitmentId(statement);
    const challenges = registrationChallenges(id);
    const opening = await proveOwnership(statement.counts, statement.flags, challenges.zeta, srs);
    const sums = await proveSums(sketches, K, challenges, srs);
    await registry
      .connect(chain.owner)
      .register(registrationArgument(chain, { ...prepared, statement, opening, sums }));
    const { step } = shows(rowsOf(short, K - 1), rowTree, sumsOf(id, sketches, K));
    await expect(disputes.connect(challenger).challengeRow(id, step(0)))
      .to.emit(disputes, "CommitmentRevoked")
      .withArgs(id, 0, challenger);
  });

  it("20: has a demanded row shown in time by anyone, and gives the owner the demander's bond", async () => {
    const chain = await load();
    const { disputes, challenger, helper, owner } = chain;
    const { id, step } = await registered(chain);
    const from = disputes.connect(challenger);
    await expect(from.demandRow(id, ROWS)).to.be.revertedWithCustomError(disputes, "SketchesUnknownRow");
    await networkHelpers.time.increase(ACTIVATION.window - 100);
    await from.demandRow(id, 2n);
    const until = BigInt(await networkHelpers.time.latest()) + BigInt(ACTIVATION.answerWindow);
    expect(await disputes.demand(id, 2n)).to.deep.equal([challenger.address, until, ACTIVATION.demandBond]);
    await expect(from.demandRow(id, 2n)).to.be.revertedWithCustomError(disputes, "SketchesRowDemanded");
    expect(await bonds(chain, challenger)).to.deep.equal([20, 19, 0]);
    await networkHelpers.time.increase(200);
    expect(await disputes.isActive(id)).to.equal(false); // a demand is open
    await expect(from.demandRow(id, 3n)).to.be.revertedWithCustomError(disputes, "SketchesWindowClosed");
    await expect(from.expire(id, 2n)).to.be.revertedWithCustomError(disputes, "SketchesStillAnswerable");
    await expect(disputes.connect(helper).answerRow(id, step(3))).to.be.revertedWithCustomError(
      disputes,
      "SketchesNoDemand",
    );
    await disputes.connect(helper).answerRow(id, step(2));
    expect(await disputes.isActive(id)).to.equal(true);
    expect(await bonds(chain, challenger)).to.deep.equal([19, 19, 0]);
    expect(await bonds(chain, owner)).to.deep.equal([20, 15, 1]);
    await expect(from.expire(id, 2n)).to.be.revertedWithCustomError(disputes, "SketchesNoDemand");
  });

  it("20: revokes for a demanded row that nobody can show, and gives every demander his bond back", async () => {
    const chain = await load();
    const { disputes, challenger, owner } = chain;
    const { id, step } = await registered(chain, undefined, wrongSum(5));
    const from = disputes.connect(challenger);
    await from.demandRow(id, 4n);
    await from.demandRow(id, 8n);
    await expect(disputes.answerRow(id, step(4))).to.be.revertedWithCustomError(disputes, "SketchesRowWrong");
    await networkHelpers.time.increase(ACTIVATION.answerWindow + 1);
    await expect(disputes.answerRow(id, step(8))).to.be.revertedWithCustomError(disputes, "SketchesAnswerLate");
    await disputes.expire(id, 4n);
    expect(await bonds(chain, challenger)).to.deep.equal([20, 19, 5]);
    await disputes.expire(id, 8n);
    expect(await bonds(chain, challenger)).to.deep.equal([20, 20, 5]);
    expect(await bonds(chain, owner)).to.deep.equal([15, 15, 0]);
  });

  it("is begun by the registry alone, and takes no registration without its bond", async () => {
    const chain = await load();
    const { disputes, operators, owner, token } = chain;
    await expect(disputes.connect(owner).begin(`0x${"01".repeat(32)}`, owner, token)).to.be.revertedWithCustomError(
      disputes,
      "SketchesNotRegistry",
    );
    await operators.connect(owner).startWithdrawal(token, parseEther("16"));
    await expect(registered(chain)).to.be.revertedWithCustomError(operators, "OperatorsFreeTooSmall");
  });
});
