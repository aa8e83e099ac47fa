import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { fetchPowers } from "../../circuits/ceremony/download.ts";
import { PUBLISHED_POWERS, type PublishedPowers } from "../../circuits/ceremony/powers.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { outcome } from "../prover/samples.ts";

/** A .ptau file without a section, with enough bytes behind its name to be sent in pieces. */
function file(): Buffer {
  const content = randomBytes(300_000);
  const head = Buffer.from("ptau\x01\0\0\0\x01\0\0\0\x01\0\0\0", "latin1");
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(content.length));
  return Buffer.concat([head, size, content]);
}

describe("download of powers of tau", () => {
  const bytes = file();
  const hash = createHash("blake2b512").update(bytes).digest("hex");
  let folder: string;
  let server: Server;
  let published: PublishedPowers;
  let path: string;
  let requests: IncomingMessage[];
  /** What the server does with a request. */
  let behaviour: "ranges" | "no ranges" | "breaks off" | "missing";

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "openledger-powers-"));
    requests = [];
    behaviour = "ranges";
    server = createServer((request, response) => {
      requests.push(request);
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (behaviour === "missing") response.writeHead(404).end();
      else if (behaviour === "breaks off") {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
      } else if (start === 0 || behaviour === "no ranges") response.end(bytes);
      else if (start >= bytes.length) response.writeHead(416).end();
      else response.writeHead(206).end(bytes.subarray(start));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    published = { power: 13, name: "powers.ptau", url: `http://127.0.0.1:${port}/powers.ptau`, blake2b: hash };
    path = join(folder, published.name);
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  it("gets a file once", async () => {
    expect(await fetchPowers(published, folder)).to.deep.equal({ path, blake2b: hash });
    expect(await fetchPowers(published, folder)).to.deep.equal({ path, blake2b: hash });
    expect(requests.length).to.equal(1);
    expect(readdirSync(folder)).to.deep.equal(["powers.ptau"]);
  });

  it("goes on where it broke off, or starts again where the server knows no ranges", async () => {
    for (const next of ["ranges", "no ranges"] as const) {
      behaviour = "breaks off";
      expect(await outcome(fetchPowers(published, folder))).to.equal("POWERS_DOWNLOAD");
      expect(existsSync(path)).to.equal(false);
      behaviour = next;
      await fetchPowers(published, folder);
      expect(requests.at(-1)!.headers.range).to.match(/^bytes=[1-9]\d*-$/);
      rmSync(path);
    }
  });

  it("takes a download that was whole when it broke off", async () => {
    writeFileSync(`${path}.partial`, bytes);
    expect((await fetchPowers(published, folder)).blake2b).to.equal(hash);
  });

  it("leaves nothing of a file with another hash", async () => {
    const other = { ...published, blake2b: "00".repeat(64) };
    expect(await outcome(fetchPowers(other, folder))).to.equal("POWERS_HASH");
    expect(readdirSync(folder)).to.deep.equal([]);
    writeFileSync(`${path}.partial`, Buffer.alloc(1000, 1));
    expect(await outcome(fetchPowers(published, folder))).to.equal("POWERS_HASH");
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("refuses a file that lies there and was changed, and leaves it", async () => {
    writeFileSync(path, bytes.subarray(1));
    expect(await outcome(fetchPowers(published, folder))).to.equal("POWERS_HASH");
    expect(readdirSync(folder)).to.deep.equal(["powers.ptau"]);
  });

  it("says where it cannot be had", async () => {
    behaviour = "missing";
    expect(await outcome(fetchPowers(published, folder))).to.equal("POWERS_DOWNLOAD");
    server.close();
    server.closeAllConnections();
    expect(await outcome(fetchPowers(published, folder))).to.equal("POWERS_DOWNLOAD");
  });

  it("is published for every size of the circuit", () => {
    const powers = Object.values(INSTANCES).map(({ domainPower }) => domainPower);
    expect(PUBLISHED_POWERS.map(({ power }) => power)).to.have.members(powers);
    for (const { name, url, blake2b } of PUBLISHED_POWERS) {
      expect(url.endsWith(name)).to.equal(true);
      expect(blake2b).to.match(/^[0-9a-f]{128}$/);
    }
  });
});
