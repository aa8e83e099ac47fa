import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { FastifyInstance } from "fastify";
import OpenAI from "openai";
import { fetchRelease, type Release } from "../../openlora/adapters.ts";
import { Catalog, type Served } from "../../openlora/catalog.ts";
import { payingFetch } from "../../openlora/client.ts";
import { Customer } from "../../openlora/customer.ts";
import { LlamaEngine } from "../../openlora/engine.ts";
import { createGateway } from "../../openlora/gateway.ts";
import { Meter } from "../../openlora/meter.ts";
import { Releases } from "../../openlora/releases.ts";
import { decodeVoucher, encodeVoucher, SIGNATURE_HEADER, VOUCHER_HEADER } from "../../openlora/wire.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { protocol } from "../../sdk/contracts.ts";
import { escrowDomain, signVoucher, splitterDomain, type Voucher } from "../../sdk/eip712.ts";
import { mintModel, retrainModel } from "../../sdk/models.ts";
import { decodeAttributed, verifyAttributed } from "../../sdk/receipts.ts";
import { loadBase } from "../../trainer/base.ts";
import { promptIds } from "../../trainer/examples.ts";
import {
  COUNTS,
  closeEpoch,
  customer,
  deployed,
  deposit,
  freeze,
  K,
  owner,
  register,
  type Signer,
  server,
  stranger,
  type World,
} from "../support/world.ts";
import { failure } from "../trainer/tiny.ts";
import { publishSample, SAMPLE_SPLIT } from "./sample.ts";

const TOKEN = "operator-token";
const PROMPT = "function transfer(address to";
const base = loadBase(new URL("../../models/tiny-llama", import.meta.url).pathname);

