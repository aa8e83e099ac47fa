import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { selectBackend } from "../../trainer/backends.ts";
import { loadBase, loadPackedBase, type Model } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import { type ExportKind, exportModel } from "../../trainer/export.ts";
import { main } from "../../trainer/export-cli.ts";
import { encodeBase, encodeLora } from "../../trainer/gguf.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { mergeAdapter } from "../../trainer/merge.ts";
import type { PackedTensor } from "../../trainer/packed.ts";
import { loadAdapter } from "../../trainer/peft.ts";
import { ENGINES, failure, someAdapter, temporaryFolder, tinyBase } from "./tiny.ts";

const FIXTURES = path.join(import.meta.dirname, "fixtures");
const fixture = (name: string) => path.join(FIXTURES, name);
const ADAPTER = fixture("adapters/ours");

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe("An adapter merged into its base", () => {
  before(() => selectBackend("cpu"));

  for (const [name, AnyEngine] of Object.entries(ENGINES))
    it(`has the logits of the two in ${name}, for every kind of linear, with biases and an untied head`, async () => {
      const logits = async (model: Model, adapter?: Adapter) => {
        const engine = new AnyEngine(model.config, model.weights);
        const out = await engine.logits(adapter, [5, 17, 300, 2, 99, 41, 7]);
        await engine.dispose();
        return out;
      };
      for (const shape of [{}, { architectures: ["Qwen2ForCausalLM"], tie_word_embeddings: false }]) {
        const base = tinyBase(shape);
        const adapter = someAdapter(base, [...LINEARS]);
        const together = await logits(base, adapter);
        expect(worst(await logits(mergeAdapter(base, adapter)), together)).to.be.below(1e-4);
        expect(worst(await logits(base), together)).to.be.above(0.1);
      }
    });

  it("has the logits that peft computes for the two, through the files", async () => {
    const out = path.join(temporaryFolder(), "merged");
    exportModel("merged", fixture("smollm2"), ADAPTER, out);
    expect(readdirSync(out)).to.have.members([
      ...["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
    ]);
    const merged = loadBase(out);
    const { ids, cases } = JSON.parse(readFileSync(fixture("adapters/reference.json"), "utf8"));
    const engine = new ENGINES.tfjs(merged.config, merged.weights);
    const last = (await engine.logits(undefined, ids)).slice(-merged.config.vocabSize);
    await engine.dispose();
    expect(worst(last, cases.ours.logits)).to.be.below(1e-4);
  });

  it("leaves the base as it was, and shares what the adapter does not touch", () => {
    const base = tinyBase();
    const before = new Map([...base.weights].map(([name, { data }]) => [name, data.slice()]));
    const merged = mergeAdapter(base, someAdapter(base, ["v_proj"]));
    for (const [name, { data }] of base.weights) {
      expect(data, name).to.deep.equal(before.get(name));
      expect(merged.weights.get(name)!.data === data, name).to.equal(!name.includes("v_proj"));
    }
  });
});

describe("openledger export", () => {
  const base = loadBase(fixture("smollm2"));
  const { adapter } = loadAdapter(ADAPTER, base);
  const run = (as: string, out: string, ...more: string[]) =>
    main(["--as", as, "--base", fixture("smollm2"), "--out", out, ...more]);

  it("writes each kind of GGUF file", async () => {
    const folder = temporaryFolder();
    const expected = {
      gguf: encodeBase(base),
      "gguf-lora": encodeLora(base, adapter),
      "gguf-merged": encodeBase(mergeAdapter(base, adapter)),
    };
    for (const [kind, bytes] of Object.entries(expected)) {
      const out = path.join(folder, kind);
      expect(await run(kind, out, "--adapter", ADAPTER)).to.equal(0);
      expect(readFileSync(out).equals(bytes), kind).to.equal(true);
    }
  });

  it("writes the base as it was learned over in 4 bits: with the adapter merged in it has the trainer's logits", async () => {
    const out = path.join(temporaryFolder(), "merged");
    await run("merged", out, "--adapter", ADAPTER, "--weights", "q4");
    const ids = [5, 17, 300, 2, 99, 41, 7];
    const logits = async (weights: ReadonlyMap<string, PackedTensor>, adapter?: Adapter) => {
      const engine = new ENGINES.onnx(base.config, weights);
      const out = await engine.logits(adapter, ids);
      await engine.dispose();
      return out;
    };
    const trained = await logits(loadPackedBase(fixture("smollm2"), "q4").weights, adapter);
    expect(worst(await logits(loadBase(out).weights), trained)).to.be.below(1e-4);
    expect(worst(await logits(base.weights, adapter), trained)).to.be.above(1e-3);
  });

  it("says what is wrong, and then leaves nothing behind", async () => {
    const folder = temporaryFolder();
    const out = path.join(folder, "out");
    const windowed = (kind: ExportKind) => exportModel(kind, fixture("mistral"), undefined, out);
    const refused: [string, () => unknown][] = [
      ["USAGE", () => run("onnx", out)],
      ["USAGE", () => main(["--as", "gguf"])],
      ["USAGE", () => main(["--quantise"])],
      ["USAGE", () => run("gguf", out, "--weights", "q5")],
      ["EXPORT_ADAPTER", () => run("merged", out)],
      ["TRAINER_ADAPTER", () => run("gguf-lora", out, "--adapter", folder)],
      ["GGUF_UNSUPPORTED", () => windowed("gguf")],
    ];
    for (const [code, action] of refused) {
      expect((await failure(action)).code).to.equal(code);
      expect(readdirSync(folder)).to.deep.equal([]);
    }
    mkdirSync(out);
    const mine = path.join(out, "mine.txt");
    writeFileSync(mine, "");
    expect((await failure(() => run("merged", out, "--adapter", ADAPTER))).code).to.equal("EXPORT_OUT");
    expect(existsSync(mine)).to.equal(true);
  });

  it("goes on over what a stopped run left", async () => {
    const out = path.join(temporaryFolder(), "merged");
    mkdirSync(`${out}.partial`);
    writeFileSync(path.join(`${out}.partial`, "rest"), "");
    await run("merged", out, "--adapter", ADAPTER);
    expect(existsSync(path.join(out, "rest"))).to.equal(false);
    expect(existsSync(`${out}.partial`)).to.equal(false);
  });
});
