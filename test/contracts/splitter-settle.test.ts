import { expect } from "chai";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../../circuits/setup/zkey.ts";
import { stopProver } from "../../prover/groth16.ts";
import { commitColumns, commitFlags } from "../../prover/kzg.ts";
import { proveEpoch, settleArguments, settleEpoch } from "../../prover/operator.ts";
import type { Committed, Settlement } from "../../prover/settlement.ts";
import { sharePot } from "../../sdk/epoch.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import { claimOf, earningsOf } from "../../sdk/history.ts";
import { claimRoot } from "../../sdk/merkle.ts";
import { baseWeights, rowLengths } from "../../sdk/transcript.ts";
import { settlementsOf } from "../../sdk/views/money.ts";
import { settleCallOf } from "../../sdk/views/proofs.ts";
import { integers, sampleSketches } from "../support/samples.ts";
import {
  closeEpoch,
  contributors,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  K,
  mint,
  networkHelpers,
  operator,
  pay,
  proposal,
  type Ready,
  register,
  registerKey,
  stranger,
  TIMING,
} from "../support/world.ts";

/** Two chunks of 210 rows; the second contributor spans both. */
const COUNTS = [150, 90, 20];
const ROWS = 260;
const BASE = baseWeights(rowLengths(sampleSketches(ROWS, K), K), COUNTS).map(BigInt);
const FEES = 40_003n;
/** So small against the fees that the floor, not the sum of the scores, divides them. */
const V = Array.from(integers("V", K, 100), (entry) => BigInt(entry) * 10n ** 10n);

/** A model whose epochs 0 and 1 took the same fees and had the same V proposed, and a proof for each. */
type Proven = Ready & { settlements: [Settlement, Settlement] };

