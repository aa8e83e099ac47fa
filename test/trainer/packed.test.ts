import { expect } from "chai";
import { auditSketches } from "../../trainer/attribution/audit.ts";
import { buildSketches, sketchQueries } from "../../trainer/attribution/build.ts";
import { selectBackend } from "../../trainer/backends.ts";
import { type Base, loadBase, loadPackedBase } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import type { Decoding } from "../../trainer/engine.ts";
import { type Example, rowExample } from "../../trainer/examples.ts";
import { finetune } from "../../trainer/finetune.ts";
import { newAdapter } from "../../trainer/lora.ts";
import { OnnxEngine } from "../../trainer/onnx/engine.ts";
import { formatOf, type PackedTensor, packedBytes, packTensor, unpackTensor } from "../../trainer/packed.ts";
import { Pool } from "../../trainer/pool.ts";
import { Random } from "../../trainer/random.ts";
import { TfjsEngine } from "../../trainer/tfjs-engine.ts";
import { failure, relativeError, rowsOf, someAdapter, tinyBase } from "./tiny.ts";

const MODEL = new URL("../../models/tiny-llama", import.meta.url).pathname;

describe("Packed weights", () => {
  const random = new Random(1);
  const matrix = (shape: [number, number]) => ({
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
  });
  const linear = "model.layers.0.mlp.up_proj.weight";

  it("are within a step of 4 bits, and of 16 bits, of what they stand for", () => {
    const tensor = matrix([7, 72]); // 72 values fill two blocks and a part of a third
    tensor.data.fill(0, 72, 104);
    const packed = packTensor(linear, tensor, "q4");
    if (!("scales" in packed)) throw new Error("not in 4 bits");
    const { shape, data } = unpackTensor(packed);
    expect(shape).to.deep.equal([7, 72]);
    data.forEach((value, n) => {
      const step = Math.abs(packed.scales[Math.floor(n / 72) * 3 + Math.floor((n % 72) / 32)]!);
      const original = tensor.data[n]!;
      // The largest of a block is −8 steps, exactly; one almost as large of the other sign is cut to 7.
      expect(Math.abs(value - original)).to.be.at.most(Math.abs(original) > 7.5 * step ? step : step / 2 + 1e-6);
    });
    const halved = unpackTensor(packTensor(linear, tensor, "f16"));
    expect(relativeError(halved.data, tensor.data)).to.be.below(5e-4);
  });

  it("halve embeddings and heads where the layers' linears take 4 bits, and leave vectors alone", () => {
    const formats = (name: string, shape: number[]) =>
      (["f32", "f16", "q4"] as const).map((format) =>
        formatOf(packTensor(name, { ...matrix([4, 32]), shape }, format)),
      );
    expect(formats(linear, [4, 32])).to.deep.equal(["f32", "f16", "q4"]);
    expect(formats("model.embed_tokens.weight", [4, 32])).to.deep.equal(["f32", "f16", "f16"]);
    expect(formats("model.layers.0.self_attn.q_proj.bias", [128])).to.deep.equal(["f32", "f32", "f32"]);
  });

  it("come from a folder under the same hash, in less memory: as much as was predicted", () => {
    const whole = loadBase(MODEL);
    const bytesOf = (tensor: PackedTensor) =>
      tensor.data.byteLength + ("scales" in tensor ? tensor.scales.byteLength : 0);
    const bytes = (weights: Map<string, PackedTensor>) =>
      [...weights.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
    for (const [format, share] of [
      ["f16", 0.51],
      ["q4", 0.26],
    ] as const) {
      const base = loadPackedBase(MODEL, format);
      expect(base.hash).to.equal(whole.hash);
      for (const [name, tensor] of base.weights)
        expect(bytesOf(tensor), name).to.equal(packedBytes(name, tensor.shape, format));
      expect(bytes(base.weights) / bytes(whole.weights)).to.be.below(share);
    }
  });

  it("are taken by the backend onnx, and by no other", async () => {
    const base = loadPackedBase(MODEL, "q4");
    const { code, message } = await failure(() => Pool.start(base, { threads: 1, backend: "wasm+ort" }));
    expect(code).to.equal("TRAINER_POOL");
    expect(message).to.include("backend wasm+ort takes weights as f32 only, not as q4; use backend onnx");
    const pool = await Pool.start(base, { threads: 1 });
    expect(pool.backend.name).to.equal("onnx");
    await pool.close();
  });

  it("are refused where 16 bits cannot hold them, by name", async () => {
    const { code, message } = await failure(() =>
      packTensor(linear, { shape: [1, 1], data: Float32Array.of(1e5) }, "f16"),
    );
    expect([code, message.includes(linear)]).to.deep.equal(["TRAINER_BASE", true]);
  });
});

describe("Training over packed weights", function () {
  this.timeout(60_000);
  const bases: [string, () => Base][] = [
    ["a Llama", () => tinyBase()],
    [
      "one with biases and a head of its own",
      () => tinyBase({ architectures: ["Qwen2ForCausalLM"], tie_word_embeddings: false }),
    ],
  ];
  before(() => selectBackend("wasm+ort"));

  for (const [name, make] of bases)
    for (const format of ["f16", "q4"] as const)
      it(`has in ONNX the gradients of tfjs over the unpacked weights: ${name} in ${format}`, async () => {
        const base = make();
        const adapter = someAdapter(base, [...LINEARS]);
        const packed = new Map([...base.weights].map(([name, tensor]) => [name, packTensor(name, tensor, format)]));
        const unpacked = new Map([...packed].map(([name, tensor]) => [name, unpackTensor(tensor)]));
        const onnx = new OnnxEngine(base.config, packed);
        const tfjs = new TfjsEngine(base.config, unpacked);
        const examples: Example[] = [0, 1].map((kind) =>
          rowExample(base.tokenizer, base.config.context, rowsOf(kind, 1)[0]!),
        );
        const own = await onnx.gradients(adapter, examples, 1, "none");
        const expected = await tfjs.gradients(adapter, examples, 1, "none");
        expect(relativeError(own.losses, expected.losses)).to.be.below(1e-5);
        expect(relativeError(own.gradients, expected.gradients)).to.be.below(1e-4);
        const ids = [...examples[0]!.ids];
        const scores = await tfjs.logits(adapter, ids);
        expect(relativeError(await onnx.logits(adapter, ids), scores)).to.be.below(1e-5);
        expect(relativeError(await onnx.losses(adapter, examples), expected.losses)).to.be.below(1e-5);
        expect(await onnx.gradients(adapter, examples, 1, "none", true), "computed again").to.deep.equal(own);
        const greedy: Decoding = { maxTokens: 6, temperature: 0, seed: 1, eos: -1 };
        expect(await onnx.generate(adapter, ids.slice(0, 5), greedy)).to.deep.equal(
          await tfjs.generate(adapter, ids.slice(0, 5), greedy),
        );
        for (const engine of [onnx, tfjs]) await engine.dispose();
      });

  it("has in 16 bits the gradients of tfjs in float32 where the files hold 16, and in 4 bits nearly the same losses", async () => {
    const base = loadBase(MODEL);
    const adapter = newAdapter(base.config, { rank: 4, alpha: 8, targetModules: [...LINEARS] }, 1);
    const random = new Random(2);
    for (let i = 0; i < adapter.params.length; i++) adapter.params[i]! += 0.02 * random.normal();
    const examples = [0, 1, 2].map((kind) => rowExample(base.tokenizer, base.config.context, rowsOf(kind, 1)[0]!));
    const tfjs = new TfjsEngine(base.config, base.weights);
    const whole = await tfjs.gradients(adapter, examples, 1, "none");
    await tfjs.dispose();
    for (const [format, gradients, losses] of [
      ["f16", 1e-4, 1e-4],
      ["q4", 0.3, 0.06],
    ] as const) {
      const engine = new OnnxEngine(base.config, loadPackedBase(MODEL, format).weights);
      const own = await engine.gradients(adapter, examples, 1, "none");
      expect(relativeError(own.gradients, whole.gradients), format).to.be.below(gradients);
      own.losses.forEach((loss, i) => {
        expect(loss).to.be.closeTo(whole.losses[i]!, losses);
      });
      await engine.dispose();
    }
  });

  it("lowers the loss: QLoRA on the tiny base", async () => {
    const pool = await Pool.start(loadPackedBase(MODEL, "q4"), { threads: 1, backend: "onnx" });
    try {
      const options = {
        rank: 4,
        alpha: 8,
        targetModules: [...LINEARS],
        epochs: 3,
        learningRate: 5e-3,
        batch: 8,
        seed: 1,
      };
      const report = await finetune(pool, { ...options, rows: rowsOf(1, 24), heldOut: rowsOf(1, 4, 90) });
      expect(report.heldOutAfter).to.be.below(0.8 * report.heldOutBefore);
      // Its sketches say what they were made over, and are not mixed with those over other weights.
      const rows = rowsOf(1, 4);
      const sketches = await buildSketches(pool, report.adapter, rows);
      expect(sketches.weightFormat).to.equal("q4");
      const other = await Pool.start(loadBase(MODEL), { threads: 1, backend: "onnx" });
      try {
        const query = { promptIds: [0, 1], completionIds: [2] };
        const mixed = await failure(() => sketchQueries(other, report.adapter, sketches, [query]));
        expect(mixed.message).to.include("made over weights in q4, and the base is loaded in f32; load it in q4");
        const [form] = await auditSketches(other, report.adapter, rows, sketches);
        expect([form!.result, form!.detail]).to.deep.equal([
          "WRONG",
          "they were made over weights in q4, and the base is loaded in f32",
        ]);
      } finally {
        await other.close();
      }
    } finally {
      await pool.close();
    }
  });
});
