import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { keccak256 } from "ethers";
import { selectBackend } from "../../trainer/backends.ts";
import { loadBase } from "../../trainer/base.ts";
import { adapterHash, loadAdapter, saveAdapter } from "../../trainer/peft.ts";
import { PRETOKEN } from "../../trainer/pretrain/bpe.ts";
import { readSafetensors, writeSafetensors } from "../../trainer/safetensors.ts";
import { TfjsEngine } from "../../trainer/tfjs-engine.ts";
import { failure, rowsOf, someAdapter, temporaryFolder, tinyBase } from "./tiny.ts";

describe("safetensors", () => {
  const tensors = new Map([
    ["a", { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 4, 5, -6) }],
    ["ü", { shape: [1], data: Float32Array.of(0.25) }],
  ]);

  it("reads back what it wrote, as F32 and as F16", () => {
    for (const dtype of ["F32", "F16"] as const) {
      const bytes = writeSafetensors(tensors, dtype);
      expect(readSafetensors(bytes)).to.deep.equal(tensors);
      expect(readSafetensors(Buffer.from(bytes)), "from a Buffer").to.deep.equal(tensors);
      expect(Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)) % 8).to.equal(0);
    }
  });

  it("reads BF16 as the upper half of float32", () => {
    const header = Buffer.from(JSON.stringify({ x: { dtype: "BF16", shape: [2], data_offsets: [0, 4] } }));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bytes = Buffer.concat([length, header, Buffer.from([0x80, 0x3f, 0x20, 0xc0])]);
    expect([...readSafetensors(bytes).get("x")!.data]).to.deep.equal([1, -2.5]);
  });

  it("refuses malformed files", async () => {
    const entry = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
    const file = (header: unknown, data = 4, length?: bigint) => {
      const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(length ?? BigInt(json.length));
      return Buffer.concat([size, json, Buffer.alloc(data)]);
    };
    expect(readSafetensors(file({ x: entry })).size).to.equal(1);
    const refused = {
      "too short": Buffer.alloc(3),
      "length beyond the file": file({ x: entry }, 4, 1n << 40n),
      "not JSON": file("{x"),
      "not an object": file("null"),
      "unknown dtype": file({ x: { ...entry, dtype: "I64" } }),
      "negative shape": file({ x: { ...entry, shape: [-1] } }),
      "offsets beyond the file": file({ x: { ...entry, shape: [9], data_offsets: [0, 36] } }),
      "size against shape": file({ x: { ...entry, shape: [2] } }),
      overlap: file({ x: entry, y: entry }),
      "bytes after the end": file({ x: entry }, 8),
    };
    for (const [name, bytes] of Object.entries(refused)) {
      expect((await failure(() => readSafetensors(bytes))).code, name).to.equal("TRAINER_SAFETENSORS");
    }
  });
});

describe("PEFT adapters", () => {
  const base = tinyBase();
  const adapter = someAdapter(base, ["q_proj", "down_proj"]);

  it("come back unchanged, under the hash of the file", () => {
    const folder = temporaryFolder();
    const hash = saveAdapter(folder, adapter, base);
    const bytes = readFileSync(path.join(folder, "adapter_model.safetensors"));
    expect(hash).to.equal(keccak256(bytes)).and.to.equal(adapterHash(adapter, base.config));
    expect(loadAdapter(folder, base)).to.deep.equal({ adapter, hash });
    const { shape } = readSafetensors(bytes).get("base_model.model.model.layers.1.mlp.down_proj.lora_A.weight")!;
    expect(shape).to.deep.equal([4, base.config.intermediateSize]);
  });

  it("are refused when they do not fit the base or need what is not supported", async () => {
    const folder = temporaryFolder();
    saveAdapter(folder, adapter, base);
    const file = path.join(folder, "adapter_config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    for (const change of [
      { peft_type: "IA3" },
      { modules_to_save: ["lm_head"] },
      { bias: "all" },
      { target_modules: "all-linear" },
      { r: 3 },
      { target_modules: ["q_proj"] },
    ]) {
      writeFileSync(file, JSON.stringify({ ...config, ...change }));
      expect((await failure(() => loadAdapter(folder, base))).code).to.equal("TRAINER_ADAPTER");
    }
    writeFileSync(file, JSON.stringify(config));
    adapter.params[5] = Number.NaN;
    saveAdapter(folder, adapter, base);
    expect((await failure(() => loadAdapter(folder, base))).message).to.contain("not finite");
    expect((await failure(() => loadAdapter("/nowhere", base))).code).to.equal("TRAINER_ADAPTER");
  });
});

describe("PEFT adapters against peft", () => {
  const FIXTURES = path.join(import.meta.dirname, "fixtures");
  const base = loadBase(path.join(FIXTURES, "smollm2"));
  /** What peft computes for the adapters of this folder; see bench/reference/adapters.py. */
  const { ids, cases }: { ids: number[]; cases: Record<string, { losses: number[]; logits: number[] }> } = JSON.parse(
    readFileSync(path.join(FIXTURES, "adapters", "reference.json"), "utf8"),
  );
  const load = (name: string) => loadAdapter(path.join(FIXTURES, "adapters", name), base).adapter;

  before(() => selectBackend("cpu"));

  for (const name of ["ours", "plain", "rslora"])
    it(`${name}: the same losses and logits`, async () => {
      const engine = new TfjsEngine(base.config, base.weights);
      const adapter = load(name);
      const last = (await engine.logits(adapter, ids)).slice(-base.config.vocabSize);
      last.forEach((logit, id) => {
        expect(logit).to.be.closeTo(cases[name]!.logits[id]!, 1e-4);
      });
      for (const [t, loss] of cases[name]!.losses.entries()) {
        const [own] = await engine.losses(adapter, [{ ids: Int32Array.from(ids.slice(0, t + 2)), lossFrom: t + 1 }]);
        expect(own).to.be.closeTo(loss, 1e-4);
      }
      engine.dispose();
    }).timeout(60_000);

  it("the adapter that peft was given is what is written today", () => {
    const folder = temporaryFolder();
    saveAdapter(folder, load("ours"), base);
    for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
      const given = readFileSync(path.join(FIXTURES, "adapters", "ours", file));
      expect(readFileSync(path.join(folder, file)).equals(given), file).to.equal(true);
    }
  });

  it("refuses by name what peft would compute differently", async () => {
    for (const field of ["rank_pattern", "alpha_pattern", "use_dora", "init_lora_weights"]) {
      const { code, message } = await failure(() => load(field));
      expect([code, message.includes(field)], field).to.deep.equal(["TRAINER_ADAPTER", true]);
    }
  });
});

describe("byte-level BPE tokenizer", () => {
  const { tokenizer } = tinyBase();
  const text = "function f() {\n    return unchecked(1 << 0x10); // naïve 🙂\n}\n";

  it("gives every text back from its ids", () => {
    expect(tokenizer.decode(tokenizer.encode(text))).to.equal(text);
    expect(tokenizer.encode("")).to.deep.equal([]);
  });

  it("encodes a text as its pre-tokens one by one", () => {
    const pieces = [...text.matchAll(PRETOKEN)].flatMap(([word]) => tokenizer.encode(word));
    expect(tokenizer.encode(text)).to.deep.equal(pieces);
  });

  it("has learned the frequent words of its text", () => {
    const [seen] = rowsOf(0, 1);
    expect(tokenizer.encode(seen!).length).to.be.below(seen!.length / 3);
  });
});
