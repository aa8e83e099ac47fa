import { expect } from "chai";
import { finetune } from "../../trainer/finetune.ts";
import { generate } from "../../trainer/generate.ts";
import { Pool } from "../../trainer/pool.ts";
import { failure, relativeError, rowsOf, tinyBase } from "./tiny.ts";

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

  it("refuses what it cannot learn from, by name", async () => {
    const message = async (change: object) => (await failure(() => finetune(pool, { ...options, ...change }))).message;
    expect(await message({ rows: [] })).to.contain("rows is empty");
    expect(await message({ rows: ["x", " \n"] })).to.contain("rows[1] is empty");
    expect(await message({ heldOut: [""] })).to.contain("heldOut[0] is empty");
    expect(await message({ epochs: 0 })).to.contain("epochs");
    expect(await message({ learningRate: Number.NaN })).to.contain("learningRate");
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
