import { expect } from "chai";
import { Bn254, G1_BYTES } from "../../circuits/bn254.ts";
import { evaluate, power } from "../../circuits/field.ts";
import { DEV_TAU, devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { commitInThreads } from "../../prover/commit.ts";
import {
  checkOpening,
  combineColumns,
  commit,
  commitColumns,
  commitFlags,
  linearCombination,
  open,
} from "../../prover/kzg.ts";
import { FIELD, type G1, mod } from "../../sdk/hash.ts";
import { scoreRows } from "../../sdk/scores.ts";
import { decodePoints } from "../../sdk/transcript.ts";
import { element, integers, outcome, seeded } from "./samples.ts";

const ROWS = 300;
const K = 6;

describe("KZG commitments", function () {
  this.timeout(60_000);
  const random = seeded(3);
  const sketches = Int8Array.from(integers(random, ROWS * K, 127));
  let srs: Srs;
  let bn254: Bn254;

  before(async () => {
    srs = await devSrs(ROWS);
    bn254 = await Bn254.load();
    for (let i = 0; i < ROWS; i++) sketches[i * K + 4] = 0; // column 4 is zero
  });

  /** scalar·G1 by the curve's own multiplication */
  const multiple = (scalar: bigint): G1 => bn254.g1(bn254.curve.G1.timesScalar(bn254.curve.G1.gAffine, mod(scalar)));
  const column = (j: number) => Array.from({ length: ROWS }, (_, i) => BigInt(sketches[i * K + j]!));

  it("of columns equal point-by-point sums, and their values at the known τ", async () => {
    const points = decodePoints(await commitColumns(sketches, K, srs));
    const { G1 } = bn254.curve;
    let slow = G1.zeroAffine;
    for (const [i, entry] of column(0).entries()) {
      const power = srs.powers.slice(i * G1_BYTES, (i + 1) * G1_BYTES);
      slow = G1.add(slow, G1.timesScalar(entry < 0n ? G1.neg(power) : power, entry < 0n ? -entry : entry));
    }
    expect(points[0]).to.deep.equal(bn254.g1(slow));
    for (let j = 0; j < K; j++) expect(points[j]).to.deep.equal(multiple(evaluate(column(j), DEV_TAU)));
  });

  it("of a zero column are 64 zero bytes", async () => {
    const columns = await commitColumns(sketches, K, srs);
    expect(columns.length).to.equal(64 * K);
    expect(columns.slice(4 * 64, 5 * 64)).to.deep.equal(new Uint8Array(64));
  });

  it("do not depend on where a column stands or on rows of zeros below it", async () => {
    const padded = new Int8Array((ROWS - 50) * K);
    padded.set(sketches.subarray(0, 200 * K));
    expect(await commitColumns(padded, K, srs)).to.deep.equal(await commitColumns(sketches.slice(0, 200 * K), K, srs));
  });

  it("are the same by any number of threads", async () => {
    const [rows, k] = [1000, 512]; // enough for two threads
    const matrix = Int8Array.from(integers(random, rows * k, 127));
    const longer = await devSrs(rows);
    const alone = await commitColumns(matrix, k, longer);
    expect(await commitInThreads(matrix, k, longer, 2)).to.deep.equal(alone);
    expect(await commitInThreads(sketches, K, srs, 3)).to.deep.equal(await commitColumns(sketches, K, srs));
  });

  it("are right where points repeat or cancel, as under τ = 1 and τ = −1", async () => {
    const matrix = Int8Array.from({ length: ROWS * K }, (_, at) => [3, -3, 5, 0, 127, at % 7][at % K]!);
    const generator = bn254.rawG1([1n, 2n]);
    for (const tau of [1n, -1n]) {
      const powers = new Uint8Array(ROWS * G1_BYTES);
      for (let i = 0; i < ROWS; i++)
        powers.set(tau === 1n || i % 2 === 0 ? generator : bn254.curve.G1.neg(generator), i * G1_BYTES);
      const points = decodePoints(await commitColumns(matrix, K, { powers }));
      for (let j = 0; j < K; j++) {
        const entries = Array.from({ length: ROWS }, (_, i) => BigInt(matrix[i * K + j]!));
        expect(points[j]).to.deep.equal(multiple(evaluate(entries, tau)));
      }
    }
  });

  it("are linear: Q combines them to the commitment of the scores", async () => {
    const query = Int8Array.from([127, -127, 0, 3, 99, -1]);
    const scores = Array.from(scoreRows(sketches, query), BigInt);
    expect(await combineColumns(await commitColumns(sketches, K, srs), query)).to.deep.equal(await commit(scores, srs));
  });

  it("of flags mark the first row of every contributor but the first", async () => {
    const expected = mod(power(DEV_TAU, 3n) + power(DEV_TAU, 4n) + power(DEV_TAU, 104n));
    expect(await commitFlags([3, 1, 100, 196], srs)).to.deep.equal(multiple(expected));
    expect(await commitFlags([ROWS], srs)).to.deep.equal([0n, 0n]);
  });

  it("open to the polynomial's value, with W the quotient at τ", async () => {
    const coefficients = column(1);
    const z = element(random);
    const { y, w } = await open(coefficients, z, srs);
    expect(y).to.equal(evaluate(coefficients, z));
    const quotient = mod(evaluate(coefficients, DEV_TAU) - y) * power(DEV_TAU - z, FIELD - 2n);
    expect(w).to.deep.equal(multiple(quotient));
  });

  it("open truly only", async () => {
    const coefficients = column(1);
    const z = element(random);
    const commitment = await commit(coefficients, srs);
    const { y, w } = await open(coefficients, z, srs);
    expect(await checkOpening(commitment, z, { y, w }, srs)).to.equal(true);
    expect(await checkOpening(commitment, z, { y: mod(y + 1n), w }, srs)).to.equal(false);
    expect(await checkOpening(commitment, z, { y, w: multiple(7n) }, srs)).to.equal(false);
    expect(await checkOpening(commitment, mod(z + 1n), { y, w }, srs)).to.equal(false);
    expect(await checkOpening(await commit(column(2), srs), z, { y, w }, srs)).to.equal(false);
  });

  it("open a constant with W at infinity", async () => {
    const { y, w } = await open([5n], 9n, srs);
    expect({ y, w }).to.deep.equal({ y: 5n, w: [0n, 0n] });
    expect(await checkOpening(multiple(5n), 9n, { y, w }, srs)).to.equal(true);
    expect(await checkOpening(multiple(6n), 9n, { y, w }, srs)).to.equal(false);
  });

  it("add up points at infinity to infinity, whatever they are multiplied by", async () => {
    const infinity: G1 = [0n, 0n];
    expect(await linearCombination([infinity, infinity], [3n, -5n])).to.deep.equal(infinity);
    expect(await linearCombination([infinity, multiple(1n)], [3n, 0n])).to.deep.equal(infinity);
    expect(await linearCombination([infinity, multiple(2n)], [3n, 2n])).to.deep.equal(multiple(4n));
  });

  it("refuse -128, a matrix that is not N×k, too few powers, and empty contributors", async () => {
    expect(await outcome(commitColumns(Int8Array.from([1, -128]), 2, srs))).to.equal("SKETCH_ENTRY");
    expect(await outcome(commitColumns(new Int8Array(7), 2, srs))).to.equal("SKETCH_SHAPE");
    expect(await outcome(commitColumns(new Int8Array(ROWS + 1), 1, srs))).to.equal("SRS_TOO_SHORT");
    expect(await outcome(commitFlags([5, 0, 3], srs))).to.equal("CONTRIBUTOR_COUNT");
    expect(await outcome(commitFlags([], srs))).to.equal("CONTRIBUTOR_COUNT");
  });
});
