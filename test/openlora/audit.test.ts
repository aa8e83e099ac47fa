import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { devSrs } from "../../circuits/setup/dev.ts";
import { type LocalChain, startLocalChain } from "../../deploy/local.ts";
import { main } from "../../openlora/audit-cli.ts";
import { Sketcher } from "../../openlora/sketcher.ts";
import { registerSketches } from "../../prover/register.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { contribute } from "../../sdk/datanets.ts";
import { mintModel, storeManifest } from "../../sdk/models.ts";
import { emitted, mined } from "../../sdk/transactions.ts";
import type { Sketches } from "../../trainer/attribution/artifact.ts";
import { buildSketches, sketchQueries } from "../../trainer/attribution/build.ts";
import { loadBase, loadPackedBase } from "../../trainer/base.ts";
import { Pool } from "../../trainer/pool.ts";
import { publishModel } from "../../trainer/publish.ts";
import { UNUSED_KEY } from "../support/world.ts";
import { rowsOf, someAdapter } from "../trainer/tiny.ts";
import { SAMPLE_SPLIT } from "./sample.ts";

const MODEL = new URL("../../models/tiny-llama", import.meta.url).pathname;
const base = loadBase(MODEL);
const adapter = someAdapter(base, ["q_proj"], 2);

describe("openledger audit", () => {
  let chain: LocalChain;
  let folder: string;
  /** Of a model whose sketches are what they should be, and of one that gives each row its neighbour's. */
  let honest: bigint;
  let forged: bigint;
  /** Made over weights in 4 bits. */
  let packed: bigint;
  /** Its manifest names another version than the chain does, whose contributors are paid. */
  let elsewhere: bigint;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "openledger-audit-test-"));
    chain = await startLocalChain(0, 0, UNUSED_KEY);
    const store = new ContentStore(join(folder, "content"));
    const { datanets, models } = chain.as(0);
    const created = await mined(datanets.create(await chain.account(0).getAddress(), "Texts", "MIT", ""));
    const datanetId = emitted(datanets, "DatanetCreated", created).datanetId as bigint;
    const texts = [0, 1, 2].map((kind) => rowsOf(kind, 8));
    for (const part of texts) {
      const rows = part.map((text, i) => ({ path: `${i}`, text }));
      const { contributionId } = await contribute(datanets, store, datanetId, rows);
      await mined(datanets.review([contributionId], true, "fine"));
    }
    await mined(datanets.freeze(datanetId));

    const pool = await Pool.start(base, { threads: 1 });
    const sketches = await buildSketches(pool, adapter, texts.flat());
    const query = { promptIds: [base.tokenizer.bos, 5, 6, 7], completionIds: [8, 9, 10] };
    const [sketch] = await sketchQueries(pool, adapter, sketches, [query]);
    await pool.close();
    const lines = [query, { ...query, completionIds: [500, 600] }].map((one) => ({ ...one, sketch: [...sketch!] }));
    for (const [n, line] of lines.entries()) writeFileSync(join(folder, `query-${n}`), `${JSON.stringify(line)}\n`);
    writeFileSync(join(folder, "31337.json"), JSON.stringify({ chainId: 31337, addresses: chain.addresses }));

    const terms = { token: await chain.token.getAddress(), inputPrice: 1n, outputPrice: 1n, split: SAMPLE_SPLIT };
    const publish = async (name: string, published: Sketches) => {
      const manifest = {
        name,
        ...(await publishModel(join(folder, name), store, base, adapter, published)),
        versions: [{ datanetId: String(datanetId), version: "1" }],
        training: {},
      };
      return { manifest, modelId: (await mintModel(models, store, manifest, terms)).modelId };
    };
    honest = (await publish("honest", sketches)).modelId;
    await registerSketches(chain.as(0), honest, chain.vkId, sketches, await devSrs(24));
    const turned = sketches.rows.slice();
    const counted = [...sketches.weights.keys()].filter((row) => sketches.weights[row]! > 0);
    for (const [n, row] of counted.entries()) {
      const neighbour = counted[(n + 1) % counted.length]!;
      turned.set(sketches.rows.subarray(neighbour * sketches.k, (neighbour + 1) * sketches.k), row * sketches.k);
    }
    forged = (await publish("forged", { ...sketches, rows: turned })).modelId;

    const { manifest: honestly } = await publish("elsewhere", sketches);
    const told = await storeManifest(store, {
      ...honestly,
      versions: [{ datanetId: String(datanetId), version: "2" }],
    });
    const minted = await mined(models.mint(told, honestly.versions, terms));
    elsewhere = emitted(models, "ModelMinted", minted).modelId as bigint;

    const small = await Pool.start(loadPackedBase(MODEL, "q4"), { threads: 1 });
    const { manifest, modelId } = await publish("packed", await buildSketches(small, adapter, texts.flat()));
    await small.close();
    packed = modelId;
    const server = new Sketcher(base, store, join(folder, "server"));
    const [served] = await server.sketch({ modelId, number: 1n, manifest, adapter, gguf: "" }, [query]);
    await server.close();
    writeFileSync(join(folder, "query-packed"), `${JSON.stringify({ ...query, sketch: [...served!] })}\n`);
  });
  after(async () => {
    await chain.close();
    rmSync(folder, { recursive: true });
  });

  /** The command in this process, and what it prints. */
  async function audit(model: bigint | string, ...args: string[]) {
    const at = ["--addresses", join(folder, "31337.json"), "--content", join(folder, "content"), "--rpc", chain.url];
    const { log, error } = console;
    let output = "";
    console.log = console.error = (line: string) => {
      output += `${line}\n`;
    };
    try {
      const code = await main(["--model", String(model), ...at, "--threads", "1", ...args]);
      return { code, output };
    } finally {
      Object.assign(console, { log, error });
    }
  }

  it("finds a model's sketches to be what its data and its adapter give", async () => {
    const { code, output } = await audit(honest, "--sample", "all", "--queries", join(folder, "query-0"));
    expect(code, output).to.equal(0);
    const checks = [
      ...["committed", "form", "copies", "rows", "weights", "leaders", "least movement", "basis", "queries"],
    ];
    expect(output.match(/^holds +(\S+( \S+)*)/gm)!.length).to.equal(checks.length);
    for (const check of checks) expect(output).to.match(new RegExp(`^holds +${check} `, "m"));
    expect(output).to.include(`The sketches of model ${honest} are what its data and its adapter give.\n`);
  });

  it("loads the base in the format that the sketches were made over, as the server does", async () => {
    const args = ["--sample", "6", "--queries", join(folder, "query-packed"), "--json"];
    const { code, output } = await audit(packed, ...args);
    expect(code, output).to.equal(0);
    const results = JSON.parse(output).findings.map(
      ({ check, result }: Record<string, string>) => `${check}: ${result}`,
    );
    expect(results).to.include.members(["form: holds", "rows: holds", "queries: holds"]);
    const other = await audit(packed, ...args, "--backend", "cpu");
    expect(other.code).to.equal(2);
    expect(other.output).to.include("backend cpu takes weights as f32 only, not as q4");
  });

  it("ends with 1 and names what is wrong: rows with their neighbour's sketches, answers with another's", async () => {
    const rows = await audit(forged, "--seed", "1", "--sample", "6", "--json");
    expect(rows.code, rows.output).to.equal(1);
    const { ok, seed, findings } = JSON.parse(rows.output);
    expect([ok, seed]).to.deep.equal([false, 1]);
    const results = findings.map(({ check, result }: { check: string; result: string }) => `${check}: ${result}`);
    expect(results).to.deep.equal([
      ...["committed: not checked", "form: holds", "copies: holds", "rows: WRONG"],
      ...["weights: holds", "leaders: not checked", "least movement: not checked", "basis: not checked"],
      "queries: not checked",
    ]);
    const answers = await audit(honest, "--sample", "1", "--queries", join(folder, "query-1"));
    expect(answers.code, answers.output).to.equal(1);
    expect(answers.output).to.include("WRONG: queries. Do not rely on this model's attribution.");
  });

  it("ends with 2 and what to do where it cannot look", async () => {
    const bad = join(folder, "bad");
    writeFileSync(bad, '{"promptIds":[1],"completionIds":"x","sketch":[]}\n');
    for (const [model, args, words] of [
      ["99", [], /knows no model 99/],
      [String(elsewhere), [], /manifest of model \d+ names other versions than the chain.*MODEL_MANIFEST/],
      ["x", [], /--model must be a whole number, not x/],
      [String(honest), ["--queries", bad], /line 1 of \S+ has no list of whole numbers as completionIds/],
      [String(honest), ["--backend", "abacus"], /--backend must be one of tfjs-node-gpu,/],
    ] as const) {
      const { code, output } = await audit(model, ...args);
      expect(code, output).to.equal(2);
      expect(output).to.match(words);
    }
  });
});
