import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { selectBackend } from "../../trainer/backends.ts";
import { loadBase } from "../../trainer/base.ts";
import { LINEARS, parseConfig } from "../../trainer/config.ts";
import { writeSafetensors } from "../../trainer/safetensors.ts";
import { ENGINES, failure, relativeError, someAdapter, temporaryFolder } from "./tiny.ts";

const FIXTURES = path.join(import.meta.dirname, "fixtures");
const json = (...name: string[]) => JSON.parse(readFileSync(path.join(FIXTURES, ...name), "utf8"));

/** What `transformers` computes for a fixture; see bench/reference/families.py. */
interface Reference {
  texts: { text: string; ids: number[]; decoded: string }[];
  ids: number[];
  positions: number[];
  logits: number[][];
  losses: number[];
}

describe("Model families against transformers", () => {
  before(() => selectBackend("cpu"));

  const families = readdirSync(FIXTURES).filter((name) => name !== "adapters");
  it("cover Llama 2 and 3, SmolLM2, Mistral, Qwen2 and DeepSeek-R1's distills", () => {
    expect(families).to.have.members([
      ...["llama2", "llama3.2", "smollm2", "mistral", "qwen2"],
      ...["deepseek-r1-distill-llama", "deepseek-r1-distill-qwen"],
    ]);
  });

  for (const family of families) {
    const base = loadBase(path.join(FIXTURES, family));
    const reference: Reference = json(family, "reference.json");

    for (const [name, AnyEngine] of Object.entries(ENGINES))
      it(`${family} has the same logits and losses in ${name}`, async () => {
        const engine = new AnyEngine(base.config, base.weights);
        const logits = await engine.logits(undefined, reference.ids);
        const vocab = base.config.vocabSize;
        reference.positions.forEach((position, n) => {
          const own = logits.subarray(position * vocab, (position + 1) * vocab);
          const worst = Math.max(...own.map((logit, id) => Math.abs(logit - reference.logits[n]![id]!)));
          expect(worst, `position ${position}`).to.be.below(1e-4);
        });
        for (const [t, loss] of reference.losses.entries()) {
          const [own] = await engine.losses(undefined, [
            { ids: Int32Array.from(reference.ids.slice(0, t + 2)), lossFrom: t + 1 },
          ]);
          expect(own, `token ${t + 1}`).to.be.closeTo(loss, 1e-4);
        }
        engine.dispose();
      }).timeout(60_000);

    it(`${family} has the same gradients and completions in ONNX as in tfjs`, async () => {
      const [tfjs, onnx] = [new ENGINES.tfjs(base.config, base.weights), new ENGINES.onnx(base.config, base.weights)];
      const adapter = someAdapter(base, [...LINEARS]);
      const examples = [30, 17].map((length) => ({
        ids: Int32Array.from(reference.ids.slice(0, length)),
        lossFrom: 3,
      }));
      for (const [alpha, reduce] of [
        [1, "none"],
        [0.5, "sum"],
      ] as const) {
        const [expected, own] = [
          await tfjs.gradients(adapter, examples, alpha, reduce),
          await onnx.gradients(adapter, examples, alpha, reduce),
        ];
        expect(relativeError(own.gradients, expected.gradients)).to.be.below(1e-4);
        expect(relativeError(own.losses, expected.losses)).to.be.below(1e-5);
      }
      const decoding = { maxTokens: 12, temperature: 0.7, seed: 5, eos: base.tokenizer.eos };
      const prompt = reference.ids.slice(0, 20);
      expect(await onnx.generate(adapter, prompt, decoding)).to.deep.equal(
        await tfjs.generate(adapter, prompt, decoding),
      );
      await Promise.all([tfjs.dispose(), onnx.dispose()]);
    }).timeout(60_000);

    it(`${family} has the same tokens`, () => {
      for (const { text, ids, decoded } of reference.texts) {
        expect(base.tokenizer.encode(text), text).to.deep.equal(ids);
        expect(base.tokenizer.decode(ids), text).to.equal(decoded);
      }
    });
  }
});

