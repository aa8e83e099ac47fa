import { expect } from "chai";
import { keccak256 } from "ethers";
import { bestRow, largestSum, shuffleRows, topContributorAccuracy } from "../../trainer/attribution/accuracy.ts";
import { loadSketches, saveSketches } from "../../trainer/attribution/artifact.ts";
import { Bm25 } from "../../trainer/attribution/bm25.ts";
import { buildSketches, sketchQueries } from "../../trainer/attribution/build.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { novelties } from "../../trainer/attribution/novelty.ts";
import { MAX_NORM, quantise } from "../../trainer/attribution/quantise.ts";
import { rowSizes, rowWeights, sizeOf } from "../../trainer/attribution/row-weights.ts";
import { fitSketch, project, whitened } from "../../trainer/attribution/sketch.ts";
import { leastMovement, movement, queryWeight, scores } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { rowExample } from "../../trainer/examples.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import { failure, KINDS, relativeError, rowsOf, someAdapter, temporaryFolder, tinyBase, tunedAdapter } from "./tiny.ts";

const base = tinyBase();
const matrix = (rows: number, columns: number, value: (i: number, j: number) => number): Matrix => ({
  data: Float32Array.from({ length: rows * columns }, (_, n) => value(Math.floor(n / columns), n % columns)),
  shape: [rows, columns],
});

describe("sketch", function () {
  this.timeout(60_000);
  let pool: Pool;
  before(async () => {
    pool = await Pool.start(base, { threads: 1 });
  });
  after(() => pool.close());

  it("has the inner products of gradients under the inverse diagonal Fisher, damped matrix by matrix", async () => {
    const random = new Random(1);
    const [count, width] = [40, 6];
    const gradients = matrix(count, width, (_, j) => (j === 5 ? 0 : random.normal() / (1 + j)));
    const { basis, rows } = await fitSketch(pool, gradients, [
      [0, 2],
      [2, 5],
      [5, 6],
    ]);
    const fisher = [0, 1, 2, 3, 4].map((j) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += gradients.data[i * width + j]! ** 2;
      return sum / count;
    });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const damped = fisher.map((value, j) => value + 0.1 * mean(j < 2 ? fisher.slice(0, 2) : fisher.slice(2)));
    const row = (m: Matrix, i: number) => m.data.subarray(i * m.shape[1], (i + 1) * m.shape[1]);
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [7, 31],
    ] as const) {
      const [x, y] = [row(gradients, i), row(gradients, j)];
      const expected = damped.reduce((sum, value, p) => sum + (x[p]! * y[p]!) / value, 0);
      const found = row(rows, i).reduce((sum, value, n) => sum + value * row(rows, j)[n]!, 0);
      expect(found).to.be.closeTo(expected, 1e-4);
    }
    expect(relativeError((await project(pool, basis, gradients)).data, rows.data)).to.be.below(1e-4);
    expect([...row(basis.basis, 5)], "a parameter without gradients").to.deep.equal(Array(128).fill(0));
    expect(basis.k).to.equal(128);
    expect(basis.energyKept).to.be.closeTo(1, 1e-9);
  });

  it("is compared with others after each coordinate is divided by the damped root of its mean square", () => {
    const own = whitened({ data: Float32Array.of(3, 4, 0, 8), shape: [2, 2] }, [9, 0.81]);
    const damping = (0.1 * 9.81) / 2;
    expect(
      relativeError(own.data, [
        3 / Math.sqrt(9 + damping),
        4 / Math.sqrt(0.81 + damping),
        0,
        8 / Math.sqrt(0.81 + damping),
      ]),
    ).to.be.below(1e-6);
    const unused = whitened({ data: Float32Array.of(1, 0), shape: [1, 2] }, [4, 0]);
    expect(relativeError(unused.data, [1 / Math.sqrt(4.4), 0])).to.be.below(1e-6);
  });

  it("takes the smallest of 128, 256 and 512 columns that keeps 97% of the energy, and else the largest there is", async () => {
    const diagonal = (count: number, value: (i: number) => number) =>
      fitSketch(
        pool,
        matrix(count, count, (i, j) => (i === j ? value(i) : 0)),
        [[0, count]],
      );
    const few = (await diagonal(300, (i) => (i < 100 ? 1 : 0.01))).basis;
    expect(few.k).to.equal(128);
    expect((await diagonal(300, (i) => (i < 200 ? 1 : 0.01))).basis.k).to.equal(256);
    const flat = (await diagonal(300, () => 1)).basis;
    expect([flat.k, flat.energyKept]).to.deep.equal([256, 256 / 300]);
  });

  it("refuses rows without any gradient", async () => {
    expect(
      (
        await failure(() =>
          fitSketch(
            pool,
            matrix(3, 4, () => 0),
            [[0, 4]],
          ),
        )
      ).code,
    ).to.equal("TRAINER_SKETCH");
  });
});

