import { readdirSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import type { Span } from "../../trainer/attribution/blocks.ts";
import { buildSketches, sketchQueries } from "../../trainer/attribution/build.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { gradientRows } from "../../trainer/attribution/gradient-rows.ts";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { fitSketch, project } from "../../trainer/attribution/sketch.ts";
import { leastMovement, leastMovementOf } from "../../trainer/attribution/weights.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import { failure, relativeError, rowsOf, temporaryFolder, tinyBase, tunedAdapter } from "./tiny.ts";

const random = new Random(5);
/** Rows in which direction j has a share 1/(1 + j)² of the energy, each direction mixed over all columns. */
function decaying(count: number, width: number): Matrix {
  const strength = Array.from({ length: width }, (_, j) => 1 / (1 + j));
  const data = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    // A Hadamard-like mix by signs keeps the directions orthogonal and touches every column.
    const own = strength.map((scale) => scale * random.normal());
    for (let step = 1; step < width; step *= 2)
      for (let at = 0; at < width; at++)
        if ((at & step) === 0 && at + step < width) {
          const [a, b] = [own[at]!, own[at + step]!];
          own[at] = (a + b) / Math.SQRT2;
          own[at + step] = (a - b) / Math.SQRT2;
        }
    data.set(own, i * width);
  }
  return { data, shape: [count, width] };
}

