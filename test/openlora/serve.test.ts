import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import { type LocalChain, startLocalChain } from "../../deploy/local.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { mintModel } from "../../sdk/models.ts";
import { emitted, mined } from "../../sdk/transactions.ts";
import { loadBase } from "../../trainer/base.ts";
import { Program } from "../support/program.ts";
import { UNUSED_KEY } from "../support/world.ts";
import { publishSample, SAMPLE_SPLIT } from "./sample.ts";

const base = new URL("../../models/tiny-llama", import.meta.url).pathname;
const key = Wallet.createRandom();

describe("openledger serve", () => {
  let chain: LocalChain;
  let folder: string;
  let modelId: bigint;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "openledger-serve-"));
    chain = await startLocalChain(0, 0, UNUSED_KEY);
    const { datanets, models } = chain.as(0);
    const created = await mined(datanets.create(await chain.account(0).getAddress(), "Solidity", "MIT", ""));
    const datanetId = emitted(datanets, "DatanetCreated", created).datanetId as bigint;
    const sent = await mined(datanets.contribute(datanetId, "bafy", 3, `0x${"11".repeat(32)}`));
    await mined(
      datanets.review([emitted(datanets, "ContributionSubmitted", sent).contributionId as bigint], true, "fine"),
    );
    await mined(datanets.freeze(datanetId));
    const store = new ContentStore(join(folder, "content"));
    const manifest = await publishSample(folder, store, loadBase(base), 4, datanetId);
    const terms = { token: await chain.token.getAddress(), inputPrice: 1n, outputPrice: 1n, split: SAMPLE_SPLIT };
    ({ modelId } = await mintModel(models, store, manifest, terms));
    writeFileSync(join(folder, "31337.json"), JSON.stringify({ chainId: 31337, addresses: chain.addresses }));
  });
  after(async () => {
    await chain.close();
    rmSync(folder, { recursive: true });
  });

  const start = (args: string[], env: Record<string, string> = {}) => {
    const given = ["serve", "--addresses", join(folder, "31337.json"), "--port", "0", ...args];
    const secrets = { OPENLEDGER_SERVER_KEY: key.privateKey, OPENLEDGER_OPERATOR_TOKEN: "0123456789abcdef" };
    return new Program("bin/openledger.ts", given, { ...secrets, ...env });
  };
  const folders = (data: string) => ["--content", join(folder, "content"), "--data", join(folder, data)];
  /** Address that a server says it answers at. */
  const answers = async (server: Program) => {
    await server.says(/\/v1\n/);
    return /http:\S+\/v1/.exec(server.output)![0];
  };
  const listed = async (url: string) =>
    ((await (await fetch(`${url}/models`)).json()) as { data: { id: string; name: string }[] }).data;
  const end = async (server: Program) => {
    await server.stop();
    expect(await server.ended).to.deep.equal({ code: 0, signal: null });
  };

  it("serves the models named, and ends when asked to", async () => {
    const server = start(["--rpc", chain.url, "--model", String(modelId), ...folders("data")]);
    const url = await answers(server);
    expect((await listed(url)).map(({ id, name }) => [id, name])).to.deep.equal([[String(modelId), "rank 4"]]);
    const body = JSON.stringify({ model: String(modelId), prompt: "function" });
    const headers = { "content-type": "application/json" };
    const closed = await fetch(`${url}/completions`, { method: "POST", headers, body });
    expect(closed.status, "this model has no epoch yet").to.equal(503);
    expect(await closed.json()).to.have.nested.property("error.code", "MODEL_CLOSED");
    await end(server);
  });

  it("serves a model that appears while it runs, and again after a restart", async () => {
    for (const words of ["no model yet", `${modelId} (rank 4)`]) {
      const server = start(["--rpc", chain.url, ...folders("empty")]);
      const url = await answers(server);
      expect(server.output).to.contain(`Serving ${words} at ${url}`);
      const headers = { authorization: "Bearer 0123456789abcdef" };
      const added = await fetch(new URL(`/openledger/models?model=${modelId}`, url), { method: "POST", headers });
      expect(await added.json()).to.deep.equal({ model: String(modelId), name: "rank 4" });
      expect((await listed(url)).map(({ id }) => id)).to.deep.equal([String(modelId)]);
      await end(server);
    }
  });

  const refusals: [string, () => Program, RegExp][] = [
    ["no chain", () => start(["--rpc", "http://127.0.0.1:1", "--model", "1"]), /No chain answers .*--rpc/],
    [
      "no key",
      () => start(["--model", "1"], { OPENLEDGER_SERVER_KEY: "oops" }),
      /OPENLEDGER_SERVER_KEY is no private key/,
    ],
    [
      "no such model",
      () => start(["--rpc", chain.url, "--model", "99", ...folders("data")]),
      /knows no model 99.*MODEL_UNKNOWN/,
    ],
  ];
  for (const [what, begin, words] of refusals)
    it(`ends with what to do when there is ${what}`, async () => {
      const server = begin();
      expect((await server.ended).code).to.equal(1);
      expect(server.output).to.match(words).and.not.include(key.privateKey);
    });
});
