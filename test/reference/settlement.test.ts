import { bn254 } from "@noble/curves/bn254";
import { expect } from "chai";
import { chunkHash, chunkRecurrence, chunkValues, poseidon16 } from "./chunk.ts";
import {
  add1,
  g1,
  g2,
  InvalidPoint,
  inverse,
  mod,
  type Point1,
  p,
  r,
  times1,
  times2,
  words1,
  words2,
} from "./curve.ts";
import { hex, type Num } from "./encoding.ts";
import { queryBytes } from "./epoch.ts";
import { outsideGroup } from "./forgeries.ts";
import { totalsBytes } from "./scores.ts";
import {
  type ChunkProof,
  checkedStatement,
  mergedHolds,
  parseKey,
  parseProof,
  referenceVerdict,
  type SettlementInput,
  transcript,
  unmergedHolds,
} from "./settlement.ts";
import { type Model, simulateSettlement } from "./simulate.ts";
import { readVectors, type TranscriptVectors } from "./vectors.ts";

const Q = [50, -20, 99, -127];
const sketches = (rows: number): number[][] =>
  Array.from({ length: rows }, (_, i) => Q.map((_, j) => ((i * 37 + j * 91 + i * i * j) % 250) - 125));
const model = (counts: number[], R: number): Model => ({
  G: sketches(counts.reduce((a, b) => a + b)),
  Q,
  counts,
  R,
});

const refused = (input: SettlementInput, reason: string): void => {
  expect(referenceVerdict(input)).to.deep.equal({ ok: false, reason });
};

/** The input with one chunk changed. */
function withChunk(input: SettlementInput, t: number, change: Partial<ChunkProof>): SettlementInput {
  const chunks = input.proof.chunks.map((chunk, i) => (i === t ? { ...chunk, ...change } : chunk));
  return { ...input, proof: { ...input.proof, chunks } };
}
const withChunks = (input: SettlementInput, chunks: ChunkProof[]): SettlementInput => ({
  ...input,
  proof: { ...input.proof, chunks },
});

describe("reference: chunks", () => {
  it("hash as circomlib's Poseidon of 16 inputs", () => {
    expect(poseidon16(Array.from({ length: 16 }, (_, i) => BigInt(i + 1)))).to.equal(
      9989051620750914585850546081941653841776809718687451684622678807385399211877n,
    );
  });

  it("give the same values in closed form and by the circuit's recurrence", () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({
      score: BigInt(((i * 7919) % 1000) - 500),
      flag: i % 7 === 0 ? 1n : 0n,
    }));
    expect(chunkValues(rows, 12345n, 67890n)).to.deep.equal(chunkRecurrence(rows, 12345n, 67890n));
  });

  it("change their hash with any score or flag, and take no score out of range", () => {
    const rows = Array.from({ length: 210 }, () => ({ score: 1n, flag: 0n }));
    const hashes = [rows, rows.with(0, { score: 2n, flag: 0n }), rows.with(209, { score: 1n, flag: 1n })].map(
      chunkHash,
    );
    expect(new Set(hashes).size).to.equal(3);
    expect(() => chunkHash(rows.with(0, { score: 65536n, flag: 0n }))).to.throw("out of range");
  });
});

describe("reference: honest settlements", function () {
  this.timeout(20_000);

  const shapes: [string, number[], number][] = [
    ["one contributor in one full chunk", [6], 6],
    ["one contributor and padding", [5], 6],
    ["contributors that span chunks", [1, 7, 4], 3],
    ["15: a contributor that begins on a chunk's border", [3, 3, 5], 3],
    ["contributors of one row", [1, 1, 1, 1], 2],
  ];
  for (const [name, counts, R] of shapes) {
    it(`are accepted with ${name}`, () => {
      expect(referenceVerdict(simulateSettlement(model(counts, R)))).to.deep.equal({ ok: true });
    });
  }

  it("are accepted with an all-zero column, which is the point at infinity", () => {
    const G = sketches(5).map((row) => row.with(2, 0));
    expect(referenceVerdict(simulateSettlement({ ...model([2, 3], 3), G }))).to.deep.equal({ ok: true });
  });

  it("11: are accepted again with a proof made anew from theirs, so proof bytes must never be a key", () => {
    const input = simulateSettlement(model([2, 3], 3));
    const again = input.proof.chunks.map((chunk) => ({
      ...chunk,
      pA: words1(times1(7n, g1(chunk.pA))),
      pB: words2(times2(103n ** 9n * inverse(7n))),
    }));
    expect(referenceVerdict(withChunks(input, again))).to.deep.equal({ ok: true });
  });
});

