import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { inverses } from "../../circuits/field.ts";
import { stopProver } from "../../prover/groth16.ts";
import { proveByStage, STAGED_PROOF, settlementGas } from "../../prover/stages.ts";
import { challenge, int8Bytes, mod, FIELD as R, words } from "../../sdk/hash.ts";
import { mined } from "../../sdk/transactions.ts";
import {
  type ChunkProof,
  type SettlementStatement,
  settlementChallenges,
  settlementClaim,
} from "../../sdk/transcript.ts";
import { type Attribution, deployAttribution, type Prepared, registerModel, verify } from "../support/attribution.ts";
import { type Forged, forge, truth, withChunk } from "../support/forger.ts";

const DAY = 86_400;

/** Numbers are those of docs/protocol.md, Checks of a settlement. */
describe("AttributionVerifier, in stages", () => {
  let chain: Attribution;
  let prepared: Prepared;
  let short: Prepared; // one chunk
  let honest: Forged;
  let helpers: NetworkConnection<"l1">["networkHelpers"];

  before(async () => {
    const connection: NetworkConnection<"l1"> = await network.create();
    helpers = connection.networkHelpers;
    chain = await deployAttribution(connection);
    prepared = await registerModel(chain, [[100, 300, 1, 150]]); // three chunks, padding
    short = await registerModel(chain, [[40, 60]]);
    honest = await forge(chain, prepared);
  });
  after(stopProver);

  // Every test starts from the registered model, without stages.
  let snapshot: Awaited<ReturnType<typeof helpers.takeSnapshot>>;
  beforeEach(async () => {
    snapshot = await helpers.takeSnapshot();
  });
  afterEach(async () => snapshot.restore());

  const claimOf = ({ splitter, commitmentId, vkId, epochId, prover, floorUnits, q, totals }: SettlementStatement) =>
    [{ splitter, commitmentId, vkId, epochId, prover, floorUnits }, int8Bytes(q), totals] as const;
  const start = (s: SettlementStatement, h = s.h) => chain.verifier.startStage(...claimOf(s), h);
  const add = ({ statement, proof }: Forged, first: number, end = first + 1, chunks = proof.chunks) =>
    chain.verifier.addChunks(settlementChallenges(statement).sd, first, chunks.slice(first, end));
  const finish = ({ statement, proof }: Forged, opening = proof.opening) =>
    chain.verifier.finishStage(settlementChallenges(statement).sd, opening);
  const refused = (work: Promise<unknown>, error: string) =>
    expect(work).to.be.revertedWithCustomError(chain.verifier, error);

  it("accept pieces from anyone, after which a proof without chunks stands for them", async () => {
    const { statement, proof } = honest;
    const { sd } = settlementChallenges(statement);
    const claim = settlementClaim(statement);
    const at = (await helpers.time.latest()) + 100;
    await helpers.time.setNextBlockTimestamp(at);
    const forProver = (context: { prover: string }) => context.prover === statement.prover;
    await expect(start(statement))
      .to.emit(chain.verifier, "StageStarted")
      .withArgs(sd, claim, forProver, at + 7 * DAY);
    await add(honest, 0);
    const other = chain.verifier.connect(chain.owner);
    await expect(other.addChunks(sd, 0, proof.chunks))
      .to.emit(chain.verifier, "ChunksAdded")
      .withArgs(sd, 1, (chunks: unknown[]) => chunks.length === 2);
    await refused(verify(chain, statement, STAGED_PROOF), "VerifierChunkCount");
    await expect(other.finishStage(sd, proof.opening))
      .to.emit(chain.verifier, "StageFinished")
      .withArgs(sd, claim, proof.opening);
    await claimed(statement);
  });

  /** The splitter's question is answered without chunks. The reference knows proofs only, so the contract alone is asked. */
  const claimed = async (s: SettlementStatement, caller = chain.splitter) => {
    const { commitmentId, vkId, epochId, prover, floorUnits, totals } = s;
    const verifier = chain.verifier.connect(caller);
    await verifier.verify(commitmentId, vkId, epochId, prover, floorUnits, int8Bytes(s.q), totals, STAGED_PROOF);
  };

  it("go on by the library where somebody left a stage, within the gas that it was told", async () => {
    const { statement } = honest;
    await start(statement);
    await add(honest, 0);
    const before = await chain.ethers.provider.getBlockNumber();
    await proveByStage(chain, honest, 1); // a chunk a transaction
    expect((await chain.ethers.provider.getBlockNumber()) - before).to.equal(3);
    await claimed(statement);
    await proveByStage(chain, honest);
    expect((await chain.ethers.provider.getBlockNumber()) - before).to.equal(3);
  });

  it("need less gas for a piece than its settlement in one transaction", async () => {
    const { statement, proof } = honest;
    await start(statement);
    const { gasUsed } = await mined(add(honest, 0, 3));
    expect(Number(gasUsed)).to.be.below(settlementGas(statement, proof));
    expect(settlementGas(statement, proof)).to.be.below(1_200_000);
  });

  it("#4 #16 refuse chunks dropped, repeated, swapped or added", async () => {
    const { statement, proof } = honest;
    const [first, second, third] = proof.chunks as [ChunkProof, ChunkProof, ChunkProof];
    await refused(start(statement, statement.h.slice(0, 2)), "VerifierChunkCount");
    await refused(start(statement, [...statement.h, 1n]), "VerifierChunkCount");
    await start(statement);
    await refused(add(honest, 1, 3), "VerifierStageOrder");
    await refused(add(honest, 0, 0), "VerifierStageOrder");
    await refused(add(honest, 0, 4, [...proof.chunks, third]), "VerifierStageOrder");
    await refused(add(honest, 0, 2, [second, first]), "VerifierStageHash");
    await add(honest, 0);
    await refused(add(honest, 0), "VerifierStageOrder");
    await refused(add(honest, 1, 2, [first, first]), "VerifierStageHash");
    await refused(add(honest, 1, 3, [first, third, second]), "VerifierStageHash");
    await refused(finish(honest), "VerifierStageIncomplete");
    await add(honest, 1, 3);
    await finish(honest);
  });

  it("#1 #17 refuse chunks of another settlement, and of other hashes", async () => {
    const { statement, proof } = honest;
    const epoch = { statement: { ...statement, epochId: statement.epochId + 1n }, proof };
    await start(epoch.statement);
    await refused(add(epoch, 0), "VerifierProofInvalid");
    // Whoever puts in another h has a stage of its own, to which neither the old proof nor one for the new h fits.
    const h = [mod(statement.h[0]! + 1n), ...statement.h.slice(1)];
    const moved = { statement: { ...statement, h }, proof: withChunk(proof, 0, { h: h[0]! }) };
    await start(moved.statement);
    await refused(add(moved, 0), "VerifierProofInvalid");
    await refused(add({ ...moved, proof }, 0), "VerifierStageHash");
    await refused(add(honest, 0), "VerifierUnknownStage");
  });

  it("#2 refuse public values that are not below the field's order", async () => {
    const { statement, proof } = honest;
    await refused(start(statement, statement.h.with(1, statement.h[1]! + R)), "VerifierNotCanonical");
    await start(statement);
    const [{ y, a }] = proof.chunks as [ChunkProof];
    for (const change of [{ y: y + R }, { a: a + R }])
      await refused(add({ statement, proof: withChunk(proof, 0, change) }, 0), "VerifierNotCanonical");
  });

  it("#18 refuse errors of two chunks of a piece that cancel under the λ of the honest piece", async () => {
    const { statement, proof } = honest;
    await start(statement);
    const { chunks } = proof;
    const lambda = challenge(
      settlementChallenges(statement).sd,
      3,
      ["uint256", "bytes32", "bytes32"],
      [
        0,
        words(chunks.flatMap(({ y, a }) => [y, a])),
        words(chunks.flatMap(({ pA, pB, pC }) => [...pA, ...pB, ...pC])),
      ],
    );
    for (const name of ["y", "a"] as const) {
      const less = -inverses([lambda])[0]!;
      const one = withChunk(proof, 0, { [name]: mod(chunks[0]![name] + 1n) });
      const both = withChunk(one, 1, { [name]: mod(chunks[1]![name] + less) });
      await refused(add({ statement, proof: one }, 0, 3), "VerifierProofInvalid");
      await refused(add({ statement, proof: both }, 0, 3), "VerifierProofInvalid");
    }
    // Proofs change places within a piece: valid points, of the wrong chunk.
    const [{ pA, pB, pC }] = chunks as [ChunkProof];
    await refused(add({ statement, proof: withChunk(proof, 1, { pA, pB, pC }) }, 0, 3), "VerifierProofInvalid");
    await add(honest, 0, 3);
  });

  it("refuse totals other than those proven, and rows other than those committed", async () => {
    const { chunks, totals } = truth(short);
    const moved = await forge(chain, short, { totals: [totals[0]! - 1n, totals[1]! + 1n] });
    await start(moved.statement);
    await add(moved, 0);
    await refused(finish(moved), "VerifierTotalsMismatch");

    const row = chunks[0]!.scores.findIndex((score, i) => i < 40 && score > 0);
    chunks[0]!.scores[row]! += 1;
    const raised = await forge(chain, short, { chunks, totals: totals.with(0, totals[0]! + 1n) });
    await start(raised.statement);
    await add(raised, 0);
    await refused(finish(raised), "VerifierProofInvalid");
  });

  it("refuse an opening of something else", async () => {
    await start(honest.statement);
    await add(honest, 0, 3);
    await refused(finish(honest, [1n, 2n]), "VerifierProofInvalid");
    await refused(finish(honest, [1n, 1n]), "VerifierPrecompileFailed");
    await finish(honest);
  });

  it("are started once and finished once", async () => {
    const { statement } = honest;
    await start(statement);
    await refused(start(statement), "VerifierStageRunning");
    await add(honest, 0, 3);
    await finish(honest);
    await refused(finish(honest), "VerifierUnknownStage");
    await refused(add(honest, 0), "VerifierUnknownStage");
  });

  it("stand for the caller and the arguments that they were proven for, and for nothing else", async () => {
    const { statement } = honest;
    await start(statement);
    await add(honest, 0, 3);
    await finish(honest);
    await refused(claimed(statement, chain.owner), "VerifierChunkCount");
    const changes: Partial<SettlementStatement>[] = [
      { epochId: statement.epochId + 1n },
      { prover: chain.owner.address },
      { floorUnits: statement.floorUnits + 1n },
      { q: statement.q.map((entry) => -entry) },
      { totals: statement.totals.with(7, statement.totals[7]! ^ 1) },
    ];
    for (const change of changes) await refused(claimed({ ...statement, ...change }), "VerifierChunkCount");
    await claimed(statement);
  });

  it("end after a week, finished or not, and can be started again", async () => {
    const { statement } = honest;
    await start(statement);
    await add(honest, 0, 2);
    await helpers.time.increase(7 * DAY);
    await refused(add(honest, 2), "VerifierStageExpired");
    await start(statement);
    await refused(add(honest, 2), "VerifierStageOrder");
    await add(honest, 0, 3);
    await helpers.time.increase(6 * DAY);
    await finish(honest);
    await claimed(statement);
    await helpers.time.increase(DAY);
    await refused(claimed(statement), "VerifierChunkCount");
    await start(statement);
    await add(honest, 0, 3);
    await helpers.time.increase(7 * DAY);
    await refused(finish(honest), "VerifierStageExpired");
  });
});
