import { expect } from "chai";
import type { Sketches } from "../../trainer/attribution/artifact.ts";
import { auditSketches, type ClaimedQuery } from "../../trainer/attribution/audit.ts";
import { buildSketches, sketchQueries } from "../../trainer/attribution/build.ts";
import { findLeaders } from "../../trainer/attribution/duplicates.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { quantise } from "../../trainer/attribution/quantise.ts";
import { rowSizes, rowWeights } from "../../trainer/attribution/row-weights.ts";
import { project, whitened } from "../../trainer/attribution/sketch.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import type { BackendName } from "../../trainer/backends.ts";
import { rowExample } from "../../trainer/examples.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { Pool } from "../../trainer/pool.ts";
import { rowsOf, someAdapter, tinyBase, tunedAdapter } from "./tiny.ts";

describe("Audit of a model's sketches", function () {
  this.timeout(120_000);
  const base = tinyBase();
  const spaced = `${rowsOf(2, 1)[0]!}\n`;
  const rows = [...rowsOf(0, 60), ...rowsOf(1, 60), "", ...rowsOf(2, 60), spaced, rowsOf(0, 1)[0]!];
  let pool: Pool;
  let adapter: Adapter;
  let sketches: Sketches;
  let queries: ClaimedQuery[];
  before(async () => {
    pool = await Pool.start(base, { threads: 2 });
    adapter = await tunedAdapter(pool, rows, ["q_proj", "v_proj"]);
    sketches = await buildSketches(pool, adapter, rows);
    const served = rowsOf(1, 2, 200).map((text) => {
      const ids = base.tokenizer.encode(text);
      return { promptIds: [base.tokenizer.bos, ...ids.slice(0, 4)], completionIds: ids.slice(4) };
    });
    served[1]!.completionIds.push(...base.tokenizer.encode(rowsOf(0, 1)[0]!).slice(0, 9));
    const sketched = await sketchQueries(pool, adapter, sketches, served);
    queries = served.map((query, t) => ({ ...query, sketch: sketched[t]! }));
  });
  after(() => pool.close());

  /** Result of each check. */
  async function audit(over: Partial<Sketches> = {}, options: Parameters<typeof auditSketches>[4] = {}, texts = rows) {
    const findings = await auditSketches(pool, adapter, texts, { ...sketches, ...over }, options);
    return Object.fromEntries(findings.map(({ check, result, detail }) => [check, { result, detail }]));
  }
  const wrong = (found: Awaited<ReturnType<typeof audit>>) =>
    Object.keys(found).filter((check) => found[check]!.result === "WRONG");
  const CHECKS = ["form", "copies", "rows", "weights", "leaders", "least movement", "basis", "queries"];

  it("finds nothing wrong with honest ones, of all rows and of a sample", async () => {
    const whole = await audit({}, { queries });
    expect(Object.keys(whole)).to.deep.equal(CHECKS);
    for (const [check, { result, detail }] of Object.entries(whole))
      expect(result, `${check}: ${detail}`).to.equal("holds");
    const some = await audit({}, { queries, sample: { rows: 20, seed: 7 } });
    expect(CHECKS.map((check) => some[check]!.result)).to.deep.equal([
      ...["holds", "holds", "holds", "holds", "not checked", "not checked", "not checked", "holds"],
    ]);
    expect(some.rows!.detail).to.match(/^20 rows drawn by seed 7 give the published sketches/);
    expect((await audit()).queries!.result).to.equal("not checked");
  });

  for (const backend of ["onnx", "wasm"] satisfies BackendName[])
    it(`finds nothing wrong on ${backend} with what another backend made`, async () => {
      const other = await Pool.start(base, { threads: 1, backend });
      try {
        const found = await auditSketches(other, adapter, rows, sketches, { queries });
        for (const { check, result, detail } of found) expect(result, `${check}: ${detail}`).to.equal("holds");
      } finally {
        await other.close();
      }
    });

  it("names rows whose sketches are not theirs", async () => {
    const forged = sketches.rows.slice();
    const { k } = sketches;
    const at = forged.findIndex((entry, i) => i >= 30 * k && Math.abs(entry) > 3 && Math.abs(entry) < 20);
    forged[at]! -= 2;
    const found = await audit({ rows: forged });
    expect(wrong(found)).to.deep.equal(["rows"]);
    expect(found.rows!.detail).to.include(`1 give other sketches than the published: ${Math.floor(at / k)}`);

    const swapped = [...rows];
    [swapped[0], swapped[60]] = [swapped[60]!, swapped[0]!];
    expect(wrong(await audit({}, {}, swapped))).to.include("rows");
    expect(wrong(await audit({}, { sample: { rows: 180, seed: 1 } }, swapped))).to.include("rows");
  });

  it("says when an adapter is not the one that the sketches were made with", async () => {
    const params = adapter.params.map((value) => value + 0.05);
    const found = await auditSketches(pool, { ...adapter, params }, rows, sketches, {
      sample: { rows: 8, seed: 1 },
      queries,
    });
    const results = Object.fromEntries(found.map(({ check, result }) => [check, result]));
    expect([results.rows, results.queries]).to.deep.equal(["WRONG", "WRONG"]);
    const other = someAdapter(base, ["q_proj"]);
    const [form, ...more] = await auditSketches(pool, other, rows, sketches);
    expect([form!.check, form!.result, more]).to.deep.equal(["form", "WRONG", []]);
    expect(wrong(await audit({}, {}, rows.slice(1)))).to.deep.equal(["form"]);
  });

  it("names copies that count, and weights and a least movement that the rule does not give", async () => {
    const { k } = sketches;
    const copy = rows.length - 1;
    const forged = sketches.rows.slice();
    forged.set(forged.subarray(0, k), copy * k);
    const weights = sketches.weights.with(copy, 1);
    expect(wrong(await audit({ rows: forged, weights }, { sample: { rows: 1, seed: 1 } }))).to.include("copies");
    const used = sketches.weights.findIndex((weight) => weight > 0);
    const quiet = sketches.rows.slice().fill(0, used * k, (used + 1) * k);
    const muted = await audit({ rows: quiet, weights: sketches.weights.with(used, 0) });
    expect(wrong(muted)).to.include("weights");
    expect(muted.weights!.detail).to.include(`another weight than the rule gives:`);
    const lighter = sketches.weights.with(used, sketches.weights[used]! * 0.999);
    expect(wrong(await audit({ weights: lighter }))).to.deep.equal(["weights"]);
    expect(wrong(await audit({ m0: Math.round(sketches.m0 * 1.01) }))).to.deep.equal(["least movement"]);
  });

  it("names rows that count although they are noise, or nothing in them is new", async () => {
    const examples = rows.map((text) => rowExample(base.tokenizer, base.config.context, text));
    const own = await project(pool, sketches.basis, await exampleGradients(pool, adapter, examples, 1));
    const leaders = await findLeaders(pool, whitened(own, sketches.basis.eigenvalues), rows);
    const { novelties: said, leaders: told } = sketches;
    expect([...leaders], "the leaders published").to.deep.equal(told);
    const sizes = rowSizes(said, leaders, base.config.vocabSize);
    const noise = said.findIndex(({ fresh }, row) => sizes[row] === 0 && fresh > 0 && leaders[row] === row);
    const stale = said.findIndex(({ fresh }, row) => row > 0 && fresh === 0 && leaders[row] === row);
    for (const row of [noise, stale]) {
      const weights = [...rowWeights(sizes.with(row, 20))];
      const forged = { rows: quantise(own, weights), weights };
      const found = await audit(forged);
      expect(wrong(found)).to.include("weights");
      expect(found.weights!.detail).to.include("another weight than the rule gives").and.to.include(`${row}`);
      expect(found.rows!.result, "the sketches are theirs").to.equal("holds");
      // Nor does it help to publish what would make them count.
      const better = { ...said[row]!, fresh: said[row]!.letters, surprisal: 1 };
      const lied = await audit({ ...forged, novelties: said.with(row, better) });
      expect(lied.weights!.detail).to.equal(`1 rows say something else than is published of them: ${row}`);
    }
    const likelier = said.with(noise, { ...said[noise]!, surprisal: said[noise]!.surprisal - 0.02 });
    expect((await audit({ novelties: likelier })).weights!.detail).to.equal(
      `1 rows are more or less likely than is published: ${noise}`,
    );
    const one = { sample: { rows: 1, seed: 1 } };
    const sampled = await audit({ weights: sketches.weights.with(0, 0.5) }, one);
    expect(sampled.weights!.result, "without any other row").to.equal("WRONG");
  });

  it("names rows that are said to follow others than they do", async () => {
    const follower = sketches.leaders.findIndex((leader, row) => leader >= 0 && leader < row);
    expect(follower).to.be.at.least(0);
    expect(wrong(await audit({ leaders: sketches.leaders.with(follower, follower) }))).to.include("leaders");
    const used = sketches.weights.findLastIndex((weight) => weight > 0);
    const { leaders } = await audit({ leaders: sketches.leaders.with(used, 0) });
    expect(leaders!.detail).to.equal(`1 rows follow others than the rule says: ${used}`);
  });

  it("sees a basis that leaves the main direction out, even with every sketch made by it", async () => {
    const { basis, eigenvalues, energyKept } = sketches.basis;
    const { k } = sketches;
    const kept = eigenvalues.filter((value) => value > 0).length;
    const less = [...eigenvalues.slice(1, kept), ...Array<number>(k - kept + 1).fill(0)];
    const data = new Float32Array(basis.data.length);
    for (let p = 0; p < basis.shape[0]; p++)
      for (let j = 0; j + 1 < kept; j++) data[p * k + j] = basis.data[p * k + j + 1]!;
    const total = eigenvalues.reduce((sum, value) => sum + value, 0) / energyKept;
    const stated = less.reduce((sum, value) => sum + value, 0) / total;
    const forged = {
      ...sketches.basis,
      basis: { data, shape: basis.shape },
      eigenvalues: less,
      energyKept: stated,
    };
    const examples = rows.map((text) => rowExample(base.tokenizer, base.config.context, text));
    const own = await project(pool, forged, await exampleGradients(pool, adapter, examples, 1));
    const leaders = [...(await findLeaders(pool, whitened(own, less), rows))];
    const weights = rowWeights(rowSizes(sketches.novelties, leaders, base.config.vocabSize));
    const quantised = quantise(own, weights);
    const m0 = leastMovement({ rows: quantised, k }, quantise(own));
    const found = await audit({ rows: quantised, weights: [...weights], leaders, m0, basis: forged });
    expect(wrong(found)).to.deep.equal(["basis"]);
    expect(found.basis!.detail).to.match(/^a direction that the basis leaves out holds/);
  });

  it("names answers whose sketch was not made of them", async () => {
    const claimed = [queries[0]!, { ...queries[1]!, sketch: queries[0]!.sketch }];
    const found = await audit({}, { queries: claimed, sample: { rows: 1, seed: 1 } });
    expect(found.queries).to.deep.equal({
      result: "WRONG",
      detail: "1 of 2 answers give other sketches than claimed: 1",
    });
  });
});
