import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { canonicalJson, manifestHash } from "../../sdk/content.ts";
import { ContentStore } from "../../sdk/content-store.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import type { ModelManifest } from "../../sdk/models.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { sampleSketches } from "../support/samples.ts";
import { folder, known, OWNER, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { deployed, ethers, freeze, K, owner } from "../support/world.ts";

describe("Tasks of a fine-tuned model", function () {
  this.timeout(60_000);
  useTasks();

  const store = () => join(folder, "store");
  const counts = [9, 7];
  const sketches = sampleSketches(16, K);
  let manifest: ModelManifest;
  let world: Awaited<ReturnType<typeof deployed>>;

  beforeEach(async () => {
    world = await known(await deployed());
    const datanetId = String(await freeze(world, counts));
    const content = new ContentStore(store());
    const put = (text: string) => content.put(Buffer.from(text));
    manifest = {
      name: "Sample",
      methodVersion: 1,
      base: { name: "base", hash: ethers.id("base") },
      adapter: { hash: ethers.id("weights"), config: await put("config"), weights: await put("weights") },
      sketches: {
        rows: await content.put(int8Bytes(sketches)),
        basis: await put("basis"),
        description: await put(JSON.stringify({ k: K, m0: 1000, count: 16 })),
      },
      versions: [{ datanetId, version: "1" }],
      training: {},
    };
  });
  const write = (changes: object = {}) => {
    const path = join(folder, "manifest.json");
    writeFileSync(path, JSON.stringify({ ...manifest, ...changes }));
    return { manifest: path, account: OWNER, store: store() };
  };

  it("is minted from its manifest, registered under a key, and takes fees; what is done is not done again", async () => {
    const minted = await run("model:mint", write());
    expect(minted).to.deep.include({ modelId: "1", owner: owner.address, name: "Sample", inputPrice: "100000" });
    const args = { model: 1n, account: OWNER, store: store() };
    const { vkId } = await run("key:register", { chunkRows: 210 });
    const { commitmentId } = await run("model:register", args);
    const shown = await run("model:show", { model: 1n });
    expect(shown).to.include({ commitmentId, vkId, gRoot: sketchRoot(sketches, K), currentEpoch: "0" });
    const block = await ethers.provider.getBlockNumber();
    expect(await run("model:register", args)).to.include({ commitmentId });
    expect(await ethers.provider.getBlockNumber()).to.equal(block);

    const { baseHash, adapterHash, methodVersion } = await world.models.manifest(1n);
    const manifestBytes = canonicalJson({ ...manifest, name: "Retrained" });
    const retrained = {
      ...{ baseHash, adapterHash, methodVersion },
      manifestHash: manifestHash(manifestBytes),
      manifestCid: await new ContentStore(store()).put(manifestBytes),
    };
    await world.models.connect(owner).retrain(1n, retrained, manifest.versions);
    const again = await run("model:register", args);
    expect(again.message).to.contain("Registered the retrained adapter");
    expect(again.commitmentId).to.not.equal(commitmentId);
    expect((await run("model:register", args)).message).to.contain("registered before");

    const byId = await run("model:mint", { ...write(), manifest: minted.manifestCid });
    expect(byId).to.include({ modelId: "2", manifestCid: minted.manifestCid });
  });

  it("is refused while anything is missing or does not fit, naming it", async () => {
    const none = { ...manifest.sketches, basis: "bafynone" };
    const wrong: [string, object, Record<string, unknown>, RegExp][] = [
      ["model:mint", {}, { manifest: "bafynone" }, /CONTENT_MISSING/],
      ["model:mint", { name: "" }, {}, /manifest: name must be a text.*MANIFEST_INVALID/],
      ["model:mint", { versions: [] }, {}, /manifest: versions must be/],
      ["model:mint", { sketches: none }, {}, /bafynone.*CONTENT_MISSING/],
      ["model:mint", { adapter: { ...manifest.adapter, hash: ethers.id("x") } }, {}, /adapter.hash.*MODEL_ADAPTER/],
      ["model:mint", {}, { split: "1,2,3" }, /split: .*SPLIT_INVALID/],
      ["model:mint", {}, { split: "1,2,3,4,5" }, /split: .*ModelSplitSum/],
      ["key:register", {}, { chunkRows: 3 }, /chunkRows: .*CHUNK_UNKNOWN/],
      ["model:register", {}, { model: 1n }, /MODEL_UNKNOWN/],
    ];
    for (const [id, changes, args, message] of wrong)
      expect(await refused(id, { ...(id === "model:mint" ? write(changes) : {}), ...args }), id).to.match(message);
    await run("model:mint", write());
    const register = { model: 1n, account: OWNER, store: store() };
    expect(await refused("model:register", register), "only an unknown key is registered").to.match(/KEY_UNKNOWN/);
    await run("key:register", { chunkRows: 210 });
    expect(await refused("key:register", { chunkRows: 210 })).to.match(/chunkRows: .*VerifierKeyExists/);
    expect(await refused("model:register", { ...register, account: STRANGER })).to.match(/account: .*NotModelOwner/);
  });
});
