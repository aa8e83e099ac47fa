import { expect } from "chai";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../../circuits/setup/zkey.ts";
import { checkSettlement, type SettlementClaim } from "../../prover/check.ts";
import { stopProver } from "../../prover/groth16.ts";
import { combineColumns, commitColumns, commitFlags, open } from "../../prover/kzg.ts";
import {
  assembleSettlement,
  type Committed,
  openCombined,
  proveSettlement,
  type Settlement,
  type SettlementContext,
} from "../../prover/settlement.ts";
import { buildWitness, type Chunk } from "../../prover/witness.ts";
import { mod } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { encodeTotals, type SettlementProof, vkId } from "../../sdk/transcript.ts";
import { integers, outcome, seeded } from "./samples.ts";

const K = 16;
const R = INSTANCES.r210.rows;
const address = (digit: string) => `0x${digit.repeat(40)}`;
const hash = (digit: string) => `0x${digit.repeat(64)}`;

describe("settlement", function () {
  this.timeout(120_000);
  after(stopProver);

  // Three chunks with padding: a contributor starts on the first border, one spans the second.
  const counts = [100, 110, 240, 3, 47];
  const random = seeded(6);
  const query = Int8Array.from(integers(random, K, 110));
  let key: ProvingKey;
  let srs: Srs;
  let context: SettlementContext;
  let committed: Committed;
  let honest: Settlement;
  let claim: SettlementClaim;

  const commitTo = async (sketches: Int8Array, owners: number[]): Promise<Committed> => ({
    counts: owners,
    sketches,
    columns: await commitColumns(sketches, K, srs),
    flags: await commitFlags(owners, srs),
  });
  const sketchesOf = (rows: number) => Int8Array.from(integers(random, rows * K, 34));

  before(async () => {
    key = await devKey(INSTANCES.r210);
    srs = await devSrs(1_000);
    const exported = await verifyingKey(key);
    context = {
      splitter: address("1"),
      chainId: 31337n,
      verifier: address("2"),
      vkId: vkId(exported, srs.tauG2, true),
      commitmentId: hash("3"),
      epochId: 4n,
      prover: address("5"),
      floorUnits: 6n,
    };
    committed = await commitTo(sketchesOf(500), counts);
    honest = await proveSettlement(committed, query, context, key, srs);
    const { statement } = honest;
    claim = { statement, counts, flags: committed.flags, key: exported, tauG2: srs.tauG2 };
  });

  it("holds with padding, a contributor on a chunk border and one across it", async () => {
    expect(honest.proof.chunks.length).to.equal(3);
    expect(honest.totals).to.deep.equal(totalsOf(scoreRows(committed.sketches, query), counts));
    expect(await outcome(checkSettlement(claim, honest.proof))).to.equal("accepted");
  });

  it("holds for one contributor who fills a single chunk", async () => {
    const single = await commitTo(sketchesOf(R), [R]);
    const { proof, totals } = await proveSettlement(single, query, context, key, srs);
    expect(single.flags).to.deep.equal([0n, 0n]);
    expect({ chunks: proof.chunks.length, totals: totals.length }).to.deep.equal({ chunks: 1, totals: 1 });
  });

  it("holds for a single row, whose opening is the point at infinity", async () => {
    const single = await commitTo(sketchesOf(1), [1]);
    expect((await proveSettlement(single, query, context, key, srs)).proof.opening).to.deep.equal([0n, 0n]);
  });

  it("holds where rows fill the last chunk of several and contributors are many", async () => {
    const owners = Array<number>(2 * R).fill(1);
    const many = await commitTo(sketchesOf(2 * R), owners);
    expect((await proveSettlement(many, query, context, key, srs)).totals.length).to.equal(2 * R);
  });

  it("fails when anything in the transcript is changed afterwards", async () => {
    const { statement } = claim;
    const changes: Partial<typeof statement>[] = [
      { splitter: address("9") },
      { chainId: 1n },
      { verifier: address("9") },
      { vkId: hash("9") },
      { commitmentId: hash("9") },
      { epochId: 5n },
      { prover: address("9") },
      { floorUnits: 7n },
      { q: query.map((entry) => -entry) },
      { scoreCommitment: [1n, 2n] },
      { totals: encodeTotals(honest.totals.map((total, c) => (c === 0 ? total + 1n : total))) },
    ];
    for (const change of changes) {
      const result = await outcome(checkSettlement({ ...claim, statement: { ...statement, ...change } }, honest.proof));
      expect(result, Object.keys(change)[0]).to.be.oneOf(["SETTLEMENT_TOTALS", "SETTLEMENT_PROOF"]);
    }
  });

  it("fails when a value or point of the proof is changed", async () => {
    const { chunks, opening } = honest.proof;
    const swap = (change: Partial<(typeof chunks)[0]>): SettlementProof => ({
      chunks: chunks.map((chunk, t) => (t === 1 ? { ...chunk, ...change } : chunk)),
      opening,
    });
    const [, second, third] = chunks;
    const cases: [SettlementProof, string][] = [
      [swap({ y: mod(second!.y + 1n) }), "SETTLEMENT_PROOF"],
      [swap({ a: mod(second!.a + 1n) }), "SETTLEMENT_TOTALS"],
      [swap({ h: mod(second!.h + 1n) }), "SETTLEMENT_CHUNKS"],
      [swap({ pA: third!.pA }), "SETTLEMENT_PROOF"],
      [swap({ pB: third!.pB }), "SETTLEMENT_PROOF"],
      [swap({ pC: third!.pC }), "SETTLEMENT_PROOF"],
      [{ chunks, opening: [1n, 2n] }, "SETTLEMENT_PROOF"],
      [{ chunks, opening: [0n, 0n] }, "SETTLEMENT_PROOF"],
      [{ chunks: chunks.slice(0, 2), opening }, "SETTLEMENT_CHUNKS"],
      [{ chunks: [...chunks, third!], opening }, "SETTLEMENT_CHUNKS"],
      [{ chunks: [chunks[0]!, third!, second!], opening }, "SETTLEMENT_CHUNKS"],
    ];
    for (const [proof, expected] of cases) expect(await outcome(checkSettlement(claim, proof))).to.equal(expected);
  });

  /** Changes chunks or totals, then derives challenges, proofs and opening honestly from what was changed. */
  async function forge(
    change: (chunks: Chunk[], totals: bigint[]) => { chunks?: Chunk[]; totals?: bigint[] } | undefined,
  ): Promise<string> {
    const scores = scoreRows(committed.sketches, query);
    const chunks = buildWitness(scores, counts, R);
    const totals = [...honest.totals];
    const forged = { chunks, totals, ...change(chunks, totals) };
    const parts = { context, query, scoreCommitment: claim.statement.scoreCommitment, ...forged };
    const { statement, proof } = await assembleSettlement(parts, key, (z, x) =>
      openCombined(scores, counts, z, x, srs),
    );
    return outcome(checkSettlement({ ...claim, statement }, proof));
  }

  it("fails for totals moved between contributors, all else derived honestly", async () => {
    const result = await forge((_, totals) => {
      totals[0]! -= 1n;
      totals[1]! += 1n;
      return undefined;
    });
    expect(result).to.equal("SETTLEMENT_TOTALS");
  });

  it("fails for a raised score and its total, all else derived honestly", async () => {
    const result = await forge((chunks, totals) => {
      const row = chunks[0]!.scores.findIndex((score, i) => i < 100 && score > 0);
      chunks[0]!.scores[row]! += 1_000;
      totals[0]! += 1_000n;
      return undefined;
    });
    expect(result).to.equal("SETTLEMENT_PROOF");
  });

  it("fails for a flag moved by one row with the totals that follow", async () => {
    const result = await forge((chunks) => {
      chunks[0]!.flags.set([0, 1], 100);
      const scores = chunks.flatMap(({ scores }) => [...scores]).slice(0, 500);
      return { totals: totalsOf(Int32Array.from(scores), [101, 109, 240, 3, 47]) };
    });
    expect(result).to.equal("SETTLEMENT_PROOF");
  });

  it("fails without the end flag, and with chunks in another order", async () => {
    const withoutEnd = await forge((chunks) => {
      chunks[2]!.flags[500 - 2 * R] = 0;
      return undefined;
    });
    expect(withoutEnd).to.equal("SETTLEMENT_PROOF");
    const reordered = await forge(([first, second, third]) => ({ chunks: [second!, first!, third!] }));
    expect(reordered).to.be.oneOf(["SETTLEMENT_TOTALS", "SETTLEMENT_PROOF"]);
  });

  it("fails for scores committed in padding rows, which would pay the last contributor", async () => {
    // The columns hold 530 rows, the counts 500.
    const longer = await commitTo(sketchesOf(530), [...counts, 30]);
    const all = scoreRows(longer.sketches, query);
    const chunks = buildWitness(all.slice(0, 500), counts, R);
    for (let i = 500; i < 530; i++) chunks[2]!.scores[i - 2 * R] = all[i]!;
    const totals = totalsOf(all.slice(0, 500), counts);
    totals[4]! += totalsOf(all.slice(500), [30])[0]!;
    const scoreCommitment = await combineColumns(longer.columns, query);
    const { statement, proof } = await assembleSettlement(
      { context, query, scoreCommitment, totals, chunks },
      key,
      (z, x) => {
        const coefficients = Array.from(all, BigInt);
        for (const row of [100, 210, 450, 453]) coefficients[row]! += x - 1n;
        return open(coefficients, z, srs);
      },
    );
    expect(await outcome(checkSettlement({ ...claim, statement }, proof))).to.equal("SETTLEMENT_TOTALS");
  });

  it("names what does not fit the commitment", async () => {
    const prove = (over: Partial<Committed>, q = query) =>
      outcome(proveSettlement({ ...committed, ...over }, q, context, key, srs));
    expect(await prove({}, query.slice(1))).to.equal("SETTLEMENT_QUERY");
    expect(await prove({}, query.with(3, -128))).to.equal("SETTLEMENT_QUERY");
    expect(await prove({}, new Int8Array(K).fill(127))).to.equal("SETTLEMENT_QUERY");
    expect(await prove({}, new Int8Array(K))).to.equal("SETTLEMENT_ZERO");
    const zeroColumn = await commitTo(
      sketchesOf(500).map((entry, i) => (i % K === 0 ? 0 : entry)),
      counts,
    );
    expect(await prove(zeroColumn, new Int8Array(K).fill(9, 0, 1))).to.equal("SETTLEMENT_ZERO");
    expect(await prove({ counts: [...counts, 1] })).to.equal("ROW_COUNT");
    expect(await prove({ sketches: committed.sketches.toReversed() })).to.equal("SETTLEMENT_PROOF");
    expect(await prove({ flags: [1n, 2n] })).to.equal("SETTLEMENT_PROOF");
  });

  it("stops at a score out of range, before anything is proven", async () => {
    const sketches = committed.sketches.slice();
    sketches.set(
      query.map((entry) => Math.sign(entry) * 127),
      0,
    );
    expect(await outcome(proveSettlement({ ...committed, sketches }, query, context, key, srs))).to.equal(
      "SCORE_RANGE",
    );
  });
});
