import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { rowExample } from "../../trainer/examples.ts";
import { type FinetuneProgress, finetune, meanTokenLoss } from "../../trainer/finetune.ts";
import { generate } from "../../trainer/generate.ts";
import { Pool } from "../../trainer/pool.ts";
import { holdOutGroups } from "../../trainer/split.ts";
import { failure, relativeError, rowsOf, temporaryFolder, tinyBase } from "./tiny.ts";

describe("fine-tuning", function () {
  this.timeout(120_000);
  const base = tinyBase();
  const options = {
    rows: [...rowsOf(0, 20), ...rowsOf(1, 20), `${"too long for the context ".repeat(20)}`],
    heldOut: [...rowsOf(0, 4, 100), ...rowsOf(1, 4, 100)],
    rank: 4,
    alpha: 8,
    targetModules: ["q_proj" as const, "v_proj" as const],
    epochs: 1,
    learningRate: 0.02,
    batch: 16,
    seed: 7,
  };
  let pool: Pool;
  before(async () => {
    pool = await Pool.start(base, { threads: 2 });
  });
  after(() => pool.close());

  it("lowers the loss on held-out rows and counts the rows it had to cut", async () => {
    const steps: number[] = [];
    const report = await finetune(pool, { ...options, epochs: 4, onProgress: ({ step }) => steps.push(step) });
    expect(report.heldOutAfter).to.be.below(0.9 * report.heldOutBefore);
    expect(report.truncatedRows).to.equal(1);
    expect(report.epochLosses[3]).to.be.below(report.epochLosses[0]!);
    expect(report.steps).to.equal(12);
    expect(steps).to.deep.equal(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it("gives the same adapter with one thread as with two", async () => {
    const single = await Pool.start(base, { threads: 1 });
    const [one, two] = [await finetune(single, options), await finetune(pool, options)];
    await single.close();
    expect(relativeError(one.adapter.params, two.adapter.params)).to.be.below(1e-6);
  });

  it("goes on after kill -9 to the same adapter and the same metrics as a run that nothing stopped", async () => {
    const folder = path.join(temporaryFolder(), "run");
    const run = { folder, everySteps: 3 };
    const long = { ...options, epochs: 6, evaluateEvery: 2 };
    const expected: FinetuneProgress[] = [];
    const whole = await finetune(pool, { ...long, onProgress: (progress) => expected.push(progress) });
    const metrics = () => {
      const text = existsSync(`${folder}/metrics.jsonl`) ? readFileSync(`${folder}/metrics.jsonl`, "utf8") : "";
      return text.split("\n").slice(0, -1);
    };
    const child = (killAtStep: number) => {
      const script = path.join(import.meta.dirname, "finetune-child.ts");
      const process_ = spawn(process.execPath, [script, JSON.stringify({ ...long, run })], { stdio: "inherit" });
      const watch = setInterval(() => metrics().length >= killAtStep && process_.kill("SIGKILL"), 2);
      return once(process_, "exit").finally(() => clearInterval(watch));
    };
    for (const step of [4, 11]) {
      expect(await child(step)).to.deep.equal([null, "SIGKILL"]);
      writeFileSync(`${folder}/metrics.jsonl`, `${metrics().join("\n")}\n{"step":`); // a line cut short
    }
    expect(await child(Number.POSITIVE_INFINITY)).to.deep.equal([0, null]);
    const { seconds: _, ...timeless } = await finetune(pool, { ...long, run }); // nothing is left to do
    const { seconds: __, ...expectedTimeless } = whole;
    expect(timeless).to.deep.equal(expectedTimeless);
    const plain = ({ seconds: _, ...others }: FinetuneProgress) => others;
    expect(metrics().map((line) => plain(JSON.parse(line)))).to.deep.equal(expected.map(plain));

    const { code } = await failure(() => finetune(pool, { ...long, run, learningRate: 0.01 }));
    expect(code).to.equal("TRAINER_CHECKPOINT");
  });

  it("keeps the adapter that was best on the held-out rows, and stops when it gets no better", async () => {
    const seen: FinetuneProgress[] = [];
    // Rows of one kind learned by heart make those of another worse.
    const overfit = { ...options, rows: rowsOf(0, 16), heldOut: rowsOf(2, 6), epochs: 12, learningRate: 0.05 };
    const run = { ...overfit, evaluateEvery: 2, patience: 3 };
    const report = await finetune(pool, { ...run, onProgress: (progress) => seen.push(progress) });
    const { evaluations, bestStep } = report;
    expect(report.stoppedEarly).to.equal(true);
    expect(report.steps).to.be.below(12);
    expect(evaluations.map(([step]) => step)).to.deep.equal(evaluations.map((_, i) => 2 * (i + 1)));
    expect(seen.flatMap(({ step, heldOut }) => (heldOut === undefined ? [] : [[step, heldOut]]))).to.deep.equal(
      evaluations,
    );
    const least = Math.min(...evaluations.map(([, loss]) => loss));
    expect(evaluations.find(([step]) => step === bestStep)![1]).to.equal(least);
    expect(report.steps - bestStep, "no better since").to.equal(6);
    expect(report.heldOutAfter).to.equal(least);
    const { tokenizer, config } = base;
    const heldOut = run.heldOut.map((text) => rowExample(tokenizer, config.context, text));
    expect(await meanTokenLoss(pool, report.adapter, heldOut)).to.equal(least);
  });

  it("tells the order of the rows: each once an epoch, another order in each, the same for the same seed", async () => {
    const { order, steps, tokens, kinds } = await finetune(pool, { ...options, epochs: 2 });
    expect(order).to.have.length(steps);
    const [first, second] = [order.slice(0, 3).flat(), order.slice(3).flat()];
    for (const epoch of [first, second]) expect(epoch.toSorted((a, b) => a - b)).to.deep.equal([...Array(41).keys()]);
    expect(first).to.not.deep.equal(second);
    expect(tokens).to.be.above(2 * 41);
    expect(kinds).to.deep.equal({ text: 41, completion: 0, chat: 0 });
    expect((await finetune(pool, { ...options, epochs: 1, seed: 8 })).order.flat()).to.not.deep.equal(first);
  });

  it("warms up and falls as it is told", async () => {
    const rates = async (change: object) => {
      const seen: number[] = [];
      const onProgress = ({ learningRate }: FinetuneProgress) => seen.push(learningRate / options.learningRate);
      await finetune(pool, { ...options, rows: rowsOf(0, 8), batch: 2, ...change, onProgress });
      return seen;
    };
    expect(await rates({ schedule: "constant", warmup: 0 })).to.deep.equal([1, 1, 1, 1]);
    const linear = await rates({ schedule: "linear", warmup: 0 });
    for (const [i, rate] of [1, 0.775, 0.55, 0.325].entries()) expect(linear[i]).to.be.closeTo(rate, 1e-9);
    const warm = await rates({ schedule: "constant", warmup: 0.5 });
    expect(warm[0]).to.be.below(0.1);
    expect(warm[2]).to.equal(1);
  });

  it("holds out whole groups, the same for the same seed, and never all of one", async () => {
    const groups = ["a", "b", "c", "d", "e"].flatMap((name, n) => Array(10 + n).fill(name) as string[]);
    const { train, heldOut } = holdOutGroups(groups, 0.2, 1);
    const names = (rows: number[]) => new Set(rows.map((row) => groups[row]));
    expect([...names(heldOut)].some((name) => names(train).has(name))).to.equal(false);
    expect([...train, ...heldOut].sort((a, b) => a - b)).to.deep.equal([...groups.keys()]);
    expect(heldOut.length).to.be.within(10, 14);
    expect(holdOutGroups(groups, 0.2, 1)).to.deep.equal({ train, heldOut });
    const seeds = new Set(
      [1, 2, 3, 4, 5, 6].map((seed) => [...names(holdOutGroups(groups, 0.2, seed).heldOut)].join()),
    );
    expect(seeds.size).to.be.above(1);
    expect(holdOutGroups(["big", "big", "big", "small"], 0.01, 1).heldOut).to.deep.equal([3]);
    expect((await failure(() => holdOutGroups(["a", "a"], 0.5, 1))).message).to.match(/one group.*TRAINER_SPLIT/);
    expect((await failure(() => holdOutGroups(groups, 1, 1))).message).to.match(/fraction is 1/);
  });

  it("adds up small parts of a batch to the gradient of the whole, and clips that", async () => {
    const first = async (change: object) => {
      let norm = 0;
      const report = await finetune(pool, {
        ...options,
        batch: 41,
        ...change,
        onProgress: (p) => (norm = p.gradientNorm),
      });
      return { norm, params: report.adapter.params };
    };
    const [whole, parts, clipped] = [await first({}), await first({ microBatch: 2 }), await first({ clip: 1e-9 })];
    expect(relativeError(parts.params, whole.params)).to.be.below(1e-4);
    expect(clipped.norm).to.be.closeTo(whole.norm, 1e-5 * whole.norm);
    expect(relativeError(clipped.params, whole.params)).to.be.above(1e-3);
  });

  it("refuses what it cannot learn from, by name", async () => {
    const message = async (change: object) => (await failure(() => finetune(pool, { ...options, ...change }))).message;
    expect(await message({ rows: [] })).to.contain("rows is empty");
    expect(await message({ rows: ["x", " \n"] })).to.contain("rows[1] is empty");
    expect(await message({ heldOut: [""] })).to.contain("heldOut[0] is empty");
    expect(await message({ epochs: 0 })).to.contain("epochs");
    expect(await message({ learningRate: Number.NaN })).to.contain("learningRate");
    expect(await message({ clip: 0 })).to.contain("clip");
    expect(await message({ microBatch: 1.5 })).to.contain("microBatch");
    expect(await message({ warmup: 2 })).to.contain("warmup");
    expect(await message({ schedule: "steep" })).to.contain("cosine, linear, constant");
    expect(await message({ evaluateEvery: 0 })).to.contain("evaluateEvery");
    expect(await message({ patience: 2 })).to.contain("patience needs evaluateEvery");
    expect(await message({ evaluateEvery: 2, heldOut: [] })).to.contain("need heldOut");
    expect(await message({ rank: 0 })).to.contain("rank");
    expect(await message({ targetModules: ["embed"] })).to.contain("targetModules");
    expect(await message({ learningRate: 3e38, epochs: 3 })).to.contain("lower learningRate");
  });

  it("refuses completions that do not fit the context", async () => {
    const answer = await generate(pool, undefined, { prompt: "function", maxTokens: 4 });
    expect(answer.ids.length).to.be.at.most(4);
    expect(answer.text).to.equal(base.tokenizer.decode(answer.ids));
    for (const wrong of [{ maxTokens: 0 }, { maxTokens: 64 }, { maxTokens: 4, temperature: -1 }]) {
      const error = await failure(() => generate(pool, undefined, { prompt: "x", ...wrong }));
      expect(error.code).to.equal("TRAINER_GENERATE");
    }
  });
});
