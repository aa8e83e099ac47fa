import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { LlamaEngine } from "../../openlora/engine.ts";
import { loadBase } from "../../trainer/base.ts";
import { encodeLora } from "../../trainer/gguf.ts";
import { newAdapter } from "../../trainer/lora.ts";
import { Random } from "../../trainer/random.ts";
import { failure } from "../trainer/tiny.ts";

const ADAPTERS = 50;
const base = loadBase(new URL("../../models/tiny-llama", import.meta.url).pathname);
const promptIds = [base.tokenizer.bos, ...base.tokenizer.encode("function transfer(address to")];

describe("the engine", () => {
  let folder: string;
  let engine: LlamaEngine;
  const paths: string[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "openledger-engine-"));
    for (let seed = 0; seed < ADAPTERS; seed++) {
      const adapter = newAdapter(base.config, { rank: 4, alpha: 8, targetModules: ["q_proj", "v_proj"] }, seed);
      const random = new Random(1000 + seed);
      for (let i = 0; i < adapter.params.length; i++) adapter.params[i]! += 0.15 * random.normal();
      paths.push(join(folder, `${seed}.gguf`));
      writeFileSync(paths.at(-1)!, encodeLora(base, adapter));
    }
    engine = await LlamaEngine.start(base, { threads: 1, queue: 200 });
  });
  after(async () => {
    await engine.close();
    rmSync(folder, { recursive: true });
  });

  const decode = (adapter: string | undefined, options: Partial<Parameters<LlamaEngine["decode"]>[0]> = {}) =>
    engine.decode({
      adapter,
      promptIds,
      maxTokens: 12,
      temperature: 0,
      seed: 0,
      signal: new AbortController().signal,
      onToken: () => {},
      ...options,
    });

  it(`serves ${ADAPTERS} adapters over one base, each as if it were alone`, async () => {
    const alone: number[][] = [];
    for (const path of paths) alone.push((await decode(path)).ids);
    expect(new Set(alone.map(String)).size).to.be.above(0.9 * ADAPTERS);
    const together = await Promise.all([...paths, ...paths].map((path) => decode(path)));
    expect(together.map(({ ids }) => ids)).to.deep.equal([...alone, ...alone]);
  });

  it("keeps adapters apart that take turns on one prompt, and gives the bare base when none is named", async () => {
    const [bare, first, second] = [
      (await decode(undefined)).ids,
      (await decode(paths[0])).ids,
      (await decode(paths[1])).ids,
    ];
    expect(new Set([bare, first, second].map(String)).size).to.equal(3);
    const turns = Array.from({ length: 30 }, (_, i) => [undefined, paths[0], paths[1]][i % 3]);
    const answers = await Promise.all(turns.map((path) => decode(path)));
    expect(answers.map(({ ids }) => ids)).to.deep.equal(turns.map((_, i) => [bare, first, second][i % 3]));
  });

  it("tells each token as it comes, and stops when asked to", async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const onToken = (id: number) => {
      seen.push(id);
      if (seen.length === 3) stop.abort();
    };
    const { ids, finish } = await decode(paths[0], { maxTokens: 100, signal: stop.signal, onToken });
    expect(finish).to.equal("cancelled");
    expect(ids).to.deep.equal(seen);
    expect(ids).to.have.length(3);
    expect(engine.load).to.deep.equal({ running: 0, waiting: 0 });
  });

  it("samples the same at the same seed and otherwise at another", async () => {
    const sample = async (seed: number) => (await decode(paths[0], { temperature: 1, seed })).ids;
    const [one, again, other] = [await sample(1), await sample(1), await sample(2)];
    expect(again).to.deep.equal(one);
    expect(other).to.not.deep.equal(one);
  });

  it("fills the context to its end", async () => {
    const { ids } = await decode(undefined, { maxTokens: base.config.context + 1 - promptIds.length });
    expect(ids.length).to.be.above(0);
  });

  it("refuses what does not fit the context, and more requests than may wait", async () => {
    expect((await failure(() => decode(undefined, { maxTokens: 300 }))).code).to.equal("ENGINE_TOO_LONG");
    const small = await LlamaEngine.start(base, { threads: 1, slots: 1, queue: 2 });
    const one = { promptIds, maxTokens: 4, adapter: undefined, temperature: 0, seed: 0, onToken: () => {} };
    const ask = () => small.decode({ ...one, signal: new AbortController().signal });
    const taken = [ask(), ask(), ask()];
    expect((await failure(ask)).code).to.equal("ENGINE_BUSY");
    await Promise.all(taken);
    await small.close();
  });

  it("says which adapter file cannot be loaded, and goes on", async () => {
    writeFileSync(join(folder, "broken.gguf"), "not an adapter");
    expect((await failure(() => decode(join(folder, "broken.gguf")))).code).to.equal("ENGINE_ADAPTER");
    expect((await decode(paths[0])).ids).to.have.length(12);
  });
});
