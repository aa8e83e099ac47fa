import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { keccak256 } from "ethers";
import { encodeContribution } from "../../sdk/rows.ts";
import { loadBase } from "../../trainer/base.ts";
import { readPaths } from "../../trainer/data.ts";
import { loadAdapter } from "../../trainer/peft.ts";
import { plotLosses } from "../../trainer/plot.ts";
import type { RunManifest } from "../../trainer/run.ts";
import { HELP, main } from "../../trainer/train-cli.ts";
import { failure, rowsOf, temporaryFolder, tinyBase } from "./tiny.ts";

describe("openledger train", function () {
  this.timeout(120_000);
  const { log } = console;
  const base = tinyBase({ chat_template: "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}" });
  const folder = temporaryFolder();
  const at = (...name: string[]) => path.join(folder, ...name);
  let printed: string[];
  beforeEach(() => {
    printed = [];
  });
  afterEach(() => {
    console.log = log;
  });
  /** What the command prints, its exit code last. */
  async function train(...args: string[]): Promise<number> {
    console.log = (line: string) => printed.push(line);
    try {
      return await main(args);
    } finally {
      console.log = log;
    }
  }
  const events = (event: string) => printed.map((line) => JSON.parse(line)).filter((one) => one.event === event);

  const lines = (...samples: object[]) => `${samples.map((sample) => JSON.stringify(sample)).join("\n")}\n`;
  before(() => {
    mkdirSync(at("code"));
    for (const n of [0, 1, 2]) writeFileSync(at("code", `${n}.sol`), `${rowsOf(0, 12, 12 * n).join("\n")}\n`);
    const questions = Array.from({ length: 12 }, (_, n) => ({
      prompt: `item ${n}?`,
      completion: `function transfer${n}`,
    }));
    const messages = [
      { role: "user", content: "what?" },
      { role: "assistant", content: "value" },
    ];
    writeFileSync(at("qa.jsonl"), lines(...questions, { messages }));
    writeFileSync(at("more.jsonl"), lines(...rowsOf(1, 12).map((text) => ({ text }))));
  });
  const data = () => ["--data", at("code"), "--data", at("qa.jsonl"), "--data", at("more.jsonl")];
  const small = ["--base", base.folder, "--rank", "2", "--target", "attention", "--batch", "8", "--seed", "3"];

  it("trains on files of every form, measures on a contribution that it did not learn from, and says all in JSON", async () => {
    const options = [...small, "--epochs", "2", "--validation", "0.3", "--json"];
    expect(await train(...data(), ...options, "--out", at("run"))).to.equal(0);
    const [told] = events("data");
    expect(told.rows + told.heldOut).to.equal(34);
    const steps = events("step");
    expect(steps.map(({ step }) => step)).to.deep.equal(steps.map((_, i) => i + 1));
    const [done] = events("done") as [RunManifest];
    const manifest = JSON.parse(readFileSync(at("run", "run.json"), "utf8")) as RunManifest;
    const { event: _, out: __, ...said } = done as RunManifest & { event: string; out: string };
    expect(said).to.deep.equal(manifest);
    expect(manifest.data.map(({ rows }) => rows)).to.deep.equal([9, 13, 12]);
    expect(manifest.plan.options).to.include({ rank: 2, alpha: 4, batch: 8, seed: 3 });
    expect(manifest.result.steps).to.equal(steps.length);
    expect(manifest.result.heldOutAfter).to.be.below(manifest.result.heldOutBefore);
    expect(manifest.result.evaluations).to.have.length(2);
    const { hash } = loadAdapter(at("run", "adapter"), base);
    expect(hash).to.equal(manifest.adapter);
    const order = readFileSync(at("run", "order.json"));
    expect(keccak256(order)).to.equal(manifest.order);
    const seen = (JSON.parse(order.toString()) as number[][]).flat();
    expect(seen.length).to.equal(2 * told.rows);
    expect(new Set(seen).size).to.equal(told.rows);
    expect(readFileSync(at("run", "metrics.jsonl"), "utf8").split("\n")).to.have.length(steps.length + 1);
    expect(JSON.stringify(manifest)).to.not.contain('"heldOut":');
  });

  it("does a run again to the last bit, with any number of threads, and says what differs if not", async () => {
    const again = ["--reproduce", at("run", "run.json"), "--json", "--out"];
    expect(await train(...again, at("again"), "--threads", "1")).to.equal(0);
    expect(events("reproduced")).to.deep.equal([{ event: "reproduced", same: true, differences: [], distance: 0 }]);
    expect(readFileSync(at("again", "adapter", "adapter_model.safetensors"))).to.deep.equal(
      readFileSync(at("run", "adapter", "adapter_model.safetensors")),
    );

    const changed = ["more.jsonl", "qa.jsonl"].map((name) => ({ name, before: readFileSync(at(name), "utf8") }));
    for (const { name, before } of changed) writeFileSync(at(name), before.replace("item", "thing"));
    expect(await train(...again, at("other"))).to.equal(1);
    for (const { name, before } of changed) writeFileSync(at(name), before);
    const [, other] = events("reproduced");
    expect(other.differences).to.include("data").and.not.include("code").and.not.include("base");
    expect(other.distance).to.be.above(0);
    expect((await failure(() => train(...again, at("run")))).code).to.equal("RUN_OUT");
    expect((await failure(() => train("--reproduce", at("qa.jsonl"), "--out", at("x")))).code).to.equal("RUN_MANIFEST");
  });

  it("learns over weights in 4 bits within the memory it is given, and does that again to the last bit", async () => {
    const options = [...small, "--epochs", "1", "--weights", "q4", "--memory", "4 GB", "--json"];
    expect(await train("--data", at("more.jsonl"), ...options, "--out", at("packed"))).to.equal(0);
    const [{ plan, code, result }] = events("done");
    expect([plan.weights, code.backend]).to.deep.equal(["q4", "onnx"]);
    const [memory] = events("memory");
    expect(memory).to.include({ limit: 4e9, recompute: false });
    expect(memory.predicted).to.be.within(1e8, 1e9);
    const again = ["--reproduce", at("packed", "run.json"), "--json", "--out", at("packed-again")];
    expect(await train(...again)).to.equal(0);
    printed = [];
    expect(await train("--data", at("more.jsonl"), ...small, "--epochs", "1", "--json", "--out", at("whole"))).to.equal(
      0,
    );
    expect(events("done")[0].result.epochLosses[0])
      .to.be.closeTo(result.epochLosses[0], 0.5)
      .and.not.equal(result.epochLosses[0]);

    const tight = await failure(() =>
      train("--data", at("more.jsonl"), ...options, "--memory", "220MB", "--out", at("tight")),
    );
    expect(tight.message).to.match(
      /^fine-tuning would take about .* and there are 0\.22 GB; it fits with .*one thread/,
    );
    expect(existsSync(at("tight"))).to.equal(false);
  });

  it("draws the loss, names rows that the checks found something in, and leaves them out where it is told to", async () => {
    const texts = [0, 1, 2, 0].map((kind) => rowsOf(kind, 1)[0]!);
    writeFileSync(at("copies.jsonl"), lines(...texts.map((text) => ({ text }))));
    const options = [...small, "--epochs", "1", "--drop", "copy", "--evaluation", at("qa.jsonl"), "--out", at("drawn")];
    expect(await train("--data", at("copies.jsonl"), ...options)).to.equal(0);
    const shown = printed.join("\n");
    expect(shown).to.match(/^3 rows, 13 held out, 1 left out\. Backend wasm/);
    expect(shown).to.match(/^It takes about \d\.\d\d GB of memory; there are \d+\.\d\d GB\.$/m);
    expect(shown).to.match(/row 3 \(copies\.jsonl\) is a copy of row 0 of contribution 1 \(copies\.jsonl\)/);
    expect(shown).to.match(/┤.*•/);
    expect(shown).to.match(/Held-out loss \d\.\d+ → \d\.\d+/);
  });

  it("reads contributions as Datanets store them, with the samples in them", async () => {
    const sample = JSON.stringify({ prompt: "a", completion: "b" });
    const rows = [
      { path: "a.sol", text: rowsOf(0, 1)[0]! },
      { path: "qa.jsonl", text: `${sample}\n` },
    ];
    writeFileSync(at("stored.jsonl"), encodeContribution(rows));
    const { rows: read } = await readPaths([at("stored.jsonl")]);
    expect(read.map(({ row }) => row)).to.deep.equal(rows.map(({ text }) => text));
  });

  it("plots what there is to plot", () => {
    const plot = plotLosses({ losses: [4, 3, 2, 1], heldOut: [[4, 2.5]], steps: 8 }, 40, 4);
    expect(plot).to.have.length(6);
    expect(plot[0]).to.equal(" 4.000 ┤•");
    expect(plot[3]).to.match(/^ 1\.000 ┤ {12}•$/);
    expect(plot.join("")).to.match(/o/);
    expect(plot.at(-1)).to.match(/step 8$/);
    expect(plotLosses({ losses: [], heldOut: [], steps: 0 })).to.deep.equal([]);
  });

  it("explains itself, and refuses what it cannot do, by name, writing nothing", async () => {
    expect(await train("--help")).to.equal(0);
    expect(printed).to.deep.equal([HELP]);
    writeFileSync(at("bad.jsonl"), '{"text": "fine"}\n{"txt": "wrong"}\n');
    const out = ["--out", at("nothing")];
    const one = ["--data", at("qa.jsonl"), ...out];
    const wrong: [string[], RegExp][] = [
      [["--data", at("qa.jsonl")], /--out is missing.*USAGE/],
      [out, /either --data or --datanet.*USAGE/],
      [["--datanet", "1", ...out], /--version and --addresses.*USAGE/],
      [[...one, "--sede", "1"], /sede.*USAGE/],
      [[...one, "--rank", "many"], /--rank must be a number, not many.*USAGE/],
      [[...one, "--preset", "huge"], /--preset must be one of quick, demo, light, full.*USAGE/],
      [[...one, "--backend", "abacus"], /--backend must be one of.*USAGE/],
      [[...one, "--weights", "q5"], /--weights must be one of f32, f16, q4.*USAGE/],
      [[...one, "--memory", "lots"], /--memory must be a size such as 8GB or 512MB, not lots.*USAGE/],
      [[...one, "--memory", "10MB"], /the weights of tiny-llama would take .*TRAINER_MEMORY/],
      [[...one, "--weights", "q4", "--backend", "cpu"], /takes weights as f32 only, not as q4.*TRAINER_POOL/],
      [[...one, "--schedule", "steep"], /--schedule must be one of.*USAGE/],
      [[...one, "--split", "row"], /--split must be one of contribution, file.*USAGE/],
      [[...one, "--drop", "copies"], /--drop: there is no check copies.*CHECK_UNKNOWN/],
      [[...one, "--publish", "Name"], /only a model of a frozen version.*RUN_PUBLISH/],
      [[...one, "--validation", "0.1"], /one group.*TRAINER_SPLIT/],
      [[...one, "--target", "embeddings", "--base", base.folder], /targetModules.*TRAINER_LORA/],
      [["--data", at("none.txt"), ...out], /there is no .*none\.txt.*DATA_MISSING/],
      [["--data", at("bad.jsonl"), ...out], /bad\.jsonl line 2 is no sample.*SAMPLE_INVALID/],
      [
        ["--datanet", "1", "--version", "1", "--addresses", "x", "--drop", "copy", ...out],
        /--drop is for --data.*USAGE/,
      ],
      [
        ["--datanet", "1", "--version", "1", "--addresses", "x", "--rpc", "http://127.0.0.1:1", ...out],
        /no chain answers.*DATA_CHAIN/,
      ],
    ];
    for (const [args, message] of wrong)
      expect((await failure(() => train(...args))).message, args.join(" ")).to.match(message);
    expect(existsSync(at("nothing", "run.json"))).to.equal(false);
    expect(loadBase(base.folder).hash).to.equal(base.hash);
  });
});
