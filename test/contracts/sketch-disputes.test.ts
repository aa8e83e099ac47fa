import { expect } from "chai";
import { parseEther } from "ethers";
import { network } from "hardhat";
import { proveOwnership, proveSums } from "../../prover/registration.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../../sdk/merkle.ts";
import {
  commitmentId,
  foldRows,
  registrationChallenges,
  runningSums,
  sketchLeaves,
  sumLeaves,
} from "../../sdk/transcript.ts";
import { deployAttribution, mintModel, prepareRegistration, registrationArgument } from "../support/attribution.ts";
import { sampleSketches } from "../support/samples.ts";

const K = 128;
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
  const modelId = await mintModel(chain, [[5, 6]]);
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

/** Registers rows with sums that someone may have changed, all but the last; gives what shows each row. */
async function registered(chain: Chain, sketches = sampleSketches(ROWS, K), lie = (sums: bigint[]) => sums) {
  const prepared = await prepareRegistration(chain, chain.modelId, K, sketches);
  const { commitmentId: id } = prepared;
  const { zeta, gamma } = registrationChallenges(id);
  const sums = lie(runningSums(foldRows(sketches, K, gamma), zeta));
  const [rowTree, sumTree] = [sketchLeaves(sketches, K), sumLeaves(sums)];
  const argument = registrationArgument(chain, prepared);
  argument.sums = { ...argument.sums, root: merkleRoot(sumTree), proof: merkleProof(sumTree, ROWS) };
  await chain.registry.connect(chain.owner).register(argument);
  const step = (row: number) => ({
    row,
    entries: int8Bytes(sketches.subarray(row * K, (row + 1) * K)),
    entriesProof: merkleProof(rowTree, row),
    sumBefore: sums[row]!,
    beforeProof: merkleProof(sumTree, row),
    sumAfter: sums[row + 1]!,
    afterProof: merkleProof(sumTree, row + 1),
  });
  return { id, argument, step };
}

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
    ["a wrong step", undefined, (sums: bigint[]) => sums.with(5, sums[5]! + 1n), 4],
    ["a first sum that is not zero", undefined, (sums: bigint[]) => sums.with(0, 1n), 0],
  ] as const)
    it(`20: revokes at once for ${what}, and gives the challenger the bond`, async () => {
      const chain = await load();
      const { registry, disputes, challenger, owner, modelId } = chain;
      const { id, argument, step } = await registered(chain, sketches, lie);
      const later = step(row + 2);
      for (const change of [{ row: row + 1 }, { entries: later.entries }, { sumBefore: 5n }, { sumAfter: 5n }])
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
    const stated = runningSums(foldRows(sketches, K, challenges.gamma), challenges.zeta);
    const sumTree = sumLeaves(stated);
    const step = {
      row: 0,
      entries: int8Bytes(short),
      entriesProof: merkleProof(rowTree, 0),
      sumBefore: stated[0]!,
      beforeProof: merkleProof(sumTree, 0),
      sumAfter: stated[1]!,
      afterProof: merkleProof(sumTree, 1),
    };
    await expect(disputes.connect(challenger).challengeRow(id, step))
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
    const { id, step } = await registered(chain, undefined, (sums) => sums.with(5, sums[5]! + 1n));
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