describe("RewardSplitter, settling by proof", function () {
  this.timeout(300_000);
  let key: ProvingKey;
  let srs: Srs;
  let committed: Committed;

  before(async () => {
    key = await devKey(INSTANCES.r210);
    srs = await devSrs(ROWS);
    const sketches = sampleSketches(ROWS, K);
    committed = {
      counts: COUNTS,
      sketches,
      columns: await commitColumns(sketches, K, srs),
      flags: await commitFlags(COUNTS, srs),
    };
  });
  after(stopProver);

  async function proven(): Promise<Proven> {
    const world = await deployed();
    const vkId = await registerKey(world, await verifyingKey(key));
    const datanetId = await freeze(world, COUNTS);
    const modelId = await mint(world, datanetId, world.token);
    const id = await register(world, modelId, COUNTS, { rows: committed.sketches, k: K, m0: 1 }, vkId);
    const all = { ...world, modelId, id };
    await world.splitter.openEpoch(modelId);
    await deposit(world, customer, 2n * FEES);
    const settlements: Settlement[] = [];
    for (const epochId of [0n, 1n]) {
      await pay(all, FEES, epochId);
      await closeEpoch(all);
      await networkHelpers.time.increase(TIMING.redeemWindow);
      await world.splitter.connect(operator).propose(...(await proposal(world, modelId, epochId, V)));
      settlements.push(await proveEpoch(world, modelId, epochId, operator.address, committed, key, srs));
    }
    await networkHelpers.time.increase(TIMING.challengeWindow);
    return { ...all, settlements: settlements as Proven["settlements"] };
  }

  /** What `settle` takes for `epochId`, with the proof of epoch `proofOf`. */
  const settling = ({ modelId, settlements, ...all }: Proven, epochId = 0n, proofOf = epochId) =>
    settleArguments({ ...all }, modelId, epochId, settlements[Number(proofOf)]!);

  it("shares the pot by what the proof shows, and the rest by base weights", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, token, modelId, id, settlements } = all;
    const { floorUnits } = await splitter.epoch(modelId, 0n);
    const [{ totals, statement }] = settlements;
    const pot = FEES / 2n;
    const { pay: shares, dust } = sharePot(pot, totals, floorUnits, BASE);
    expect(totals.every((total) => total > 0n)).to.equal(true);
    expect(floorUnits > totals.reduce((sum, total) => sum + total)).to.equal(true);
    expect(shares).not.to.deep.equal(sharePot(pot, [0n, 0n, 0n], 0n, BASE).pay);
    await expect(splitter.connect(stranger).settle(...(await settling(all))))
      .to.emit(splitter, "EpochSettled")
      .withArgs(modelId, 0n, id, operator, pot, claimRoot(id, shares), ethers.hexlify(statement.totals), shares)
      .and.to.emit(splitter, "OperatorPaid")
      .withArgs(modelId, 0n, operator, FEES - pot - 8000n - 6000n - 2000n);
    expect(await splitter.dust(id)).to.equal(dust);
    await expect(splitter.claim([await claimOf(splitter, id, 1)])).to.changeTokenBalance(
      ethers,
      token,
      contributors[1]!,
      shares[1],
    );
  });

  it("settles both epochs in either order, each by its own proof", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, modelId, id, settlements } = all;
    const { floorUnits } = await splitter.epoch(modelId, 1n);
    const first = sharePot(FEES / 2n, settlements[1].totals, floorUnits, BASE);
    await splitter.settle(...(await settling(all, 1n)));
    expect(await earningsOf(splitter, id)).to.deep.equal(first.pay);
    await splitter.settle(...(await settling(all, 0n)));
    const second = sharePot(FEES / 2n + first.dust, settlements[0].totals, floorUnits, BASE);
    expect(await earningsOf(splitter, id)).to.deep.equal(first.pay.map((amount, c) => amount + second.pay[c]!));
  });

  it("settles through a stage where one transaction has too little gas, and its whole proof can be read again", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, modelId, settlements } = all;
    const before = await ethers.provider.getBlockNumber();
    await settleEpoch(all, modelId, 0n, settlements[0], 1);
    expect((await ethers.provider.getBlockNumber()) - before).to.equal(5); // start, two chunks, finish, settle
    expect((await splitter.epoch(modelId, 0n)).settledAt).not.to.equal(0n);
    const [settlement] = await settlementsOf(splitter, modelId);
    const { statement, proof } = (await settleCallOf(all, modelId, settlement!))!;
    expect(statement).to.deep.equal(settlements[0].statement);
    expect(proof).to.deep.equal(settlements[0].proof);
  });

  it("check 11: settles an epoch once, whatever the bytes of the second proof", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, modelId } = all;
    await splitter.settle(...(await settling(all)));
    for (const proofOf of [0n, 1n])
      await expect(splitter.settle(...(await settling(all, 0n, proofOf))))
        .to.be.revertedWithCustomError(splitter, "SplitterAlreadySettled")
        .withArgs(modelId, 0n);
  });

  it("check 6: refuses a Q other than the one proposed", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, modelId } = all;
    const [, , prover, q, totals, proof, previous] = await settling(all);
    const changed = q.with(0, q[0]! ^ 1);
    await expect(splitter.settle(modelId, 0n, prover, changed, totals, proof, previous))
      .to.be.revertedWithCustomError(splitter, "SplitterQueryMismatch")
      .withArgs(ethers.keccak256(changed), ethers.keccak256(q));
  });

  it("refuses a valid proof of another epoch with the same Q and fees", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, verifier, settlements } = all;
    expect(int8Bytes(settlements[0].statement.q)).to.deep.equal(int8Bytes(settlements[1].statement.q));
    expect(settlements[0].statement.floorUnits).to.equal(settlements[1].statement.floorUnits);
    await expect(splitter.settle(...(await settling(all, 1n, 0n)))).to.be.revertedWithCustomError(
      verifier,
      "VerifierTotalsMismatch",
    );
  });

  it("refuses another prover, so that nobody takes a proof from the mempool", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, verifier, modelId } = all;
    const [, , , ...rest] = await settling(all);
    await expect(splitter.settle(modelId, 0n, stranger, ...rest)).to.be.revertedWithCustomError(
      verifier,
      "VerifierTotalsMismatch",
    );
  });

  it("refuses other totals, and base weights while there are scores", async () => {
    const all = await networkHelpers.loadFixture(proven);
    const { splitter, verifier, modelId } = all;
    const [, , prover, q, totals, proof, previous] = await settling(all, 1n);
    await expect(
      splitter.settle(modelId, 1n, prover, q, totals.with(7, totals[7]! ^ 1), proof, previous),
    ).to.be.revertedWithCustomError(verifier, "VerifierTotalsMismatch");
    await expect(splitter.settle(modelId, 1n, prover, q, "0x", proof, previous))
      .to.be.revertedWithCustomError(verifier, "VerifierTotalsLength")
      .withArgs(0n, 24n);
    await expect(splitter.settleByBase(modelId, 1n, prover, q, previous)).to.be.revertedWithCustomError(
      splitter,
      "SplitterNeedsProof",
    );
  });
});