describe("the gateway", () => {
  let world: World;
  let folder: string;
  let datanetId: bigint;
  let store: ContentStore;
  let engine: LlamaEngine;
  let gateway: FastifyInstance;
  let url: string;
  let catalog: Catalog;
  const served: Served[] = [];

  before(async () => {
    world = await deployed();
    folder = mkdtempSync(join(tmpdir(), "openledger-gateway-"));
    store = new ContentStore(join(folder, "content"));
    for (const account of [customer, stranger]) await deposit(world, account, 1_000_000n);
    engine = await LlamaEngine.start(base, { threads: 1 });
    datanetId = await freeze(world, COUNTS);
    const own = protocol(world.addresses, server);
    const fetchFrom = (id: bigint) => (number?: bigint) =>
      fetchRelease(own.models, store, base, id, join(folder, "adapters"), number);
    catalog = new Catalog(join(folder, "models.json"), async (id) => ({
      modelId: id,
      releases: await Releases.open(own, id, fetchFrom(id)),
      meter: await Meter.open(own, server, id, join(folder, `${id}.jsonl`)),
    }));
    for (const rank of [2, 4]) served.push(await catalog.add(await publish(rank)));
    gateway = createGateway({
      engine,
      catalog,
      operatorToken: TOKEN,
      sketch: async ({ number }, calls) => calls.map(() => new Int8Array(K).fill(Number(number))),
    });
    url = await gateway.listen({ host: "127.0.0.1", port: 0 });
  });
  after(async () => {
    await gateway.close();
    await engine.close();
    rmSync(folder, { recursive: true });
  });

  /** A minted model with an adapter of its own, its epoch 0 open. */
  async function publish(rank: number): Promise<bigint> {
    const manifest = await publishSample(folder, store, base, rank, datanetId);
    const terms = { token: world.token.target as string, inputPrice: 1000n, outputPrice: 2000n, split: SAMPLE_SPLIT };
    const { modelId } = await mintModel(world.models.connect(owner), store, manifest, terms);
    await register(world, modelId);
    await world.splitter.openEpoch(modelId);
    return modelId;
  }

  const buyer = (account: Signer, model = served[0]!) =>
    Customer.open(protocol(world.addresses, account), account, model.modelId, server.address);
  const clientOf = async (account: Signer, model = served[0]!) =>
    new OpenAI({
      baseURL: `${url}/v1`,
      apiKey: "unused",
      maxRetries: 0,
      fetch: payingFetch(await syncedBuyer(account, model), 10_000n),
    });
  /** A customer that knows what it spent in earlier tests. */
  async function syncedBuyer(account: Signer, model: Served): Promise<Customer> {
    const one = await buyer(account, model);
    const { voucher } = await one.voucher(0, 0);
    one.lost({ ...voucher, cumulative: model.meter.charged(voucher) });
    return one;
  }
  const charged = (account: Signer, model = served[0]!) =>
    model.meter.charged({ customer: account.address, epochId: 0n });
  const ask = (model = served[0]!) => ({ model: String(model.modelId), prompt: PROMPT, max_tokens: 8 });

  it("completes for a paying OpenAI client, with usage and a receipt that the client checks", async () => {
    const client = await clientOf(customer);
    const before = charged(customer);
    const answer = await client.completions.create(ask());
    expect(answer.choices[0]!.text).to.not.equal("");
    const { prompt_tokens: read, completion_tokens: written } = answer.usage!;
    expect(charged(customer) - before).to.equal(BigInt(read + 2 * written));
    expect(answer).to.have.nested.property("openledger.receiptSignature");
    expect((await client.completions.create(ask())).choices[0]!.text).to.equal(answer.choices[0]!.text);
  });

  it("chats: the messages' contents are the prompt", async () => {
    const client = await clientOf(customer);
    const [system, user] = PROMPT.split(" ");
    const chat = await client.chat.completions.create({
      model: served[0]!.releases.current.manifest.adapter.hash,
      max_completion_tokens: 8,
      messages: [
        { role: "system", content: system! },
        { role: "user", content: [{ type: "text", text: user! }] },
      ],
    });
    const { text } = (await client.completions.create({ ...ask(), prompt: `${system}\n${user}` })).choices[0]!;
    expect(chat.choices[0]!.message.content).to.equal(text);
  });

  it("streams the same text, and its usage when asked to", async () => {
    const client = await clientOf(customer);
    const whole = await client.completions.create(ask());
    let text = "";
    let usage: OpenAI.CompletionUsage | undefined;
    let chunks = 0;
    for await (const chunk of await client.completions.create({
      ...ask(),
      stream: true,
      stream_options: { include_usage: true },
    })) {
      chunks++;
      text += chunk.choices[0]?.text ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).to.equal(whole.choices[0]!.text);
    expect(usage).to.deep.equal(whole.usage);
    expect(chunks).to.be.above(3);
    let chatted = "";
    const messages = [{ role: "user" as const, content: PROMPT }];
    for await (const chunk of await client.chat.completions.create({
      model: ask().model,
      messages,
      max_tokens: 8,
      stream: true,
    }))
      chatted += chunk.choices[0]!.delta.content ?? "";
    expect(chatted).to.equal(text);
  });

  it("lists its models, and knows no others", async () => {
    const client = await clientOf(customer);
    expect((await client.models.list()).data.map(({ id }) => id)).to.deep.equal(
      served.map(({ modelId }) => `${modelId}`),
    );
    const error = await client.completions.create({ ...ask(), model: "99" }).catch((one) => one);
    expect(error).to.be.instanceOf(OpenAI.NotFoundError);
    expect(error.code).to.equal("MODEL_UNKNOWN");
  });

  it("answers 402 without a voucher, saying what to sign", async () => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 });
    const error = await client.completions.create(ask()).catch((one) => one);
    expect([error.status, error.code, error.type]).to.deep.equal([402, "VOUCHER_MISSING", "payment_required"]);
    expect(error.message).to.include(server.address).and.include(world.token.target);
    const quote = await (await fetch(`${url}/openledger/quote?model=${ask().model}`)).json();
    expect(quote).to.include({ server: server.address, token: world.token.target, epochId: "0", inputPrice: "1000" });
  });

  const refusals: [string, Partial<Voucher>, string][] = [
    ["replayed", { cumulative: 0n }, "VOUCHER_AMOUNT"],
    ["over the deposit", { customer: owner.address, cumulative: 10n ** 9n }, "VOUCHER_DEPOSIT"],
    ["for another model", { modelId: 99n }, "VOUCHER_MODEL"],
    ["that expires too early", { deadline: 1n }, "VOUCHER_DEADLINE"],
    ["signed by somebody else", { customer: stranger.address }, "SIGNATURE_WRONG_SIGNER"],
  ];
  for (const [what, fields, code] of refusals)
    it(`refuses a voucher ${what} before anything is computed`, async () => {
      const { voucher } = await (await syncedBuyer(customer, served[0]!)).voucher(100, 8);
      const changed = { ...voucher, ...fields };
      if (what === "replayed") changed.cumulative = charged(customer);
      const signer = changed.customer === owner.address ? owner : customer;
      const signature = await signVoucher(signer, escrowDomain(31337n, world.addresses.escrow), changed);
      const calls = served[0]!.meter.charged(voucher);
      const defaultHeaders = { [VOUCHER_HEADER]: encodeVoucher(changed), [SIGNATURE_HEADER]: signature };
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0, defaultHeaders });
      const error = await client.completions.create(ask()).catch((one) => one);
      expect([error.status, error.code]).to.deep.equal([402, code]);
      expect(served[0]!.meter.charged(voucher)).to.equal(calls);
    });

  it("lets two programs of one account pay in one epoch, each going on from what the other signed", async () => {
    const programs = [await clientOf(customer), await clientOf(customer)];
    const before = charged(customer);
    const fees: bigint[] = [];
    for (const client of [...programs, ...programs]) {
      const answer = (await client.completions.create(ask())) as unknown as {
        openledger: { receipt: { fee: string } };
      };
      fees.push(BigInt(answer.openledger.receipt.fee));
    }
    expect(charged(customer)).to.equal(before + fees.reduce((sum, fee) => sum + fee));
  });

  it("knows a customer by one spelling of his address", async () => {
    const { voucher } = await (await syncedBuyer(customer, served[0]!)).voucher(100, 8);
    const lower = { ...voucher, customer: voucher.customer.toLowerCase() };
    expect(decodeVoucher(encodeVoucher(lower))).to.deep.equal(voucher);
    const wrong = { ...voucher, customer: `${voucher.customer.slice(0, -1)}X` };
    expect(() => decodeVoucher(encodeVoucher(wrong))).to.throw(/VOUCHER_MALFORMED/);
  });

  it("never crosses two customers and two adapters on one prompt", async () => {
    const pairs = [
      [customer, served[0]!],
      [stranger, served[1]!],
    ] as const;
    const clients = await Promise.all(pairs.map(([account, model]) => clientOf(account, model)));
    const text = async (i: number) =>
      (await clients[i]!.completions.create({ ...ask(pairs[i]![1]), max_tokens: 16 })).choices[0]!.text;
    const [first, second] = [await text(0), await text(1)];
    expect(first).to.not.equal(second);
    const turns = await Promise.all(Array.from({ length: 12 }, (_, i) => text(i % 2)));
    expect(turns).to.deep.equal(Array.from({ length: 12 }, (_, i) => (i % 2 ? second : first)));
  });

  it("frees the slot of a client that leaves, charges what was produced until then, and serves it again", async () => {
    const client = await clientOf(stranger);
    const before = charged(stranger);
    const stream = await client.completions.create({
      ...ask(),
      max_tokens: 200,
      temperature: 1,
      seed: 7,
      stream: true,
    });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 2) break;
    while (engine.load.running > 0 || charged(stranger) === before) await new Promise((done) => setTimeout(done, 5));
    const fee = charged(stranger) - before;
    const { prompt_tokens: read } = (await client.completions.create(ask())).usage!;
    const written = (fee - BigInt(read)) / 2n;
    expect(written > 0n && written < 200n, `${written} tokens charged`).to.equal(true);
    expect(engine.load).to.deep.equal({ running: 0, waiting: 0 });
  });

  it("refuses what it would answer differently, naming the field", async () => {
    const client = await clientOf(customer);
    for (const [fields, code] of [
      [{ n: 2 }, "REQUEST_N"],
      [{ max_tokens: 5000 }, "REQUEST_MAX_TOKENS"],
      [{ temperature: 9 }, "REQUEST_TEMPERATURE"],
    ] as const) {
      const error = await client.completions.create({ ...ask(), ...fields }).catch((one) => one);
      expect([error.status, error.code]).to.deep.equal([400, code]);
    }
  });

  it("gives records and redeems for who has the operator's token only", async () => {
    const client = await clientOf(customer, served[1]!);
    await client.completions.create(ask(served[1]!));
    const at = `model=${served[1]!.modelId}&epoch=0`;
    expect((await fetch(`${url}/openledger/records?${at}`)).status).to.equal(401);
    expect((await fetch(`${url}/openledger/redeem?${at}`, { method: "POST" })).status).to.equal(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const records = decodeAttributed(await (await fetch(`${url}/openledger/records?${at}`, { headers })).text());
    const domain = splitterDomain(31337n, world.addresses.splitter);
    for (const record of records) verifyAttributed(domain, record);
    const fees = records.reduce((sum, { receipt }) => sum + receipt.fee, 0n);
    const redeemed = await (await fetch(`${url}/openledger/redeem?${at}`, { method: "POST", headers })).json();
    expect(redeemed).to.deep.equal({ redeemed: String(fees) });
  });

  it("limits the requests of one address", async () => {
    const limited = createGateway({ engine, catalog, operatorToken: TOKEN, sketch: async () => [], perMinute: 2 });
    const status = async () => (await limited.inject("/v1/models")).statusCode;
    expect([await status(), await status(), await status()]).to.deep.equal([200, 200, 429]);
    await limited.close();
  });

  describe("asked to serve another model", () => {
    const post = (query: string, token = TOKEN) =>
      fetch(`${url}/openledger/models${query}`, { method: "POST", headers: { authorization: `Bearer ${token}` } });

    it("serves it at once, and the same again after a restart", async () => {
      const modelId = await publish(8);
      const model = String(modelId);
      for (let twice = 0; twice < 2; twice++) {
        const added = await post(`?model=${modelId}`);
        expect([added.status, await added.json()]).to.deep.equal([200, { model, name: "rank 8" }]);
      }
      const client = await clientOf(customer, catalog.find(model));
      expect((await client.models.list()).data.map(({ id }) => id)).to.deep.equal(["1", "2", model]);
      expect((await client.completions.create({ ...ask(), model })).choices[0]!.text).to.not.equal("");
      const restarted = new Catalog(join(folder, "models.json"), () => Promise.reject(new Error("not now")));
      expect(restarted.remembered.map(String)).to.deep.equal(["1", "2", model]);
    });

    it("refuses one that it cannot serve, and who has no token", async () => {
      const manifest = await publishSample(folder, store, base, 2, datanetId);
      const terms = { token: world.token.target as string, inputPrice: 1n, outputPrice: 1n, split: SAMPLE_SPLIT };
      const mint = async (changes: object, into = store) =>
        (await mintModel(world.models.connect(owner), into, { ...manifest, ...changes }, terms)).modelId;
      const otherBase = await mint({ base: { name: "other", hash: `0x${"11".repeat(32)}` } });
      const noContent = await mint({ name: "elsewhere" }, new ContentStore(join(folder, "elsewhere")));
      for (const [query, status, code] of [
        ["?model=99", 404, "MODEL_UNKNOWN"],
        ["?model=one", 400, "REQUEST_MODEL"],
        ["", 400, "REQUEST_MODEL"],
        [`?model=${otherBase}`, 400, "MODEL_BASE"],
        [`?model=${noContent}`, 400, "CONTENT_MISSING"],
      ] as const) {
        const refused = await post(query);
        expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).to.deep.equal([
          status,
          code,
        ]);
      }
      expect((await post("?model=1", "wrong")).status).to.equal(401);
      expect(catalog.remembered).to.not.include(otherBase);
    });
  });

  it("serves no model that the chain does not know, or whose base is another", async () => {
    const of = (hash: string, id: bigint) =>
      fetchRelease(world.models, store, { ...base, hash }, id, join(folder, "other"));
    expect((await failure(() => of(base.hash, 99n))).code).to.equal("MODEL_UNKNOWN");
    expect((await failure(() => of(`0x${"00".repeat(32)}`, served[0]!.modelId))).code).to.equal("MODEL_BASE");
  });

  describe("once a model is retrained", () => {
    it("answers and sketches each epoch by the adapter that it opened with", async () => {
      const modelId = await publish(6);
      const model = await catalog.add(modelId);
      const complete = async (id = String(modelId)) => {
        const client = await clientOf(customer, model);
        const request = { ...ask(model), model: id, temperature: 0 };
        return client.completions.create(request).then(({ choices }) => choices[0]!.text);
      };
      const alone = async ({ gguf }: Release) => {
        const { signal } = new AbortController();
        const prompt = promptIds(base.tokenizer, PROMPT, base.config.context - 7);
        const asked = {
          adapter: gguf,
          promptIds: prompt,
          maxTokens: 8,
          temperature: 0,
          seed: 1,
          signal,
          onToken: () => {},
        };
        return base.tokenizer.decode((await engine.decode(asked)).ids);
      };
      const first = model.releases.current;
      const before = await complete();
      expect(before).to.equal(await alone(first));

      const manifest = await publishSample(folder, store, base, 16, datanetId);
      await retrainModel(world.models.connect(owner), store, modelId, manifest);
      await register(world, modelId);
      expect(await complete(), "the epoch goes on as it began").to.equal(before);
      await closeEpoch({ ...world, modelId, id: "" });
      const after = await complete();
      const second = model.releases.current;
      expect([first.number, second.number, second.manifest.adapter.hash]).to.deep.equal([
        1n,
        2n,
        manifest.adapter.hash,
      ]);
      expect(after)
        .to.equal(await alone(second))
        .and.not.equal(before);
      expect(await complete(manifest.adapter.hash)).to.equal(after);
      const gone = await complete(first.manifest.adapter.hash).catch((error) => error);
      expect([gone.status, gone.code]).to.deep.equal([404, "MODEL_UNKNOWN"]);
      const listed = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string; release: number }[] };
      expect(listed.data.find(({ id }) => id === String(modelId))!.release).to.equal(2);

      for (const epoch of [0, 1]) {
        const headers = { authorization: `Bearer ${TOKEN}` };
        const given = await fetch(`${url}/openledger/records?model=${modelId}&epoch=${epoch}`, { headers });
        const sketches = decodeAttributed(await given.text()).map(({ sketch }) => sketch[0]);
        expect(sketches).to.deep.equal([epoch + 1, epoch + 1]);
      }
    });
  });
});
