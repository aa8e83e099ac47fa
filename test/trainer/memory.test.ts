import { Worker } from "node:worker_threads";
import { expect } from "chai";
import { buildSketches } from "../../trainer/attribution/build.ts";
import { loadBase, loadPackedBase } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import { finetune } from "../../trainer/finetune.ts";
import { type GradientWork, predictMemory, type Workplace } from "../../trainer/memory.ts";
import { Pool } from "../../trainer/pool.ts";
import { failure, rowsOf, someAdapter } from "./tiny.ts";

const MODEL = new URL("../../models/tiny-llama", import.meta.url).pathname;
const base = loadBase(MODEL);
const lora = { rank: 8, alpha: 16, targetModules: [...LINEARS] };

describe("The memory that a run will take", () => {
  const place: Workplace = { config: base.config, weightFormat: "f32", backend: "onnx", threads: 2 };
  const work: GradientWork = { lora, batch: 8, length: 128, reduce: "sum" };
  const total = (where: Partial<Workplace> = {}, what: Partial<GradientWork> = {}) =>
    predictMemory({ ...place, ...where }, { ...work, ...what }).total;

  it("grows with threads, batch, length, and gradients kept apart, and is less in 4 bits and in ONNX", () => {
    for (const more of [
      total({ threads: 3 }),
      total({}, { batch: 9 }),
      total({}, { length: 129 }),
      total({}, { reduce: "none" }),
      total({ backend: "wasm+ort" }),
    ])
      expect(more).to.be.above(total());
    const shape = { hiddenSize: 2048, intermediateSize: 8192, heads: 32, kvHeads: 8, headDim: 64, layers: 16 };
    const config = { ...base.config, ...shape, vocabSize: 128256 };
    const [f32, f16, q4] = (["f32", "f16", "q4"] as const).map((weightFormat) =>
      total({ config, weightFormat }, { batch: 1 }),
    );
    expect(f16).to.be.below(f32!);
    expect(q4).to.be.below(f16!);
    expect(total({}, { recompute: true })).to.be.below(total());
  });

  it("is kept by computing each layer's values again on the way back, with the same result", async () => {
    const options = { ...lora, rows: rowsOf(0, 24), heldOut: [], epochs: 1, learningRate: 1e-3, batch: 8, seed: 1 };
    const longest = Math.max(...options.rows.map((row) => base.tokenizer.encode(row).length));
    const tight = predictMemory({ ...place, threads: 1 }, { ...work, length: longest, recompute: true }).total;
    const { postMessage } = Worker.prototype;
    const asked = new Set<boolean>();
    Worker.prototype.postMessage = function (task: { recompute?: boolean }) {
      if (task.recompute !== undefined) asked.add(task.recompute);
      postMessage.call(this, task);
    };
    const trained: Float32Array[] = [];
    try {
      for (const memory of [8e9, tight]) {
        const pool = await Pool.start(base, { threads: 1, backend: "onnx", memory });
        trained.push((await finetune(pool, options)).adapter.params);
        await pool.close();
        expect(asked.has(true), `${memory} bytes`).to.equal(memory === tight);
        asked.clear();
      }
    } finally {
      Worker.prototype.postMessage = postMessage;
    }
    expect(trained[1]).to.deep.equal(trained[0]);
  });

  it("is told before a run that does not fit, with what would fit", async () => {
    const options = { ...lora, rows: rowsOf(0, 8), heldOut: [], epochs: 1, learningRate: 1e-3, batch: 8, seed: 1 };
    const one = { ...work, length: 40, batch: 8 };
    const memory = predictMemory({ ...place, threads: 1 }, { ...one, batch: 3, recompute: true }).total;
    const pool = await Pool.start(base, { threads: 1, backend: "onnx", memory });
    try {
      let steps = 0;
      const count = () => {
        steps++;
      };
      const { code, message } = await failure(() => finetune(pool, { ...options, onProgress: count }));
      expect([code, steps]).to.deep.equal(["TRAINER_MEMORY", 0]);
      expect(message).to.match(
        /^fine-tuning would take about 0\.\d\d GB of memory .* it fits with a microBatch of [3-6]/,
      );
      const microBatch = Number(/microBatch of (\d)/.exec(message)![1]);
      await finetune(pool, { ...options, microBatch, onProgress: count });
      expect(steps).to.equal(1);
      const sketching = await failure(() => buildSketches(pool, someAdapter(base, ["q_proj"], 64), rowsOf(0, 9)));
      expect(sketching.code).to.equal("TRAINER_MEMORY");
      expect(sketching.message).to.match(/^sketching would take .* sketches 0\.\d\d GB/);
    } finally {
      await pool.close();
    }
  });

  it("of a base's weights is told before they are read, with the formats that would fit", async () => {
    const { code, message } = await failure(() => loadPackedBase(MODEL, "f32", 157e6));
    expect(code).to.equal("TRAINER_MEMORY");
    expect(message).to.match(
      /^the weights of tiny-llama would take about 0\.16 GB of memory as f32, and there are 0\.16 GB; they fit as f16 or q4 \[/,
    );
    expect((await failure(() => loadPackedBase(MODEL, "q4", 1e6))).message).to.include("choose a smaller base");
  });
});
