import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { type FinetuneProgress, finetune } from "../../trainer/finetune.ts";
import { generate } from "../../trainer/generate.ts";
import { Pool } from "../../trainer/pool.ts";
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
    const long = { ...options, epochs: 6 };
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
