import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { canonicalJson, contentId } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";

const rejects = async (work: Promise<unknown>, message: RegExp) => {
  const error = await work.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error?.message).to.match(message);
};

describe("content", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "openledger-content-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has the id that IPFS gives it", async () => {
    expect(await contentId(new TextEncoder().encode("hello world"))).to.equal(
      "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    );
  });

  it("comes back as it was stored, over several chunks too, and leaves nothing else behind", async () => {
    const store = new ContentStore(folder);
    const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 31) % 251);
    const id = await store.put(bytes);
    expect(await store.get(id)).to.deep.equal(bytes);
    expect(await readdir(folder)).to.deep.equal([id]);
  });

  it("is refused when the file is missing or is not what its id says", async () => {
    const store = new ContentStore(folder);
    const id = await store.put(new Uint8Array([1, 2, 3]));
    await writeFile(join(folder, id), new Uint8Array([1, 2, 4]));
    await rejects(store.get(id), /is not that content.*CONTENT_CORRUPT/);
    await rejects(store.get("bafkreimissing"), /No content bafkreimissing.*CONTENT_MISSING/);
  });

  it("of a manifest does not depend on the order of its keys", () => {
    expect(canonicalJson({ b: 1, a: { d: [2, { z: 1, y: 2 }], c: "x" } })).to.deep.equal(
      canonicalJson({ a: { c: "x", d: [2, { y: 2, z: 1 }] }, b: 1 }),
    );
  });
});