describe("quantiser", () => {
  const norms = (q: Int8Array, k: number) =>
    Array.from({ length: q.length / k }, (_, i) => q.subarray(i * k, (i + 1) * k).reduce((sum, v) => sum + v * v, 0));

  it("gives unit sketches norm 127, whatever their length, and keeps zero at zero", () => {
    const q = quantise(matrix(3, 2, (i, j) => [3, 4, 300, 400, 0, 0][2 * i + j]!));
    expect([...q]).to.deep.equal([76, 102, 76, 102, 0, 0]);
  });

  it("rounds half away from zero, weights included", () => {
    const q = quantise(
      matrix(1, 2, (_, j) => (j === 0 ? -1 : 0)),
      [0.5],
    );
    expect([...q]).to.deep.equal([-64, 0]); // 63.5
  });

  it("keeps every sketch within norm 136, also where rounding lengthens it", () => {
    const random = new Random(4);
    const k = 512;
    // Entries just above half a unit all round up: without the rule the norm would be √512·6.
    const values = matrix(3, k, (i) => (i === 0 ? 5.52 : i === 1 ? random.normal() : random.uniform()));
    const q = quantise(values);
    for (const squares of norms(q, k)) expect(squares).to.be.at.most(MAX_NORM ** 2);
    expect(norms(q, k)[0]).to.be.above(100 ** 2);
    expect(Math.max(...q.map(Math.abs))).to.be.at.most(127);
  });
});

describe("row weights", () => {
  let pool: Pool;
  before(async () => {
    pool = await Pool.start(base, { threads: 1 });
  });
  after(() => pool.close());
  const unit = (angle: number) => [Math.cos(angle), Math.sin(angle)];
  const sketches = (angles: number[]) => matrix(angles.length, 2, (i, j) => unit(angles[i]!)[j]!);
  const hashes = (count: number) => Array.from({ length: count }, (_, i) => `row ${i}`);

  it("follow the first leader within cosine 0.8, not the nearest, and never a follower", async () => {
    const near = Math.acos(0.82);
    const angles = [0, 1.5 * near, 0.8 * near, 2.4 * near, 3.2 * near];
    expect([...(await findLeaders(pool, sketches(angles), hashes(5)))]).to.deep.equal([0, 1, 0, 1, 4]);
  });

  it("pass exact copies and empty sketches over", async () => {
    const rows = sketches([0, 0, 1.5, 0]);
    rows.data.set([0, 0], 4);
    expect([...(await findLeaders(pool, rows, ["a", "a", "b", "c"]))]).to.deep.equal([0, -1, -1, 0]);
  });

  it("are sizes over the size for which rows as large hold half of all, at most 1, and 0 for what only repeats", () => {
    // All hold 220; those of 60 and more hold 160 of them, those of 100 alone 100.
    expect([...rowWeights([100, 60, 40, 20, 0])]).to.deep.equal([1, 1, 40 / 60, 20 / 60, 0]);
    expect([...rowWeights([0, 0])], "nothing that counts").to.deep.equal([0, 0]);
  });

  it("come from what a leader says, at most half as much again as it says once and twenty times what is new, and nothing of noise", () => {
    const said = [
      { letters: 100, own: 100, fresh: 100, surprisal: 0 },
      { letters: 100, own: 100, fresh: 5, surprisal: Math.log(400) },
      { letters: 100, own: 100, fresh: 3, surprisal: 2 },
      { letters: 100, own: 100, fresh: 0, surprisal: 0 },
      { letters: 100, own: 100, fresh: 50, surprisal: Math.log(400) + 1e-6 },
      { letters: 100, own: 80, fresh: 80, surprisal: 0 },
      { letters: 100, own: 20, fresh: 20, surprisal: 0 },
      { letters: 100, own: 80, fresh: 80, surprisal: 0 },
    ];
    expect(rowSizes(said, [0, 1, 2, 3, 4, 0, 6, 7], 400)).to.deep.equal([100, 100, 60, 0, 0, 0, 30, 100]);
  });

  it("add up to no more when a text is cut into rows that are filled up with blanks and ornaments, and to half more at most when it is said again and again", async () => {
    const says = (from: number, words: number) =>
      Array.from({ length: words }, (_, n) => keccak256(Buffer.from(`${from + n}`)).slice(2, 10)).join(" ");
    const others = Array.from({ length: 12 }, (_, n) => says(1000 * (n + 1), 8));
    const adapter = someAdapter(base, ["q_proj"]);
    const weigh = async (own: string[]) => {
      const rows = [...others, ...own];
      const examples = rows.map((text) => rowExample(base.tokenizer, 4096, text));
      return rowWeights((await novelties(pool, adapter, examples)).map(sizeOf))
        .slice(others.length)
        .reduce((sum, weight) => sum + weight, 0);
    };
    const text = says(0, 8);
    const pieces = text.match(/(\S+ ){3}\S+/g)!;
    expect(await weigh([text])).to.be.closeTo(1, 0.01);
    expect(await weigh(pieces)).to.be.closeTo(1, 0.01);
    const filled = pieces.map((piece) => `${piece}${" ".repeat(200)}${"/*-*/\n".repeat(40)}`);
    expect(await weigh(filled)).to.be.closeTo(1, 0.01);
    expect(await weigh(pieces.map((piece) => `${piece}\n`.repeat(8)))).to.be.closeTo(1.5, 0.01);
  });
});

