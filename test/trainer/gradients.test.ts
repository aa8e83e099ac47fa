import * as tf from "@tensorflow/tfjs";
import { expect } from "chai";
import { type BackendName, selectBackend } from "../../trainer/backends.ts";
import type { Base } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import { type Example, rowExample } from "../../trainer/examples.ts";
import { type Adapter, loraLayout } from "../../trainer/lora.ts";
import { Pool } from "../../trainer/pool.ts";
import { relativeError, rowsOf, someAdapter, tinyBase } from "./tiny.ts";

describe("LoRA gradients per example", () => {
  const base = tinyBase();
  const adapter = someAdapter(base, [...LINEARS]);
  const examples = [0, 1, 2].map((kind) => rowExample(base.tokenizer, base.config.context, rowsOf(kind, 1)[0]!));
  examples[1] = { ...examples[1]!, lossFrom: 5 }; // a completion after a prompt
  let expected: { losses: number[]; gradients: Float32Array[] };

  before(async function () {
    this.timeout(60_000);
    await selectBackend("cpu");
    expected = plainGradients(base, adapter, examples);
  });

  for (const backend of [
    "cpu",
    "wasm",
    "wasm+ort",
    "onnx",
    "webgpu",
    "onnx-webgpu",
    "onnx-cuda",
  ] satisfies BackendName[]) {
    it(`agree on ${backend} with autodiff of a plain model run example by example`, async function () {
      this.timeout(120_000);
      const pool = await Pool.start(base, { threads: 1, backend }).catch((error: Error) => {
        const { message } = error.cause as Error;
        if (!/webgpu|cuda/.test(backend) || !message.includes("[TRAINER_BACKEND]")) throw error;
        this.test!.title += ` (skipped: ${message})`;
        return this.skip(); // needs a graphics driver, which not every machine has
      });
      try {
        const { losses, gradients } = await pool.run("gradients", { adapter, examples, alpha: 1, reduce: "none" });
        const width = adapter.params.length;
        examples.forEach((_, i) => {
          expect(losses[i]).to.be.closeTo(expected.losses[i]!, 1e-5);
          const own = gradients.subarray(i * width, (i + 1) * width);
          expect(relativeError(own, expected.gradients[i]!), `example ${i}`).to.be.below(1e-5);
        });
        const tokens = await pool.run("tokenLosses", { adapter, examples });
        examples.forEach(({ ids, lossFrom }, i) => {
          expect(tokens[i]!.length, "every token but the first").to.equal(ids.length - 1);
          const scored = tokens[i]!.subarray(lossFrom - 1);
          const mean = scored.reduce((all, loss) => all + loss, 0) / scored.length;
          expect(mean).to.be.closeTo(expected.losses[i]!, 1e-5);
        });
        const sum = await pool.run("gradients", { adapter, examples, alpha: 1, reduce: "sum" });
        const added = Float64Array.from({ length: width }, (_, p) => expected.gradients.reduce((s, g) => s + g[p]!, 0));
        expect(relativeError(sum.gradients, added)).to.be.below(1e-5);
        // Where memory is short each layer is computed again on the way back: to the same bits.
        for (const [reduce, known] of [
          ["none", { losses, gradients }],
          ["sum", sum],
        ] as const) {
          const again = await pool.run("gradients", { adapter, examples, alpha: 1, reduce, recompute: true });
          if (backend === "onnx") expect(again).to.deep.equal(known);
          else expect(relativeError(again.gradients, known.gradients)).to.be.below(1e-5);
        }
      } finally {
        await pool.close();
      }
    });
  }

  it("agree with finite differences of the loss, at the adapter and half-way to it", async function () {
    this.timeout(60_000);
    const pool = await Pool.start(base, { threads: 1 });
    try {
      for (const alpha of [1, 0.5]) {
        const { gradients } = await pool.run("gradients", { adapter, examples, alpha, reduce: "sum" });
        // A and B enter the forward pass as alpha·B·A, and the gradient leaves the factor alpha out.
        const lora = { ...adapter.lora, alpha: adapter.lora.alpha * alpha };
        const loss = async (params: Float32Array) =>
          (await pool.run("losses", { adapter: { lora, params }, examples })).reduce((sum, each) => sum + each, 0);
        const direction = gradients.map((g) => g / Math.hypot(...gradients));
        const moved = (h: number) => adapter.params.map((p, i) => p + h * direction[i]!);
        const slope = ((await loss(moved(5e-3))) - (await loss(moved(-5e-3)))) / 1e-2 / alpha;
        expect(slope / Math.hypot(...gradients)).to.be.closeTo(1, 5e-3);
      }
    } finally {
      await pool.close();
    }
  });
});