describe("A model config", () => {
  it("that would be computed differently is refused by the name of its field", async () => {
    const [llama, qwen, mistral] = ["llama3.2", "qwen2", "mistral"].map((name) => json(name, "config.json"));
    const scaling = llama.rope_scaling;
    const refused: [string, object][] = [
      ["architectures", { ...llama, architectures: ["GPT2LMHeadModel"] }],
      ["architectures", { ...llama, architectures: ["constructor"] }],
      ["hidden_act", { ...llama, hidden_act: "gelu" }],
      ["rope_scaling.rope_type", { ...llama, rope_scaling: { ...scaling, rope_type: "yarn" } }],
      ["rope_scaling.rope_type", { ...llama, rope_scaling: { type: "linear", factor: 2 } }],
      ["rope_scaling.low_freq_factor", { ...llama, rope_scaling: { ...scaling, low_freq_factor: undefined } }],
      ["rope_parameters.rope_type", { ...llama, rope_parameters: { rope_type: "dynamic" } }],
      ["rope_interleaved", { ...llama, rope_interleaved: true }],
      ["quantization_config", { ...llama, quantization_config: { quant_method: "gptq" } }],
      ["num_key_value_heads", { ...llama, num_key_value_heads: 3 }],
      ["num_key_value_heads", { ...mistral, num_key_value_heads: undefined }],
      ["vocab_size", { ...llama, vocab_size: 0 }],
      ["use_sliding_window", { ...qwen, use_sliding_window: true }],
      ["sliding_window", { ...mistral, sliding_window: 0 }],
    ];
    for (const [field, config] of refused) {
      const { code, message } = await failure(() => parseConfig(config as Record<string, unknown>));
      expect([code, message.split(" ")[1]]).to.deep.equal(["TRAINER_CONFIG", field]);
    }
    expect(parseConfig({ ...llama, num_key_value_heads: undefined }).kvHeads).to.equal(llama.num_attention_heads);
    expect(parseConfig({ ...mistral, sliding_window: undefined }).slidingWindow).to.equal(4096);
    expect(parseConfig({ ...mistral, sliding_window: null }).slidingWindow).to.equal(undefined);
    expect(parseConfig({ ...llama, sliding_window: 8 }).slidingWindow).to.equal(undefined);
  });

  it("has to fit the weights and the tokenizer beside it", async () => {
    const changed = (name: string, file: string, content: string | Uint8Array) => {
      const folder = temporaryFolder();
      cpSync(path.join(FIXTURES, name), folder, { recursive: true });
      writeFileSync(path.join(folder, file), content);
      return folder;
    };
    const config = (name: string, change: object) =>
      changed(name, "config.json", JSON.stringify({ ...json(name, "config.json"), ...change }));
    const biased = ["Qwen2ForCausalLM", "LlamaForCausalLM"].map((name) => ({ architectures: [name] }));
    const refused: [string, string][] = [
      [config("smollm2", biased[0]!), "q_proj.bias is missing"],
      [config("qwen2", biased[1]!), "_proj.bias is not a weight"],
      [config("smollm2", { attention_bias: true }), "q_proj.bias is missing"],
      [config("smollm2", { mlp_bias: true }), "gate_proj.bias is missing"],
      [config("smollm2", { tie_word_embeddings: false }), "lm_head.weight is missing"],
      [config("smollm2", { intermediate_size: 40 }), "gate_proj.weight has shape [48,32], config.json says [40,32]"],
      [changed("smollm2", "tokenizer.json", '{"model":{"type":"Unigram","vocab":[]}}'), "model.type is Unigram"],
      [changed("smollm2", "tokenizer_config.json", '{"eos_token":"<end>"}'), "<end> is not in tokenizer.json"],
      [changed("smollm2", "tokenizer_config.json", "{}"), "eos_token is not in tokenizer.json"],
    ];
    for (const [folder, problem] of refused) {
      expect((await failure(() => loadBase(folder))).message).to.contain(problem);
    }
    // A head stored beside the embedding it is tied to does not count.
    const tied = config("llama2", { tie_word_embeddings: true });
    expect(loadBase(tied).weights.has("lm_head.weight")).to.equal(false);
  });

  it("names shards of which none may be missing", async () => {
    const folder = temporaryFolder();
    cpSync(path.join(FIXTURES, "mistral"), folder, { recursive: true });
    writeFileSync(path.join(folder, "model-00002-of-00003.safetensors"), writeSafetensors(new Map(), "F32"));
    expect((await failure(() => loadBase(folder))).code).to.equal("TRAINER_BASE");
  });
});
