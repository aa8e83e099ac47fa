import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect } from "chai";
import { loadBase } from "../../trainer/base.ts";
import { downloadBase } from "../../trainer/hub.ts";
import { failure, temporaryFolder } from "./tiny.ts";

const ID = "someone/tiny-llama";
const COMMIT = "c0ffee".repeat(7).slice(0, 40);
const WEIGHTS = "model.safetensors";
const TINY = new URL("../../models/tiny-llama", import.meta.url).pathname;

/** A hub on loopback with one model, by the hub's own routes. */
class Hub {
  readonly files = new Map(readdirSync(TINY).map((name) => [name, readFileSync(path.join(TINY, name))]));
  /** Files and ranges that were asked for. */
  asked: string[] = [];
  /** Breaks the connection after so many bytes of the weights, once. */
  breakAfter: number | undefined;
  readonly #hashes = new Map([...this.files].map(([name, bytes]) => [name, this.#list(name, bytes)]));
  readonly #server: Server = createServer((request, reply) => this.#answer(request, reply));

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #list(name: string, bytes: Buffer) {
    const git = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const lfs = { oid: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, pointerSize: 130 };
    const entry = { type: "file", path: name, size: bytes.length, oid: git };
    return name === WEIGHTS ? { ...entry, oid: "0".repeat(40), lfs } : entry;
  }

  #answer({ url, headers }: IncomingMessage, reply: ServerResponse): void {
    const json = (value: unknown) => reply.end(JSON.stringify(value));
    if (url!.startsWith(`/api/models/${ID}/revision/`))
      json({ _id: "1", id: ID, sha: COMMIT, lastModified: new Date().toISOString() });
    else if (url!.startsWith(`/api/models/${ID}/tree/${COMMIT}`))
      json([...this.files.keys()].map((name) => this.#hashes.get(name)));
    else if (url!.startsWith(`/${ID}/resolve/${COMMIT}/`)) this.#send(path.basename(url!), headers.range, reply);
    else reply.writeHead(404).end();
  }

  #send(name: string, range: string | undefined, reply: ServerResponse): void {
    const bytes = this.files.get(name)!;
    const [, first = "0", last = String(bytes.length - 1)] = /bytes=(\d+)-(\d+)/.exec(range ?? "") ?? [];
    const part = bytes.subarray(Number(first), Number(last) + 1);
    reply.writeHead(range ? 206 : 200, {
      etag: `"${name}"`,
      "content-length": part.length,
      ...(range ? { "content-range": `bytes ${first}-${last}/${bytes.length}` } : {}),
    });
    if (range !== "bytes=0-0") this.asked.push(`${name} from ${first}`); // 0-0 only asks for the size
    if (name !== WEIGHTS || this.breakAfter === undefined || part.length === 1) return void reply.end(part);
    reply.write(part.subarray(0, this.breakAfter), () => reply.destroy());
    this.breakAfter = undefined;
  }
}

describe("bases from the hub", () => {
  let hub: Hub;
  let cache: string;
  const before = process.env.HF_ENDPOINT;
  beforeEach(async () => {
    hub = new Hub();
    process.env.HF_ENDPOINT = await hub.listen();
    cache = temporaryFolder();
  });
  afterEach(() => {
    if (before === undefined) delete process.env.HF_ENDPOINT;
    else process.env.HF_ENDPOINT = before;
    hub.close();
    rmSync(cache, { recursive: true });
  });

  it("come with what a base needs and nothing else, once", async () => {
    const progress: [number, number][] = [];
    const folder = await downloadBase(ID, cache, { onProgress: (...numbers) => progress.push(numbers) });
    const wanted = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    expect(readdirSync(folder).sort()).to.deep.equal(wanted);
    expect(loadBase(folder)).to.include({ name: "tiny-llama", hash: loadBase(TINY).hash });
    const total = wanted.reduce((sum, name) => sum + hub.files.get(name)!.length, 0);
    expect(progress.at(-1)).to.deep.equal([total, total]);
    hub.asked = [];
    expect(await downloadBase(ID, cache)).to.equal(folder);
    expect(hub.asked).to.deep.equal([]);
  });

  it("go on where a broken download ended", async () => {
    hub.breakAfter = 1_000_000;
    expect((await failure(() => downloadBase(ID, cache))).code).to.equal("HUB_UNREACHABLE");
    hub.asked = [];
    const folder = await downloadBase(ID, cache);
    const [from] = hub.asked
      .filter((asked) => asked.startsWith(WEIGHTS))
      .map((asked) => Number(asked.split(" ").at(-1)));
    expect(from).to.be.within(1, 1_000_000);
    expect(loadBase(folder).hash).to.equal(loadBase(TINY).hash);
  });

  for (const name of [WEIGHTS, "tokenizer.json"])
    it(`are refused when ${name} is not what the hub lists, and can be tried again`, async () => {
      const right = hub.files.get(name)!;
      const wrong = Buffer.from(right);
      wrong[1000]! ^= 1;
      hub.files.set(name, wrong);
      const { code, message } = await failure(() => downloadBase(ID, cache));
      expect([code, message.split(" ")[0]]).to.deep.equal(["HUB_HASH", name]);
      hub.files.set(name, right);
      expect(loadBase(await downloadBase(ID, cache)).hash).to.equal(loadBase(TINY).hash);
    });

  it("that the hub does not have, or that are no models, are named", async () => {
    const unknown = await failure(() => downloadBase("someone/else", cache));
    expect(unknown.code).to.equal("HUB_UNREACHABLE");
    expect(unknown.message).to.match(/answers 404 for someone\/else/);
    for (const id of ["tiny-llama", "../tiny", "a/..", "a/b/c"])
      expect((await failure(() => downloadBase(id, cache))).code, id).to.equal("HUB_ID");
    hub.files.delete(WEIGHTS);
    expect((await failure(() => downloadBase(ID, cache))).code).to.equal("HUB_MODEL");
  });
});
