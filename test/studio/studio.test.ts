import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import OpenAI from "openai";
import { payingFetch } from "../../openlora/client.ts";
import { Customer } from "../../openlora/customer.ts";
import { contribute, fetchVersion } from "../../sdk/datanets.ts";
import { mintModel, parseManifest } from "../../sdk/models.ts";
import { cutRows } from "../../sdk/rows.ts";
import { mined } from "../../sdk/transactions.ts";
import type { Deployment } from "../../studio/deployments.ts";
import { isOver, type Job } from "../../studio/server/jobs/job.ts";
import { main as trainByHand } from "../../trainer/train-cli.ts";
import { eventually } from "../support/program.ts";
import { rowsOf } from "../trainer/tiny.ts";
import { StudioProcess } from "./studio.ts";

const SPLIT = { data: 5000, owner: 2000, server: 2000, operator: 500, protocol: 500 };
const DEPOSIT = 1_000_000n;

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the Studio", function () {
  this.timeout(120_000);
  let data: string;
  let studio: StudioProcess;
  let trained: Job;
  let modelId: bigint;
  before(async () => {
    data = mkdtempSync(join(tmpdir(), "openledger-studio-test-"));
    studio = await StudioProcess.start(data);
  });
  after(async () => {
    expect(await studio.end("SIGTERM"), "exit code").to.equal(0);
    rmSync(data, { recursive: true });
  });

  const order = { name: "Assistant", datanetId: "1", version: "1", base: "tiny-llama", preset: "quick" };
  const train = async (more: object = {}) => (await studio.ask("/api/jobs", { ...order, ...more })).body;

  it("passes content and the chain through: contribute, review, freeze from a page", async () => {
    const [owner, reviewer] = [await studio.as("Datanet owner"), await studio.as("Reviewer")];
    const { datanets } = owner.protocol;
    await mined(datanets.create(await reviewer.signer.getAddress(), "Mixed", "MIT", ""));
    for (const [kind, name] of ["Contributor 1", "Contributor 2"].entries()) {
      const text = rowsOf(kind, 40).join("\n");
      const { rows } = cutRows("file", Buffer.from(text));
      const contributor = await studio.as(name);
      await contribute(contributor.protocol.datanets, studio.content, 1n, rows);
    }
    await mined(reviewer.protocol.datanets.review([1n, 2n], true, "fine"));
    await mined(datanets.freeze(1n));
    const { counts } = await fetchVersion(datanets, studio.content, 1n, 1n);
    expect(counts.length).to.equal(2);
  });

  it("trains in a process that no page holds: a second connection sees the same losses", async () => {
    const job = await train({ weights: "q4" });
    expect(job.id).to.be.a("string");
    const halfway = await studio.until(job.id, ({ losses }) => losses.length > 2);
    expect(halfway).to.include({ state: "training" });
    expect(halfway.etaSeconds).to.be.above(0);
    expect(halfway.tokensPerSecond).to.be.above(0);
    trained = await studio.until(job.id, isOver);
    expect(trained.error, trained.error?.message).to.equal(undefined);
    expect(trained.losses.slice(0, halfway.losses.length)).to.deep.equal(halfway.losses);
    expect(trained.losses.map(([step]) => step)).to.deep.equal(trained.losses.map((_, i) => i + 1));
    expect(trained.epochLosses.at(-1)).to.be.below(trained.epochLosses[0]!);
    expect(trained.k).to.be.oneOf([128, 256, 512]);
    expect(trained.manifest!.training).to.have.property("weights", "q4");
    expect((await studio.ask(`/api/jobs/${job.id}`)).body).to.deep.equal(trained);
  });

  it("tells what the data checks find in the rows, before it learns from them", () => {
    expect(trained.flaggedRows).to.have.property("near-copy").above(0); // rows of one kind are alike
    expect(trained.flaggedRows).to.not.have.property("secret");
  });

  it("has what `openledger train` needs to make a model of the same version, ready to mint", async () => {
    const [addresses, out] = [join(data, "addresses.json"), join(data, "run")];
    writeFileSync(addresses, JSON.stringify(studio.stack.addresses));
    const source = ["--datanet", "1", "--version", "1", "--addresses", addresses, "--rpc", `${studio.url}/rpc`];
    const made = [
      "--content",
      join(data, "content"),
      "--rank",
      "1",
      "--epochs",
      "1",
      "--publish",
      "By hand",
      "--out",
      out,
    ];
    const { log } = console;
    console.log = () => {};
    try {
      expect(await trainByHand([...source, ...made, "--json"])).to.equal(0);
    } finally {
      console.log = log;
    }
    const model = parseManifest(readFileSync(join(out, "model.json")));
    expect(model.versions).to.deep.equal([{ datanetId: "1", version: "1" }]);
    const run = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
    expect(run.data.map(({ name }: { name: string }) => name)).to.deep.equal(["contribution 1", "contribution 2"]);
    expect(model.adapter.hash).to.equal(run.adapter);
    for (const id of [model.adapter.weights, model.sketches.rows, model.sketches.basis, model.sketches.description])
      expect((await studio.content.get(id)).length).to.be.above(0);
    expect((await studio.content.get(model.sketches.rows)).length % trained.rows).to.equal(0);
  });

  it("answers as the base and as what was trained, which differ", async () => {
    const answers: string[] = [];
    for (const which of ["base", "tuned"]) {
      const answer = await fetch(`${studio.url}/api/jobs/${trained.id}/chat`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: "function transfer", maxTokens: 24, which }),
      });
      const events = (await answer.text()).trimEnd().split("\n\n");
      expect(events.pop()).to.equal("data: [DONE]");
      expect(events.length).to.be.above(3);
      answers.push(events.map((event) => JSON.parse(event.replace("data: ", "")).text).join(""));
    }
    expect(answers[0]).to.not.equal(answers[1]);
  });

  it("gives the arguments by which the builder's own wallet registers what it minted", async () => {
    const { protocol } = await studio.as("Model builder");
    const terms = { token: studio.stack.token.address, inputPrice: 1000n, outputPrice: 2000n, split: SPLIT };
    const early = await studio.ask(`/api/jobs/${trained.id}/registration`, {});
    expect(early).to.have.property("status", 409);
    expect(early.body.error!.code).to.equal("JOB_NOT_MINTED");
    ({ modelId } = await mintModel(protocol.models, studio.content, trained.manifest!, terms));
    expect((await studio.ask(`/api/jobs/${trained.id}`)).body).to.have.property("modelId", String(modelId));
    const { body } = await studio.ask<Parameters<typeof protocol.attribution.register>[0]>(
      `/api/jobs/${trained.id}/registration`,
      {},
    );
    await mined(protocol.attribution.register(body));
    expect(BigInt(await protocol.attribution.commitmentOf(modelId))).to.not.equal(0n);
    await mined(protocol.splitter.openEpoch(modelId));
  });

  it("says where to look while a server or the operator does not run", async () => {
    for (const path of ["/openlora/0/v1/models", "/openlora/..%2f/x", "/operator/healthz"]) {
      const { status, body } = await studio.ask(path);
      expect([status, body.error?.code], path).to.deep.equal([503, "STUDIO_CHILD"]);
    }
  });

  it("deploys it to a server that a customer pays through the Studio, and an operator that works", async () => {
    const { status, body: deployment } = await studio.ask<Deployment>(`/api/models/${modelId}/deploy`, {});
    expect(status, deployment.error?.message).to.equal(200);
    expect(deployment).to.include({ modelId: String(modelId), name: "Assistant", gateway: "/openlora/0" });
    expect((await studio.ask("/api/deployments")).body).to.deep.equal([deployment]);

    const { signer, protocol, token } = await studio.as("Customer");
    const customer = await Customer.open(protocol, signer, modelId, deployment.server);
    await mined(token.mint(signer, DEPOSIT));
    await customer.deposit(DEPOSIT);
    const client = new OpenAI({
      baseURL: `${studio.url}${deployment.gateway}/v1`,
      apiKey: "unused",
      maxRetries: 0,
      fetch: payingFetch(customer, DEPOSIT),
    });
    const stream = await client.completions.create({
      model: String(modelId),
      prompt: "function transfer",
      max_tokens: 16,
      stream: true,
    });
    let chunks = 0;
    for await (const _ of stream) chunks++;
    expect(chunks).to.be.above(3);
    expect((await fetch(`${studio.url}/operator/readyz`)).status).to.equal(200);
    expect((await studio.ask<{ problems: string[] }>("/api/stack")).body.problems).to.deep.equal([]);
  });

  it("starts a process that died again, and says so until it answers", async function () {
    if (process.platform !== "linux") this.skip(); // where the test can find it
    const ofServer = () => [...studio.children()].find(([, command]) => / serve /.test(command))?.[0];
    const problems = async () => (await studio.ask<{ problems: string[] }>("/api/stack")).body.problems;
    process.kill(ofServer()!, "SIGKILL");
    await eventually(async () => /OpenLoRA server 0 ended .SIGKILL/.test((await problems()).join()), "a problem");
    const models = () => fetch(`${studio.url}/openlora/0/v1/models`);
    await eventually(async () => (await models()).ok && (await problems()).length === 0, "all well again");
    expect(await (await models()).json()).to.have.nested.property("data[0].name", "Assistant");
  });

  it("cancels a job that runs and one that waits", async () => {
    const [running, waiting] = [await train(), await train()];
    await studio.until(running.id, ({ losses }) => losses.length > 0);
    for (const { id } of [waiting, running]) {
      expect((await studio.ask(`/api/jobs/${id}/cancel`, {})).body.state).to.equal("cancelled");
      expect((await studio.ask(`/api/jobs/${id}`)).body)
        .to.include({ state: "cancelled" })
        .and.not.have.property("manifest");
    }
  });

  const refusals: [string, string, unknown, number, string][] = [
    ["a version that is not frozen", "jobs", { ...order, version: "2" }, 404, "VERSION_UNKNOWN"],
    ["a base it does not have", "jobs", { ...order, base: "other" }, 404, "BASE_UNKNOWN"],
    ["a preset it does not have", "jobs", { ...order, preset: "toString" }, 400, "REQUEST_PRESET"],
    ["weights in a format it does not have", "jobs", { ...order, weights: "q2" }, 400, "REQUEST_WEIGHTS"],
    ["no name", "jobs", { ...order, name: " " }, 400, "REQUEST_NAME"],
    ["a Datanet that is no number", "jobs", { ...order, datanetId: "1; drop" }, 400, "REQUEST_DATANETID"],
    ["a job's id with a path in it", "jobs/..%2f..%2fetc/cancel", {}, 404, "JOB_UNKNOWN"],
    ["a content id with a path in it", "content/..%2fjobs", undefined, 400, "REQUEST_ID"],
    ["a model that was never minted", "models/99/deploy", {}, 404, "MODEL_UNKNOWN"],
    ["a folder that is no base", "bases", { source: tmpdir() }, 400, "TRAINER_BASE"],
    ["a base that is neither folder nor hub id", "bases", { source: "../no/such/folder" }, 400, "HUB_ID"],
  ];
  for (const [what, path, body, status, code] of refusals)
    it(`refuses ${what}`, async () => {
      const answer = await studio.ask(`/api/${path}`, body);
      expect([answer.status, answer.body.error?.code]).to.deep.equal([status, code]);
    });

  it("adds a base from a folder, and says in words what of a folder is missing", async () => {
    const folder = join(data, "copy");
    cpSync(new URL("../../models/tiny-llama", import.meta.url).pathname, folder, { recursive: true });
    const { bases } = studio.stack;
    const { body: same } = await studio.ask("/api/bases", { source: folder });
    expect(same, "the same base by another path").to.deep.equal(bases[0]);
    rmSync(join(folder, "tokenizer.json"));
    const { status, body } = await studio.ask("/api/bases", { source: folder });
    expect([status, body.error?.code]).to.deep.equal([400, "TRAINER_BASE"]);
    expect(body.error!.message).to.include("tokenizer.json");
  });

  it("refuses other sites' pages, by whatever name they reach it", async () => {
    const { port } = new URL(studio.url);
    const status = (headers: Record<string, string>) =>
      new Promise((resolve) => {
        request({ port, path: "/api/stack", headers }, (answer) => resolve(answer.resume().statusCode)).end();
      });
    expect(await status({ host: `rebound.example:${port}` })).to.equal(403);
    expect(await status({ host: `127.0.0.1:${port}`, origin: "https://elsewhere.example" })).to.equal(403);
    expect(await status({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).to.equal(200);
  });

  it("keeps its jobs over a kill -9, which fails the one under way", async () => {
    const { id } = await train();
    await studio.until(id, ({ losses }) => losses.length > 0);
    const children = process.platform === "linux" ? [...studio.children().keys()] : [];
    await studio.end("SIGKILL");
    await eventually(async () => !children.some(lives), "no process is left behind");
    studio = await StudioProcess.start(data);
    const { body: jobs } = await studio.ask<Job[]>("/api/jobs");
    expect(jobs.map(({ state }) => state)).to.deep.equal(["failed", "cancelled", "cancelled", "done"]);
    expect(jobs[0]).to.have.nested.property("error.code", "JOB_INTERRUPTED");
    const { status, body } = await studio.ask(`/api/jobs/${trained.id}/registration`, {});
    expect([status, body.error?.code], "its Datanet went with the chain").to.deep.equal([409, "JOB_OTHER_CHAIN"]);
  });
});