describe("reference: forged settlements", function () {
  this.timeout(20_000);

  const honest = simulateSettlement(model([1, 7, 3], 4));
  const { chunks } = honest.proof;
  const otherPoint = words1(times1(99n));
  const otherPoint2 = words2(times2(99n));
  const offCurve: Point1 = [1n, 3n];

  it("1: are refused when any value that the transcript binds is another", () => {
    const changes: Partial<SettlementInput>[] = [
      { chainId: 1 },
      { verifier: "0x01" },
      { splitter: "0x01" },
      { commitment: { ...honest.commitment, id: "0x01" } },
      { epochId: 8 },
      { prover: "0x01" },
      { floorUnits: 43 },
    ];
    for (const change of changes) refused({ ...honest, ...change }, "VerifierTotalsMismatch");
  });

  it("name an unknown key", () => {
    refused({ ...honest, vkId: "0x01" }, "VerifierUnknownKey");
  });

  it("2: hold a value that is not below r", () => {
    for (const name of ["h", "y", "a"] as const) {
      refused(withChunk(honest, 1, { [name]: BigInt(chunks[1]![name]) + r }), "VerifierNotCanonical");
    }
  });

  it("4: have a total too few, too many or of another width", () => {
    const totals = honest.totals as string;
    for (const wrong of [totals.slice(0, -16), `${totals}${"00".repeat(8)}`, totals.slice(0, -2)]) {
      refused({ ...honest, totals: wrong }, "VerifierTotalsLength");
    }
  });

  it("4: move one unit from one contributor to another", () => {
    const move = (A: bigint[]) => [A[0]! + 1n, A[1]! - 1n, A[2]!];
    refused(simulateSettlement(model([1, 7, 3], 4), { totals: move }), "VerifierTotalsMismatch");
  });

  it("5: have a Q of another length, with −128, or above the norm", () => {
    const withQ = (entries: Num[]): SettlementInput => ({ ...honest, q: hex(queryBytes(entries)) });
    refused(withQ(Q.slice(1)), "VerifierQueryLength");
    refused(withQ([...Q, 0]), "VerifierQueryLength");
    refused(withQ(Q.with(3, -128)), "VerifierQueryEntry");
    refused(withQ(Q.with(1, -21)), "VerifierTotalsMismatch");
    const wide = { ...model([2, 2], 2), G: sketches(4).map((row) => [...row, ...row, ...row, ...row, 1]) };
    const atBound = [...new Array<number>(16).fill(120), 0]; // 480² exactly
    expect(referenceVerdict(simulateSettlement({ ...wide, Q: atBound }))).to.deep.equal({ ok: true });
    refused(simulateSettlement({ ...wide, Q: atBound.with(16, 1) }), "VerifierQueryNorm");
  });

  it("have nothing to prove, because Q is zero or the columns cancel", () => {
    refused({ ...honest, q: "0x00000000" }, "VerifierZeroScores");
    const G = sketches(5).map((row) => [row[0]!, row[0]!, 0, 0]);
    refused(simulateSettlement({ ...model([2, 3], 3), G, Q: [9, -9, 5, 0] }), "VerifierZeroScores");
  });

  it("hold a public value that was not proven", () => {
    refused(withChunk(honest, 0, { h: 999 }), "VerifierTotalsMismatch");
    refused(withChunk(honest, 0, { y: mod(BigInt(chunks[0]!.y) + 1n) }), "VerifierProofInvalid");
    refused(withChunk(honest, 0, { a: mod(BigInt(chunks[0]!.a) + 1n) }), "VerifierTotalsMismatch");
  });

  it("hold another point in any place of the proof", () => {
    for (const t of chunks.keys()) {
      refused(withChunk(honest, t, { pA: otherPoint }), "VerifierProofInvalid");
      refused(withChunk(honest, t, { pB: otherPoint2 }), "VerifierProofInvalid");
      refused(withChunk(honest, t, { pC: otherPoint }), "VerifierProofInvalid");
    }
    refused({ ...honest, proof: { chunks, opening: otherPoint } }, "VerifierProofInvalid");
    refused({ ...honest, proof: { chunks, opening: [0, 0] } }, "VerifierProofInvalid");
  });

  it("10: need more than the twist's equation of a point in G2", () => {
    const [xi, xr, yi, yr] = outsideGroup.map(BigInt) as [bigint, bigint, bigint, bigint];
    const { Fp2 } = bn254.fields;
    const [x, y] = [Fp2.fromBigTuple([xr, xi]), Fp2.fromBigTuple([yr, yi])];
    expect(Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.CURVE.b))).to.equal(true);
    expect(() => g2(outsideGroup)).to.throw(InvalidPoint);
  });

  it("10: hold a point that is none, or one that is not canonical", () => {
    const { pA, pB, pC } = chunks[0]!;
    refused(withChunk(honest, 0, { pA: offCurve }), "VerifierPrecompileFailed");
    refused(withChunk(honest, 0, { pC: offCurve }), "VerifierPrecompileFailed");
    refused(withChunk(honest, 0, { pB: [pB[1], pB[0], pB[2], pB[3]] }), "VerifierPrecompileFailed");
    refused(withChunk(honest, 0, { pB: outsideGroup }), "VerifierPrecompileFailed");
    refused(withChunk(honest, 0, { pA: [BigInt(pA[0]) + p, pA[1]] }), "VerifierPrecompileFailed");
    refused(withChunk(honest, 0, { pC: [pC[0], BigInt(pC[1]) + p] }), "VerifierPrecompileFailed");
    refused({ ...honest, proof: { chunks, opening: offCurve } }, "VerifierPrecompileFailed");
  });

  it("prove other scores than the committed ones, by proofs that hold for themselves", () => {
    const forged = simulateSettlement(model([1, 7, 3], 4), {
      rows: (rows) => rows.map((chunk, t) => (t === 0 ? chunk.with(0, { score: 60_000n, flag: 0n }) : chunk)),
      totals: (A) => A.with(0, 60_000n),
    });
    refused(forged, "VerifierProofInvalid");
  });

  it("14: give the padding a total", () => {
    const last = (change: { score?: bigint; flag?: bigint }[]) => ({
      rows: (rows: { score: bigint; flag: bigint }[][]) =>
        rows.with(
          -1,
          rows.at(-1)!.map((row, i) => ({ ...row, ...change[i] })),
        ),
    });
    // Chunk 2 holds rows 8, 9, 10 and then one row of padding, flagged.
    refused(simulateSettlement(model([1, 7, 3], 4), last([{}, {}, {}, { score: 5n }])), "VerifierTotalsMismatch");
    // Without its flag the padding counts for the last contributor, but the opening misses the flag.
    const unflagged = {
      ...last([{}, {}, {}, { score: 5n, flag: 0n }]),
      totals: (A: bigint[]) => A.with(2, A[2]! + 5n),
    };
    refused(simulateSettlement(model([1, 7, 3], 4), unflagged), "VerifierProofInvalid");
  });

  it("16: swap, double, drop or add chunks", () => {
    const [a, b, c] = chunks as [ChunkProof, ChunkProof, ChunkProof];
    refused(withChunks(honest, [b, a, c]), "VerifierTotalsMismatch");
    refused(withChunks(honest, [a, a, c]), "VerifierTotalsMismatch");
    refused(withChunks(honest, [a, b]), "VerifierChunkCount");
    refused(withChunks(honest, [a, b, c, c]), "VerifierChunkCount");
    refused(withChunks(honest, []), "VerifierChunkCount");
  });

  it("16: prove the chunks' rows in another order", () => {
    const swapped = simulateSettlement(model([12], 4), { rows: ([a, b, c]) => [b!, a!, c!] });
    refused(swapped, "VerifierProofInvalid");
  });

  it("18: cancel their errors under a λ known beforehand, which is why λ binds every point and value", () => {
    const statement = checkedStatement(honest);
    const key = parseKey(honest.key, honest.tauG2);
    const stale = transcript(honest, words1(statement.Cs));
    const { C } = parseProof(honest.proof).chunks[0]!;
    const shifted = words1(add1(C, times1(stale.lambda)));
    const back = words1(add1(g1(chunks[1]!.pC), times1(-1n)));
    const forged = withChunk(withChunk(honest, 0, { pC: shifted }), 1, { pC: back });
    expect(mergedHolds(key, statement, parseProof(forged.proof), stale)).to.equal(true);
    expect(unmergedHolds(key, statement, parseProof(forged.proof), stale)).to.equal(false);
    refused(forged, "VerifierProofInvalid");
  });

  it("18: draw another λ from any change of a value, a point or the opening", () => {
    const lambda = (input: SettlementInput) => transcript(input, [1, 2]).lambda;
    const seen = new Set([lambda(honest), lambda({ ...honest, proof: { chunks, opening: otherPoint } })]);
    const changes: Partial<ChunkProof>[] = [
      { y: 1 },
      { a: 1 },
      { pA: otherPoint },
      { pB: otherPoint2 },
      { pC: otherPoint },
    ];
    for (const t of chunks.keys()) for (const change of changes) seen.add(lambda(withChunk(honest, t, change)));
    expect(seen.size).to.equal(2 + 5 * chunks.length);
  });

  it("17: draw other z and x from any change of one h", () => {
    const before = transcript(honest, [1, 2]);
    for (const t of chunks.keys()) {
      const after = transcript(withChunk(honest, t, { h: 5 }), [1, 2]);
      expect(after.z).not.to.equal(before.z);
      expect(after.x).not.to.equal(before.x);
    }
  });

  it("19: settle by flags that were moved, which only the ownership opening at registration can stop", () => {
    const moved = simulateSettlement(model([2, 6, 3], 11));
    const claim = { ...moved, commitment: { ...moved.commitment, counts: [1, 7, 3] } };
    expect(referenceVerdict(claim)).to.deep.equal({ ok: true });
  });
});

describe("reference: settlement transcripts of the shared vectors", () => {
  const any = simulateSettlement(model([2], 2));

  readVectors<TranscriptVectors>("settlement").forEach((vector, i) => {
    it(`agree on every challenge of settlement ${i}`, () => {
      const input = { ...any, ...vector, commitment: { ...any.commitment, id: vector.commitmentId } };
      const { sd, z, x, lambda } = transcript(input, vector.scoreCommitment);
      expect(sd).to.equal(vector.sd);
      expect([z, x, lambda].map(String)).to.deep.equal([vector.z, vector.x, vector.lambda]);
      expect(hex(totalsBytes(vector.totalValues))).to.equal(vector.totals);
      expect(vector.proof.chunks.map(({ h }) => h)).to.deep.equal(vector.h);
    });
  });
});
