import { expect } from "chai";
import { selectBackend } from "../../trainer/backends.ts";
import { LINEARS } from "../../trainer/config.ts";
import type { Engine } from "../../trainer/engine.ts";
import { ENGINES, someAdapter, tinyBase } from "./tiny.ts";

for (const [name, AnyEngine] of Object.entries(ENGINES))
  describe(`Llama model in ${name}`, () => {
    const base = tinyBase();
    const adapter = someAdapter(base, [...LINEARS]);
    const ids = [0, ...base.tokenizer.encode("function transfer7(address to) external { return true; }")];
    let engine: Engine;

    before(async function () {
      this.timeout(30_000);
      await selectBackend("cpu");
      engine = new AnyEngine(base.config, base.weights);
    });
    after(() => engine.dispose());

    it("gives the same logits every time", async () => {
      expect(await engine.logits(adapter, ids)).to.deep.equal(await engine.logits(adapter, ids));
    });

    it("looks at no later token", async () => {
      const vocab = base.config.vocabSize;
      const whole = await engine.logits(adapter, ids);
      const changed = await engine.logits(adapter, [
        ...ids.slice(0, 6),
        ...ids.slice(6).map((id) => (id + 11) % vocab),
      ]);
      const earlier = (all: Float32Array) => [...all.subarray(0, 6 * vocab)];
      earlier(whole).forEach((logit, i) => {
        expect(changed[i]).to.be.closeTo(logit, 1e-5);
      });
      expect(Math.max(...whole.map((logit, i) => Math.abs(logit - changed[i]!)))).to.be.above(0.1);
    });

    it("attends only inside a sliding window where the config has one", async () => {
      const windowed = tinyBase({ architectures: ["MistralForCausalLM"], sliding_window: 2, num_hidden_layers: 1 });
      const narrow = new AnyEngine(windowed.config, windowed.weights);
      const last = (all: Float32Array) => all.slice(-windowed.config.vocabSize);
      const full = last(await narrow.logits(undefined, ids));
      const far = last(await narrow.logits(undefined, [9, ...ids.slice(1)]));
      const near = last(await narrow.logits(undefined, [...ids.slice(0, -2), 9, ids.at(-1)!]));
      narrow.dispose();
      expect(far).to.deep.equal(full);
      expect(near).to.not.deep.equal(full);
    });

    it("decodes with cached keys and values as without them", async () => {
      const vocab = base.config.vocabSize;
      const cached: Float32Array[] = [];
      const decoding = { maxTokens: 8, temperature: 0, seed: 0, eos: -1 };
      const out = await engine.generate(adapter, ids, decoding, (logits) => cached.push(logits));
      expect(out).to.have.length(8);
      for (const [n, id] of out.entries()) {
        const uncached = (await engine.logits(adapter, [...ids, ...out.slice(0, n)])).slice(-vocab);
        uncached.forEach((logit, i) => {
          expect(cached[n]![i]).to.be.closeTo(logit, 1e-4);
        });
        expect(id).to.equal(uncached.indexOf(Math.max(...uncached)));
      }
    });

    it("samples by seed, and stops at the end token and at the end of the context", async () => {
      const sample = (seed: number) => engine.generate(adapter, ids, { maxTokens: 12, temperature: 1, seed, eos: -1 });
      expect(await sample(1)).to.deep.equal(await sample(1));
      expect(await sample(1)).to.not.deep.equal(await sample(2));
      const greedy = { maxTokens: 12, temperature: 0, seed: 0 };
      const [first] = await engine.generate(adapter, ids, { ...greedy, eos: -1 });
      expect(await engine.generate(adapter, ids, { ...greedy, eos: first! })).to.deep.equal([]);
      const long = Array.from({ length: base.config.context - 2 }, (_, i) => i);
      expect(await engine.generate(adapter, long, { ...greedy, eos: -1 })).to.have.length(3);
    });
  });
