import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ContentStore } from "../../sdk/content-store.ts";
import { int8Bytes } from "../../sdk/hash.ts";
import type { ModelManifest } from "../../sdk/models.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { sampleSketches } from "../support/samples.ts";
import { folder, idle, known, OWNER, refused, run, STRANGER, useTasks } from "../support/tasks.ts";
import { deployed, ethers, freeze, K, owner, stranger } from "../support/world.ts";

describe("Tasks of a fine-tuned model", function () {
  this.timeout(300_000);
  useTasks();

  const store = () => join(folder, "store");
  const counts = [9, 7];
  const sketches = sampleSketches(16, K);
  let manifest: ModelManifest;

  beforeEach(async () => {
    const world = await known(await deployed());
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
    const { vkId } = await run("verifier:register", { chunkRows: 210 });
    const { commitmentId } = await run("model:register", args);
    const shown = await run("model:show", { model: 1n });
    expect(shown).to.include({ commitmentId, vkId, gRoot: sketchRoot(sketches, K), currentEpoch: "0" });
    const block = await ethers.provider.getBlockNumber();
    expect(await run("model:register", args)).to.include({ commitmentId });
    expect(await ethers.provider.getBlockNumber()).to.equal(block);

    const retrained = { ...write({ name: "Retrained" }), model: 1n };
    expect(await refused("model:retrain", { ...retrained, account: STRANGER })).to.match(/ModelNotOwner/);
    expect(await run("model:retrain", retrained)).to.include({ release: "2" });
    expect(await idle("model:retrain", retrained)).to.include({ release: "2" });
    const again = await run("model:register", args);
    expect(again.message).to.contain("Registered the retrained adapter");
    expect(again.commitmentId).to.not.equal(commitmentId);
    expect((await run("model:register", args)).message).to.contain("registered before");

    const byId = { ...write(), manifest: minted.manifestCid };
    expect(await idle("model:mint", byId)).to.include({ modelId: "1", manifestCid: minted.manifestCid });
    expect(await run("model:mint", { ...byId, account: STRANGER })).to.include({ modelId: "2" });
  });

  it("is refused while anything is missing or does not fit, naming it", async () => {
    const none = { ...manifest.sketches, basis: "bafynone" };
    const wrong: [string, object, Record<string, unknown>, RegExp][] = [
      ["model:mint", {}, { manifest: "bafynone" }, /CONTENT_MISSING/],
      ["model:mint", { name: "" }, {}, /manifest: name must be a text.*MANIFEST_INVALID/],
      ["model:mint", { versions: [] }, {}, /manifest: versions must be/],
      ["model:mint", { sketches: none }, {}, /bafynone.*CONTENT_MISSING/],
      ["model:mint", { adapter: { ...manifest.adapter, hash: ethers.id("x") } }, {}, /adapter.hash.*MODEL_ADAPTER/],
      ["model:mint", {}, { parents: "1" }, /parents: .*PARENTS_INVALID/],
      ["model:mint", {}, { parents: "1:500" }, /ModelUnknown\(1\)/],
      ["model:mint", {}, { split: "1,2,3" }, /split: .*SPLIT_INVALID/],
      ["model:mint", {}, { split: "1,2,3,4,5" }, /split: .*ModelSplitSum/],
      ["verifier:register", {}, { chunkRows: 3 }, /chunkRows: .*CHUNK_UNKNOWN/],
      ["model:register", {}, { model: 1n }, /MODEL_UNKNOWN/],
    ];
    for (const [id, changes, args, message] of wrong)
      expect(await refused(id, { ...(id === "model:mint" ? write(changes) : {}), ...args }), id).to.match(message);
    await run("model:mint", write());
    const register = { model: 1n, account: OWNER, store: store() };
    expect(await refused("model:register", register), "only an unknown key is registered").to.match(/KEY_UNKNOWN/);
    await run("verifier:register", { chunkRows: 210 });
    await idle("verifier:register", { chunkRows: 210 });
    const elsewhere = { ...register, instance: "r20790" };
    expect(await refused("model:register", elsewhere)).to.match(/instance: .*only of r210.*INSTANCE_UNFIT/);
    expect(await refused("model:register", { ...register, account: STRANGER })).to.match(/account: .*NotModelOwner/);
  });

  it("is derived from others, which have their part, and changes its prices and royalties", async () => {
    await run("model:mint", write());
    const least = { model: 1n, minRoyalty: 1000, saleRoyalty: 250, inputPrice: 7n, account: OWNER };
    expect(await refused("model:terms", { ...least, account: STRANGER })).to.match(/account: .*ModelNotOwner/);
    const plan = await idle("model:terms", { ...least, dryRun: true });
    expect(plan.transactions.map((one: { function: string }) => one.function.split("(")[0])).to.deep.equal([
      ...["setPrices", "setMinRoyalty", "setSaleRoyalty"],
    ]);
    const changed = { inputPrice: "7", outputPrice: "400000", minRoyaltyBps: "1000", saleRoyaltyBps: "250" };
    expect(await run("model:terms", least)).to.include({ ...changed, saleReceiver: owner.address });
    expect(await idle("model:terms", { model: 1n })).to.include({ ...changed, saleReceiver: owner.address });
    await idle("model:terms", least);

    const derived = { ...write({ name: "Child" }), account: STRANGER };
    expect(await refused("model:mint", { ...derived, parents: "1:999" })).to.match(/ModelRoyaltyTooSmall/);
    expect((await run("model:mint", { ...derived, parents: "1:1500" })).modelId).to.equal("2");
    const grandchild = { ...write({ name: "Grandchild" }), account: STRANGER, parents: "2:2000" };
    await run("model:mint", grandchild);
    const lineage = await run("model:lineage", { model: 3n });
    expect(lineage).to.deep.include({ generations: "2", owner: stranger.address, ownerKeeps: "80 %" });
    expect(lineage.parents).to.deep.equal([{ modelId: "2", holder: stranger.address, royaltyBps: "2000" }]);
    expect(lineage.ancestors).to.have.deep.members([
      { modelId: "1", holder: owner.address, ofTheOwnersShare: "3 %" },
      { modelId: "2", holder: stranger.address, ofTheOwnersShare: "17 %" },
    ]);
  });

  it("is proven under a key whose every constant is held against a file", async () => {
    expect(await refused("verifier:check", { chunkRows: 210 })).to.match(/zkey: .*KEY_DIFFERS/);
    const { vkId } = await run("verifier:register", { chunkRows: 210 });
    const { checks, message } = await run("verifier:check", { chunkRows: 210, vk: vkId });
    expect(checks).to.have.length(2 + 3 * 4 + 6 * 2 + 1);
    expect(message).to.match(/All 27 constants/);
    const other = await refused("verifier:check", { chunkRows: 1260, vk: vkId });
    expect(other).to.match(/zkey: .*ic\[.*chunkRows.*KEY_DIFFERS/);
    const zkey = join(folder, "none.zkey");
    expect(await refused("verifier:check", { chunkRows: 210, zkey })).to.match(/none\.zkey/);
  });
});