describe("query weights", () => {
  const sketches = { rows: Int8Array.of(100, 0, 0, 100, -100, 0, 0, 0), k: 2 };

  it("score in exact integers", () => {
    expect([...scores(sketches, [3, -4])]).to.deep.equal([300, -400, -300, 0]);
    expect(movement(sketches, [3, -4])).to.equal(1000);
  });

  it("take the median movement of the non-zero rows as the least", () => {
    const unweighted = Int8Array.of(127, 0, 0, 127, -127, 0, 5, 5);
    expect(leastMovement(sketches, unweighted)).to.equal(25_400); // movements 25,400, 12,700, 25,400; the zero row is out
    expect(leastMovement({ rows: sketches.rows.slice(0, 4), k: 2 }, Int8Array.of(1, 0, 0, 2))).to.equal(150);
  });

  it("never let a query move the scores by more than its fee", () => {
    expect(queryWeight(10n ** 18n, 1000, 25_400)).to.equal(10n ** 18n / 25_400n);
    expect(queryWeight(10n ** 18n, 30_000, 25_400) * 30_000n <= 10n ** 18n).to.equal(true);
  });

  it("refuse weights of 2^64 and more, and all-zero sketches", async () => {
    expect((await failure(() => queryWeight(1n << 80n, 1, 1))).code).to.equal("TRAINER_WEIGHT");
    expect((await failure(() => leastMovement({ rows: new Int8Array(4), k: 2 }, new Int8Array(4)))).code).to.equal(
      "TRAINER_SKETCH",
    );
  });
});

describe("accuracy", () => {
  it("names the contributor with the largest positive sum, or the one of the best row", () => {
    const owners = [0, 0, 1, 1];
    expect(largestSum([3, 3, 5, -9], owners)).to.equal(0);
    expect(bestRow([3, 3, 5, -9], owners)).to.equal(1);
    const result = topContributorAccuracy(owners, [
      { scores: [1, 0, 0, 0], truth: 0 },
      { scores: [1, 0, 0, 0], truth: 1 },
      { scores: [0, 0, 0, 2], truth: 1 },
    ]);
    expect(result.predictions).to.deep.equal([0, 0, 1]);
    expect([result.accuracy, result.chance, result.majority]).to.deep.equal([2 / 3, 1 / 2, 2 / 3]);
    expect(result.interval[0]).to.be.closeTo(0.2077, 1e-4); // Wilson, 2 of 3
    expect(result.interval[1]).to.be.closeTo(0.9385, 1e-4);
  });

  it("finds the text that shares rare words by BM25", () => {
    const bm25 = new Bm25(["the transfer of tokens", "the owner of the vault", "the the the"]);
    const [transfer, owner, filler] = bm25.scores("Transfer the");
    expect(transfer).to.be.above(owner!);
    expect(transfer).to.be.above(filler!);
  });
});

