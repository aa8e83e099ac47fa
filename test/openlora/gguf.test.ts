import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { getLlama, type Llama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { selectBackend } from "../../trainer/backends.ts";
import { type Base, loadBase } from "../../trainer/base.ts";
import { LINEARS } from "../../trainer/config.ts";
import { encodeBase, encodeLora } from "../../trainer/gguf.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { TfjsEngine } from "../../trainer/tfjs-engine.ts";
import { failure, someAdapter, tinyBase } from "../trainer/tiny.ts";

/** llama.cpp keeps keys and values in 16 bits. */
const TOLERANCE = { base: 2e-4, adapter: 2e-3 };
const TEXTS = [
  "function transfer(address to, uint256 amount)",
  "  \n\t// ünïcödé → 漢字 🙂\n",
  "a  b   c1234567890'll don't",
];

/** With the context of a first training so short that the test's texts meet kept, blended and slowed rotations. */
const LLAMA3_ROPE = {
  rope_type: "llama3",
  ...{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8 },
};

describe("GGUF files", () => {
  let llama: Llama;
  let folder: string;
  before(async () => {
    await selectBackend("cpu");
    llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error });
    folder = mkdtempSync(join(tmpdir(), "openledger-gguf-"));
  });
  after(async () => {
    await llama.dispose();
    rmSync(folder, { recursive: true });
  });

  /** Next-token probabilities by llama.cpp. */
  async function served(base: Base, adapter: Adapter | undefined, ids: number[]) {
    const [modelPath, lora] = [join(folder, "base.gguf"), join(folder, "lora.gguf")];
    writeFileSync(modelPath, encodeBase(base));
    if (adapter) writeFileSync(lora, encodeLora(base, adapter));
    const model = await llama.loadModel({ modelPath });
    const context = await model.createContext({ threads: 1, contextSize: 64, ...(adapter ? { lora } : {}) });
    const next = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1 } };
    const tokens = ids as Token[];
    const [last] = (
      await context.getSequence().controlledEvaluate([...tokens.slice(0, -1), [tokens.at(-1)!, { generateNext: next }]])
    ).slice(-1);
    const tokenised = TEXTS.map((text) => model.tokenize(text) as number[]);
    const probabilities = last!.next.probabilities as Map<number, number>;
    await model.dispose();
    return { probabilities, tokenised };
  }

  /** Largest difference to the trainer's probabilities. */
  async function difference(
    base: Base,
    adapter: Adapter | undefined,
    ids: number[],
    probabilities: Map<number, number>,
  ) {
    const engine = new TfjsEngine(base.config, base.weights);
    const logits = (await engine.logits(adapter, ids)).slice(-base.config.vocabSize);
    engine.dispose();
    const largest = Math.max(...logits);
    const sum = logits.reduce((total, x) => total + Math.exp(x - largest), 0);
    return Math.max(...logits.map((x, id) => Math.abs(Math.exp(x - largest) / sum - (probabilities.get(id) ?? 0))));
  }

  const bases: [string, () => Base][] = [
    ["models/tiny-llama", () => loadBase(new URL("../../models/tiny-llama", import.meta.url).pathname)],
    ["a base with its own output matrix", () => tinyBase({ tie_word_embeddings: false })],
    ["a base with the scaled rotations of Llama 3", () => tinyBase({ rope_scaling: LLAMA3_ROPE })],
  ];
  for (const [name, load] of bases)
    it(`run in llama.cpp as in the trainer: ${name}, bare and under an adapter on every linear`, async () => {
      const base = load();
      const ids = [base.tokenizer.bos, ...base.tokenizer.encode(TEXTS[0]!)];
      const bare = await served(base, undefined, ids);
      expect(await difference(base, undefined, ids, bare.probabilities)).to.be.below(TOLERANCE.base);
      expect(bare.tokenised).to.deep.equal(TEXTS.map((text) => base.tokenizer.encode(text)));

      const adapter = someAdapter(base, [...LINEARS]);
      const adapted = await served(base, adapter, ids);
      expect(await difference(base, adapter, ids, adapted.probabilities)).to.be.below(TOLERANCE.adapter);
      expect(await difference(base, undefined, ids, adapted.probabilities)).to.be.above(10 * TOLERANCE.adapter);
    });

  it("are refused for a base that llama.cpp would compute differently", async () => {
    for (const other of [
      tinyBase({ architectures: ["MistralForCausalLM"], sliding_window: 16 }),
      tinyBase({ architectures: ["Qwen2ForCausalLM"] }),
    ])
      expect((await failure(() => encodeBase(other))).code).to.equal("GGUF_UNSUPPORTED");
  });
});
