import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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
import { UNUSED_KEY } from "../support/world.ts";
import { publishSample, SAMPLE_SPLIT } from "./sample.ts";

const root = new URL("../..", import.meta.url).pathname;
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
    const manifest = await publishSample(folder, store, loadBase(join(root, "models/tiny-llama")), 4, datanetId);
    const terms = { token: await chain.token.getAddress(), inputPrice: 1n, outputPrice: 1n, split: SAMPLE_SPLIT };
    ({ modelId } = await mintModel(models, store, manifest, terms));
    writeFileSync(join(folder, "addresses.json"), JSON.stringify(chain.addresses));
  });
  after(async () => {
    await chain.close();
    rmSync(folder, { recursive: true });
  });

  const start = (args: string[], env: Record<string, string> = {}) => {
    const given = ["bin/openledger.ts", "serve", "--addresses", join(folder, "addresses.json"), "--port", "0", ...args];
    const secrets = { OPENLEDGER_SERVER_KEY: key.privateKey, OPENLEDGER_OPERATOR_TOKEN: "0123456789abcdef" };
    return spawn(process.execPath, given, { cwd: root, env: { ...process.env, ...secrets, ...env } });
  };
  const folders = () => ["--content", join(folder, "content"), "--data", join(folder, "data")];
  const said = async ({ stderr }: ChildProcess) => {
    let text = "";
    for await (const part of stderr!) text += part;
    return text;
  };

  it("serves the models named, and ends when asked to", async () => {
    const child = start(["--rpc", chain.url, "--model", String(modelId), ...folders()]);
    const problems = said(child);
    let text = "";
    for await (const part of child.stdout!) if (/\/v1\n/.test((text += part))) break;
    const url = /http:\S+\/v1/.exec(text)?.[0];
    expect(url, await (url ? "" : problems)).to.be.a("string");
    const { data } = (await (await fetch(`${url}/models`)).json()) as { data: { id: string; name: string }[] };
    expect(data.map(({ id, name }) => [id, name])).to.deep.equal([[String(modelId), "rank 4"]]);
    const body = JSON.stringify({ model: String(modelId), prompt: "function" });
    const headers = { "content-type": "application/json" };
    const closed = await fetch(`${url}/completions`, { method: "POST", headers, body });
    expect(closed.status, "this model has no epoch yet").to.equal(503);
    expect(await closed.json()).to.have.nested.property("error.code", "MODEL_CLOSED");
    child.kill("SIGTERM");
    expect((await once(child, "exit"))[0]).to.equal(0);
  });

  const refusals: [string, () => ChildProcess, RegExp][] = [
    ["no chain", () => start(["--rpc", "http://127.0.0.1:1", "--model", "1"]), /No chain answers .*--rpc/],
    [
      "no key",
      () => start(["--model", "1"], { OPENLEDGER_SERVER_KEY: "oops" }),
      /OPENLEDGER_SERVER_KEY is not a private/,
    ],
    [
      "no such model",
      () => start(["--rpc", chain.url, "--model", "99", ...folders()]),
      /knows no model 99.*MODEL_UNKNOWN/,
    ],
  ];
  for (const [what, begin, words] of refusals)
    it(`ends with what to do when there is ${what}`, async () => {
      const child = begin();
      const [text, [code]] = await Promise.all([said(child), once(child, "exit")]);
      expect(text).to.match(words).and.not.include(key.privateKey);
      expect(code).to.equal(1);
    });
});