describe("attribution end to end", function () {
  this.timeout(120_000);
  const rows = [
    ...rowsOf(0, 24),
    ...rowsOf(1, 24),
    "",
    `${KINDS[2]!(1)} `.repeat(12),
    ...rowsOf(2, 22),
    rowsOf(0, 1)[0]!,
  ];
  const owners = rows.map((row) =>
    Math.max(
      0,
      KINDS.findIndex((kind) => row.startsWith(kind(0).slice(0, 5))),
    ),
  );
  const training = rows.filter((row) => row !== "");
  let pool: Pool;
  let result: Awaited<ReturnType<typeof attribute>>;

  async function attribute() {
    const adapter = await tunedAdapter(pool, training, ["q_proj", "v_proj"]);
    const sketches = await buildSketches(pool, adapter, rows);
    const truths = [0, 1, 2].flatMap((kind) => Array<number>(8).fill(kind));
    const queries = truths.map((kind, n) => {
      const ids = base.tokenizer.encode(KINDS[kind]!(200 + n));
      return { promptIds: [base.tokenizer.bos, ...ids.slice(0, 6)], completionIds: ids.slice(6, 30) };
    });
    return { adapter, sketches, truths, queries, sketched: await sketchQueries(pool, adapter, sketches, queries) };
  }
  const accuracyWith = (committed: Int8Array) => {
    const { sketches, truths, sketched } = result;
    const answered = sketched.map((query, t) => ({
      scores: scores({ rows: committed, k: sketches.k }, query),
      truth: truths[t]!,
    }));
    return topContributorAccuracy(owners, answered);
  };

  before(async () => {
    pool = await Pool.start(base, { threads: 2 });
    result = await attribute();
  });
  after(() => pool.close());

  it("names the kind of text a query is about, and falls to chance when the rows are shuffled", () => {
    expect(accuracyWith(result.sketches.rows).accuracy).to.be.above(0.9);
    const shuffled = Array.from(
      { length: 12 },
      (_, seed) => accuracyWith(shuffleRows(result.sketches.rows, result.sketches.k, seed)).accuracy,
    );
    expect(shuffled.reduce((sum, value) => sum + value, 0) / shuffled.length).to.be.within(0.15, 0.55);
  });

  it("gives empty rows and copies the zero sketch, and rows beyond the context a real one", () => {
    const { rows: committed, k, weights } = result.sketches;
    const zero = (row: string, last = false) => {
      const i = last ? rows.lastIndexOf(row) : rows.indexOf(row);
      return committed.subarray(i * k, (i + 1) * k).every((entry) => entry === 0);
    };
    expect(zero("")).to.equal(true);
    expect(zero(rows[0]!, true), "copy").to.equal(true);
    expect(zero(rows[0]!)).to.equal(false);
    expect(zero(rows[49]!), "too long").to.equal(false);
    expect(weights[rows.indexOf("")]).to.equal(0);
  });

  it("comes back from disk and sketches queries the same", async () => {
    const folder = temporaryFolder();
    saveSketches(folder, result.sketches);
    const loaded = loadSketches(folder);
    expect(loaded).to.deep.equal(result.sketches);
    expect(await sketchQueries(pool, result.adapter, loaded, result.queries)).to.deep.equal(result.sketched);
    expect((await failure(() => loadSketches("/nowhere"))).code).to.equal("TRAINER_SKETCHES");
  });

  it("sketches prompt and completion as one text, like a row; the completion alone when asked to", async () => {
    const { adapter, sketches } = result;
    const ids = base.tokenizer.encode(rows[24]!);
    const query = { promptIds: [base.tokenizer.bos, ...ids.slice(0, 5)], completionIds: ids.slice(5) };
    const [whole] = await sketchQueries(pool, adapter, sketches, [query]);
    expect(await sketchQueries(pool, adapter, sketches, [query], "completion")).to.not.deep.equal([whole]);
    const [own, ...others] = [24, 0, 60].map((i) => scores({ rows: sketches.rows, k: sketches.k }, whole!)[i]!);
    expect(own! / 127 ** 2 / sketches.weights[24]!).to.be.closeTo(1, 0.05);
    expect(own).to.be.above(Math.max(...others));
  });

  it("gives an answer without a token the zero sketch, and refuses one without a prompt", async () => {
    const { adapter, sketches, queries, sketched } = result;
    const empty = { promptIds: [0], completionIds: [] };
    expect(await sketchQueries(pool, adapter, sketches, [empty, queries[0]!])).to.deep.equal([
      new Int8Array(sketches.k),
      sketched[0],
    ]);
    const headless = [{ promptIds: [], completionIds: [1] }];
    expect((await failure(() => sketchQueries(pool, adapter, sketches, headless))).code).to.equal("TRAINER_QUERY");
  });
});