/** Losses and gradients from a second, plain implementation of the model: no custom gradients, no batches, no folding. */
function plainGradients(base: Base, adapter: Adapter, examples: Example[]) {
  const { config } = base;
  const weights = new Map([...base.weights].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]));
  const layout = loraLayout(config, adapter.lora);
  const { rank } = adapter.lora;
  const parts = layout.modules.flatMap(({ in: input, out, offset }) => [
    tf.tensor2d(adapter.params.slice(offset, offset + rank * input), [rank, input]),
    tf.tensor2d(adapter.params.slice(offset + rank * input, offset + rank * (input + out)), [out, rank]),
  ]);
  const results = examples.map(({ ids, lossFrom }) => {
    const { value, grads } = tf.valueAndGrads((...lora: tf.Tensor[]) => {
      const linear = (name: string, x: tf.Tensor) => {
        const m = layout.modules.findIndex((module) => module.name === name);
        const [a, b] = [lora[2 * m]!, lora[2 * m + 1]!];
        const low = tf.matMul(tf.matMul(x, tf.transpose(a)), tf.transpose(b));
        return tf.add(
          tf.matMul(x, tf.transpose(weights.get(`${name}.weight`)!)),
          tf.mul(low, adapter.lora.alpha / rank),
        );
      };
      const norm = (x: tf.Tensor, name: string) =>
        tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), config.normEps))), weights.get(name)!);
      const length = ids.length - 1;
      const table = weights.get("model.embed_tokens.weight")!;
      let h: tf.Tensor = tf.matMul(
        tf.oneHot(tf.tensor1d(ids.slice(0, -1), "int32"), config.vocabSize).toFloat(),
        table,
      );
      for (let layer = 0; layer < config.layers; layer++) {
        const name = `model.layers.${layer}`;
        const x = norm(h, `${name}.input_layernorm.weight`);
        const [q, k, v] = ["q", "k", "v"].map((letter) => linear(`${name}.self_attn.${letter}_proj`, x));
        const heads = Array.from({ length: config.heads }, (_, head) => {
          const shared = Math.floor(head / (config.heads / config.kvHeads));
          const cut = (t: tf.Tensor, n: number) => tf.slice(t, [0, n * config.headDim], [length, config.headDim]);
          const scores = tf.matMul(turn(cut(q!, head)), tf.transpose(turn(cut(k!, shared))));
          const causal = tf.sub(tf.linalg.bandPart(tf.ones([length, length]), -1, 0), 1).mul(1e9);
          return tf.matMul(tf.softmax(tf.add(tf.div(scores, Math.sqrt(config.headDim)), causal)), cut(v!, shared));
        });
        h = tf.add(h, linear(`${name}.self_attn.o_proj`, tf.concat(heads, 1)));
        const inner = norm(h, `${name}.post_attention_layernorm.weight`);
        const gate = linear(`${name}.mlp.gate_proj`, inner);
        const up = linear(`${name}.mlp.up_proj`, inner);
        h = tf.add(h, linear(`${name}.mlp.down_proj`, tf.mul(tf.mul(gate, tf.sigmoid(gate)), up)));
      }
      const logs = tf.logSoftmax(tf.matMul(norm(h, "model.norm.weight"), tf.transpose(table)));
      const targets = tf.oneHot(tf.tensor1d(ids.slice(1), "int32"), config.vocabSize).toFloat();
      const losses = tf.neg(tf.sum(tf.mul(logs, targets), 1));
      return tf.mean(tf.slice(losses, lossFrom - 1)) as tf.Scalar;
    })(parts);
    return { loss: value.dataSync()[0]!, gradient: Float32Array.from(grads.flatMap((grad) => [...grad.dataSync()])) };
  });
  return { losses: results.map(({ loss }) => loss), gradients: results.map(({ gradient }) => gradient) };

  function turn(x: tf.Tensor): tf.Tensor {
    const half = config.headDim / 2;
    const angles = Array.from({ length: x.shape[0]! }, (_, t) =>
      Array.from({ length: half }, (_, j) => t * config.ropeTheta ** (-j / half)),
    );
    const [cos, sin] = [tf.cos(tf.tensor2d(angles)), tf.sin(tf.tensor2d(angles))];
    const [first, second] = [tf.slice(x, [0, 0], [-1, half]), tf.slice(x, [0, half], [-1, half])];
    const turned = [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))];
    return tf.concat(turned, 1);
  }
}