describe("Sketches of many rows", function () {
  this.timeout(120_000);
  const base = tinyBase();
  let pool: Pool;
  before(async () => {
    pool = await Pool.start(base, { threads: 2 });
  });
  after(() => pool.close());

  it("have from the randomized method the inner products that the Gram matrix gives", async () => {
    const gradients = decaying(400, 256);
    const exact = await fitSketch(pool, gradients, [[0, 256]], [128], "gram");
    const random = await fitSketch(pool, gradients, [[0, 256]], [128], "randomized");
    expect(random.basis.energyKept).to.be.closeTo(exact.basis.energyKept, 1e-5);
    expect(relativeError(random.basis.eigenvalues, exact.basis.eigenvalues)).to.be.below(1e-4);
    const inner = ({ data, shape: [count, k] }: Matrix) => {
      const dot = (i: number, j: number) => {
        let sum = 0;
        for (let n = 0; n < k; n++) sum += data[i * k + n]! * data[j * k + n]!;
        return sum;
      };
      return Array.from({ length: 4 * count }, (_, n) => dot(n % count, (7 * n) % 5));
    };
    expect(relativeError(inner(random.rows), inner(exact.rows))).to.be.below(0.01);
    expect(relativeError((await project(pool, random.basis, gradients)).data, random.rows.data)).to.be.below(1e-4);
  });

  it("come out of the randomized method for fewer directions than columns, and for rows without a gradient", async () => {
    const gradients = decaying(60, 32);
    gradients.data.fill(0, 5 * 32, 6 * 32);
    const { basis, rows } = await fitSketch(pool, gradients, [[0, 32]], [128], "randomized");
    const exact = await fitSketch(pool, gradients, [[0, 32]], [128], "gram");
    expect(basis.eigenvalues.filter((value) => value > 0)).to.have.length(32);
    expect(basis.energyKept).to.be.closeTo(1, 1e-5);
    expect(relativeError(basis.eigenvalues, exact.basis.eigenvalues)).to.be.below(1e-4);
    expect(rows.data.subarray(5 * 128, 6 * 128).every((value) => value === 0)).to.equal(true);
    const empty = { data: new Float32Array(6), shape: [3, 2] } as Matrix;
    expect((await failure(() => fitSketch(pool, empty, [[0, 2]], [128], "randomized"))).code).to.equal(
      "TRAINER_SKETCH",
    );
  });

  it("are the same bits from gradients on disk as from memory, and leave nothing on disk", async () => {
    const gradients = decaying(50, 300);
    const scratch = temporaryFolder();
    const onDisk = gradientRows(50, 300, { scratch }, 0);
    for (let i = 49; i >= 0; i--) onDisk.set(i, gradients.data.subarray(i * 300, (i + 1) * 300));
    expect(onDisk.block(3, 20, 100, 107)).to.deep.equal(gradientsOf(gradients, 3, 20, 100, 107));
    const rows: Float32Array[] = [];
    onDisk.each((row) => rows.push(row.slice()));
    expect(rows).to.deep.equal(Array.from({ length: 50 }, (_, i) => gradients.data.slice(i * 300, (i + 1) * 300)));
    const halves: Span[] = [
      [0, 150],
      [150, 300],
    ];
    for (const method of ["gram", "randomized"] as const)
      expect(await fitSketch(pool, onDisk, halves, [128], method)).to.deep.equal(
        await fitSketch(pool, gradients, halves, [128], method),
      );
    expect(readdirSync(scratch)).to.have.length(1);
    onDisk.close(true);
    expect(readdirSync(scratch)).to.deep.equal([]);
  });

  it("are refused where the disk is too small, before anything is computed", async () => {
    const adapter = await tunedAdapter(pool, rowsOf(0, 20), ["q_proj"]);
    const { code, message } = await failure(() => gradientRows(1e9, 1e6, { scratch: temporaryFolder() }));
    expect(code).to.equal("TRAINER_DISK");
    expect(message).to.match(/1000000000 rows take 4000000.00 GB, and .* left; name a folder/);
    const scratch = temporaryFolder();
    await buildSketches(pool, adapter, rowsOf(0, 20), { scratch });
    expect(readdirSync(scratch)).to.deep.equal([]);
  });

  it("go on after a crash with the gradients that are on disk, and with those of the same run only", async () => {
    const rows = [...rowsOf(0, 20), ...rowsOf(1, 20)];
    const adapter = await tunedAdapter(pool, rows, ["q_proj"]);
    const folder = path.join(temporaryFolder(), "run");
    let answers: Promise<unknown>[] = [];
    /** The pool, until it has answered so often. */
    const until = (most: number) =>
      new Proxy(pool, {
        get(target, name) {
          if (name !== "run") return Reflect.get(target, name);
          return async (kind: "gradients", task: never) => {
            if (kind === "gradients" && answers.length === most) {
              await Promise.all(answers);
              throw new Error("crash");
            }
            const answer = target.run(kind, task);
            if (kind === "gradients") answers.push(answer);
            return answer;
          };
        },
      });
    const stopped = await buildSketches(until(3), adapter, rows, { run: folder }).catch(
      (error: Error) => error.message,
    );
    expect(stopped).to.equal("crash");
    const other = await failure(() => buildSketches(pool, adapter, rows.slice(1), { run: folder }));
    expect(other.code).to.equal("TRAINER_CHECKPOINT");
    answers = [];
    const sketches = await buildSketches(until(100), adapter, rows, { run: folder });
    expect(answers).to.have.length(2); // of five tasks, three were answered before the crash
    expect(sketches).to.deep.equal(await buildSketches(pool, adapter, rows));
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("are made of more answers than are in memory at a time, each its own", async () => {
    const adapter = await tunedAdapter(pool, rowsOf(0, 12), ["q_proj"], 2);
    const sketches = await buildSketches(pool, adapter, rowsOf(0, 12));
    const query = (n: number) => ({ promptIds: [0, 5], completionIds: n % 100 === 0 ? [] : [6 + (n % 3), 7] });
    const queries = Array.from({ length: 530 }, (_, n) => query(n));
    const all = await sketchQueries(pool, adapter, sketches, queries);
    const few = await sketchQueries(pool, adapter, sketches, [0, 1, 2, 3].map(query));
    expect(few[0]).to.deep.equal(new Int8Array(sketches.k));
    expect(few[1]).to.not.deep.equal(few[2]);
    all.forEach((sketch, n) => {
      const expected = n % 100 === 0 ? few[0]! : few[n % 3 === 0 ? 3 : n % 3]!;
      expect(Math.max(...sketch.map((entry, j) => Math.abs(entry - expected[j]!))), `answer ${n}`).to.be.at.most(1);
    });
  });

  it("follow leaders row by row, whatever the blocks", async () => {
    const k = 6;
    const [count, centres] = [
      2000,
      Array.from({ length: 700 }, () => Array.from({ length: k }, () => random.normal())),
    ];
    const data = new Float32Array(count * k);
    for (let i = 0; i < count; i++) {
      const centre = centres[Math.floor(random.uniform() * centres.length)]!;
      data.set(
        centre.map((value) => 3 * (value + 0.2 * random.normal())),
        i * k,
      );
    }
    const hashes = Array.from({ length: count }, (_, i) => `row ${i % 1900}`);
    const leaders = await findLeaders(pool, { data, shape: [count, k] }, hashes);
    expect([...leaders]).to.deep.equal(plainLeaders(data, k, hashes));
    expect(new Set(leaders).size).to.be.within(100, 1500);
  });

  it("have the least movement that single products give", async () => {
    const k = 128;
    const data = Float32Array.from({ length: 1300 * k }, () => random.normal());
    data.fill(0, 7 * k, 8 * k);
    const rows = quantise({ data, shape: [1300, k] });
    const weighted = rows.map((entry, at) => (at < 100 * k ? Math.trunc(entry / 3) : entry));
    expect(await leastMovementOf(pool, { rows: weighted, k }, rows)).to.equal(
      leastMovement({ rows: weighted, k }, rows),
    );
  });
});

function gradientsOf(
  { data, shape: [, width] }: Matrix,
  from: number,
  to: number,
  first: number,
  last: number,
): Matrix {
  const rows = Array.from({ length: to - from }, (_, n) => [
    ...data.subarray((from + n) * width + first, (from + n) * width + last),
  ]);
  return { data: Float32Array.from(rows.flat()), shape: [to - from, last - first] };
}

/** The rule as it is written: one row after another, each against the leaders before it. */
function plainLeaders(data: Float32Array, k: number, hashes: string[]): number[] {
  const leaders: number[] = [];
  return hashes.map((hash, i) => {
    if (hashes.indexOf(hash) < i) return -1;
    const row = (n: number) => data.subarray(n * k, (n + 1) * k);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + value * b[j]!, 0);
    const found = leaders.find(
      (leader) => dot(row(i), row(leader)) >= 0.8 * Math.hypot(...row(i)) * Math.hypot(...row(leader)),
    );
    if (found === undefined) leaders.push(i);
    return found ?? i;
  });
}
