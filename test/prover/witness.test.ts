import { expect } from "chai";
import { evaluate, power } from "../../circuits/field.ts";
import { combinedValue } from "../../prover/check.ts";
import { buildWitness, evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { FIELD, mod } from "../../sdk/hash.ts";
import { scoreRows, totalsOf } from "../../sdk/scores.ts";
import { flagsBefore, starts } from "../../sdk/transcript.ts";
import { element, integers, randomChunk, seeded } from "./samples.ts";

describe("witness", () => {
  const random = seeded(4);

  it("scores rows by their inner product with Q", () => {
    expect(scoreRows(Int8Array.from([1, 2, -3, 127, -127, 0]), Int8Array.from([10, -1, 2]))).to.deep.equal(
      Int32Array.from([2, 1397]),
    );
  });

  it("adds up each contributor's positive scores", () => {
    const scores = Int32Array.from([5, -7, 0, 65535, -1, 9]);
    expect(totalsOf(scores, [2, 3, 1])).to.deep.equal([5n, 65535n, 9n]);
  });

  it("flags first rows, and the row after the last where there is padding", () => {
    const chunks = buildWitness(new Int32Array(500), [100, 110, 200, 90], 210);
    const flagged = chunks.flatMap(({ flags }, t) => [...flags].flatMap((flag, i) => (flag ? [t * 210 + i] : [])));
    expect(chunks.length).to.equal(3);
    expect(flagged).to.deep.equal([100, 210, 410, 500]);
  });

  it("needs no end flag where the rows fill the last chunk", () => {
    const chunks = buildWitness(new Int32Array(420), [420], 210);
    expect(chunks.flatMap(({ flags }) => [...flags])).to.deep.equal(new Array(420).fill(0));
  });

  it("evaluates a chunk as the sums of its definition say", () => {
    const chunk = randomChunk(random, 210);
    const [z, x] = [element(random), element(random)];
    let y = 0n;
    let a = 0n;
    let owner = 0n;
    chunk.scores.forEach((score, i) => {
      const flag = BigInt(chunk.flags[i]!);
      owner += flag;
      y += (BigInt(score) + flag * (x - 1n)) * power(z, BigInt(i));
      a += BigInt(Math.max(score, 0)) * power(x, owner);
    });
    expect(evaluateChunk(chunk, z, x)).to.deep.equal({ y: mod(y), a: mod(a) });
  });

  it("adds chunks up to the totals: Σ_t a_t x^(f_t) = Σ_c A_c x^c", () => {
    const counts = [210, 5, 300, 1, 60];
    const scores = Int32Array.from(integers(random, 576, 65_000));
    const chunks = buildWitness(scores, counts, 210);
    const x = element(random);
    const before = [0n, 0n, 2n]; // contributors after the first that start before rows 0, 210 and 420
    const found = chunks.reduce((sum, chunk, t) => sum + evaluateChunk(chunk, 3n, x).a * power(x, before[t]!), 0n);
    const claimed = totalsOf(scores, counts).reduce((sum, total, c) => sum + total * power(x, BigInt(c)), 0n);
    expect(mod(found)).to.equal(mod(claimed));
  });

  it("[14, 15] keeps equations (1) and (2) wherever contributors start, span chunks and end", () => {
    // Counts near a border and over several chunks are likely; the last chunk is now full, now padded.
    const counted = () => [1, 209, 210, 211, 420, 500, 1 + Math.floor(random() * 300)][Math.floor(random() * 7)]!;
    for (let round = 0; round < 100; round++) {
      const counts = Array.from({ length: 1 + Math.floor(random() * 8) }, counted);
      const rows = counts.reduce((sum, count) => sum + count, 0);
      const scores = Int32Array.from(integers(random, rows, 65_535));
      const [z, x] = [element(random), element(random)];
      const values = buildWitness(scores, counts, 210).map((chunk) => evaluateChunk(chunk, z, x));
      const before = flagsBefore(counts, 210, values.length);
      const proven = values.reduce((sum, { a }, t) => mod(sum + a * power(x, BigInt(before[t]!))), 0n);
      expect(proven, `totals of ${counts}`).to.equal(evaluate(totalsOf(scores, counts), x));

      const opened = Array.from(scores, BigInt);
      for (const start of starts(counts).slice(1)) opened[start]! += x - 1n;
      const chunkValues = values.map(({ y }) => y);
      expect(combinedValue(chunkValues, counts, 210, z, x), `value of ${counts}`).to.equal(evaluate(opened, z));
    }
  });

  it("hashes scores, flags and their places", async () => {
    const chunk = randomChunk(random, 420);
    const h = await hashChunk(chunk);
    expect(h < FIELD).to.equal(true);
    for (const change of [
      () => (chunk.scores[0]! ^= 1),
      () => (chunk.flags[419]! ^= 1),
      () => chunk.scores.reverse(),
    ]) {
      change();
      expect(await hashChunk(chunk)).not.to.equal(h);
    }
  });

  it("refuses scores out of range and counts that are not the rows", () => {
    const build = (scores: number[], counts: number[]) => () => buildWitness(Int32Array.from(scores), counts, 210);
    expect(build([0, 65_536], [2]))
      .to.throw()
      .with.property("code", "SCORE_RANGE");
    expect(build([0, -65_537], [2]))
      .to.throw()
      .with.property("code", "SCORE_RANGE");
    expect(build([0, 1, 2], [2]))
      .to.throw()
      .with.property("code", "ROW_COUNT");
    expect(build([0, 1], [2, 0]))
      .to.throw()
      .with.property("code", "CONTRIBUTOR_COUNT");
    expect(build([65_535, -65_536], [1, 1])).not.to.throw();
  });
});
