import { expect } from "chai";
import {
  contributors,
  deployed,
  ethers,
  freeze,
  MANIFEST,
  mint,
  networkHelpers,
  owner,
  pay,
  type Ready,
  random,
  ready,
  register,
  reviewer,
  type Signer,
  SPLIT,
  server,
  stranger,
  voucher,
  type World,
} from "../support/world.ts";

const [alice, bob, carol] = [contributors[3]!, contributors[4]!, contributors[5]!];
const BILLION = 1_000_000_000n;

type Edge = { modelId: bigint; royaltyBps: bigint };

/** Models on one Datanet version; `child` mints one made from others. */
async function family(world: World) {
  const datanetId = await freeze(world, [1, 2]);
  const terms = { token: world.token.target as string, inputPrice: 10n, outputPrice: 20n, split: SPLIT };
  const { models } = world;
  const child = async (holder: Signer, parents: Edge[], refs = [{ datanetId, version: 1n }]): Promise<bigint> => {
    const args = [MANIFEST, refs, terms] as const;
    const from = models.connect(holder);
    if (parents.length === 0) {
      const id = await from.mint.staticCall(...args);
      await from.mint(...args);
      return id;
    }
    const id = await from.mintDerived.staticCall(...args, parents);
    await from.mintDerived(...args, parents);
    return id;
  };
  const ancestors = async (id: bigint) =>
    (await models.lineage(id)).ancestors.map(({ modelId, parts }) => [modelId, parts]);
  return { ...world, datanetId, child, ancestors };
}

const fresh = async () => family(await networkHelpers.loadFixture(deployed));
const edge = (modelId: bigint, royaltyBps: bigint): Edge => ({ modelId, royaltyBps });

describe("Lineage of models", () => {
  it("shares an edge's royalty between the parent and its own ancestors", async () => {
    const { models, child, ancestors } = await fresh();
    const a = await child(alice, []);
    const b = await child(bob, [edge(a, 2000n)]);
    const c = await child(carol, [edge(b, 1000n)]);
    expect(await ancestors(a)).to.deep.equal([]);
    expect(await ancestors(b)).to.deep.equal([[a, 200_000_000n]]);
    expect(await ancestors(c)).to.deep.equal([
      [a, 20_000_000n],
      [b, 80_000_000n],
    ]);
    const { parents, depth } = await models.lineage(c);
    expect([parents, depth]).to.deep.equal([[[b, 1000n]], 2n]);
    await models.connect(bob).transferFrom(bob, stranger, b);
    expect(await models.payees(c)).to.deep.equal([
      carol.address,
      [alice.address, stranger.address],
      [20_000_000n, 80_000_000n],
    ]);
  });

  it("adds up what reaches an ancestor on several paths", async () => {
    const { models, child, ancestors, token, datanetId } = await fresh();
    const a = await child(alice, []);
    const b = await child(bob, [edge(a, 5000n)]);
    const c = await child(bob, [edge(a, 1000n)]);
    const sent = models
      .connect(carol)
      .mintDerived(
        MANIFEST,
        [{ datanetId, version: 1n }],
        { token: token.target as string, inputPrice: 1n, outputPrice: 1n, split: SPLIT },
        [edge(b, 2000n), edge(a, 100n), edge(c, 1000n)],
      );
    const expected = [
      [a, 120_000_000n],
      [b, 100_000_000n],
      [c, 90_000_000n],
    ];
    await expect(sent)
      .to.emit(models, "ModelDerived")
      .withArgs(
        4n,
        [
          [b, 2000n],
          [a, 100n],
          [c, 1000n],
        ],
        expected,
      );
    expect(await ancestors(4n)).to.deep.equal(expected);
  });

  it("never shares out more than the edges give, on random graphs", async () => {
    const { models, child } = await fresh();
    const { below } = random(5);
    const sums = new Map<bigint, bigint>();
    const ids: bigint[] = [await child(alice, [])];
    for (let i = 0; i < 40; i++) {
      const candidates = [...ids].sort(() => below(3) - 1).slice(0, 1 + below(3));
      const parents = candidates.map((id) => edge(id, BigInt(below(1600))));
      const id = await child(alice, parents).catch((error: Error) => {
        expect(error.message).to.match(/ModelTooManyAncestors|ModelTooDeep/);
        return undefined;
      });
      if (id === undefined) continue;
      ids.push(id);
      const { ancestors } = await models.lineage(id);
      const sum = ancestors.reduce((total, { parts }) => total + parts, 0n);
      expect(sum).to.equal((parents.reduce((total, { royaltyBps }) => total + royaltyBps, 0n) * BILLION) / 10_000n);
      sums.set(id, sum);
    }
    expect(sums.size).to.be.greaterThan(20);
  });

  it("refuses edges to nothing, to one model twice, below what its holder asks, and above the bound", async () => {
    const { models, token, child } = await fresh();
    const a = await child(alice, []);
    const b = await child(alice, []);
    await expect(models.connect(bob).setMinRoyalty(a, 1n))
      .to.be.revertedWithCustomError(models, "ModelNotOwner")
      .withArgs(a, bob);
    await expect(models.connect(alice).setMinRoyalty(a, 5001n))
      .to.be.revertedWithCustomError(models, "ModelRoyaltyTooLarge")
      .withArgs(5001n, 5000n);
    await expect(models.connect(alice).setMinRoyalty(a, 300n)).to.emit(models, "MinRoyaltyChanged").withArgs(a, 300n);
    expect(await models.minRoyalty(a)).to.equal(300n);
    for (const [error, parents] of [
      ["ModelUnknown", [edge(9n, 1n)]],
      ["ModelUnknown", [edge(3n, 1n)]], // itself
      ["ModelParentRepeated", [edge(b, 1n), edge(b, 2n)]],
      ["ModelRoyaltyTooSmall", [edge(a, 299n)]],
      ["ModelRoyaltyTooLarge", [edge(a, 2500n), edge(b, 2501n)]],
    ] as const)
      await expect(child(bob, [...parents])).to.be.revertedWithCustomError(models, error);
    await expect(
      models.mintDerived(
        MANIFEST,
        [{ datanetId: 1n, version: 1n }],
        { token: token.target as string, inputPrice: 1n, outputPrice: 1n, split: SPLIT },
        [],
      ),
    )
      .to.be.revertedWithCustomError(models, "ModelInvalidField")
      .withArgs("parents");
    await child(bob, [edge(a, 300n)]);
  });

  it("is at most 8 generations deep, with at most 16 ancestors", async () => {
    const { models, child } = await fresh();
    let last = await child(alice, []);
    const roots = [];
    for (let i = 0; i < 17; i++) roots.push(await child(alice, []));
    for (let depth = 1; depth <= 8; depth++) last = await child(alice, [edge(last, 5000n)]);
    expect((await models.lineage(last)).depth).to.equal(8n);
    await expect(child(alice, [edge(last, 1n)]))
      .to.be.revertedWithCustomError(models, "ModelTooDeep")
      .withArgs(9n, 8n);
    await child(
      alice,
      roots.slice(1).map((id) => edge(id, 1n)),
    );
    await expect(
      child(
        alice,
        roots.map((id) => edge(id, 1n)),
      ),
    )
      .to.be.revertedWithCustomError(models, "ModelTooManyAncestors")
      .withArgs(17n, 16n);
  });

  it("hands a share-alike licence on to children", async () => {
    const { datanets, child } = await fresh();
    const settings = {
      name: "n",
      licence: "",
      metadataCid: "",
      policy: 2,
      aiTraining: true,
      shareAlike: true,
      bond: { token: ethers.ZeroAddress, amount: 0n, beneficiary: ethers.ZeroAddress, slashable: 0n },
    };
    for (const [i, licence] of ["GPL-3.0", "CC-BY-SA-4.0"].entries()) {
      await datanets.connect(owner).createWith({ ...settings, licence }, []);
      await datanets.connect(reviewer).contribute(BigInt(i + 2), "bafy", 1, ethers.id("rows"));
      await datanets.connect(owner).freeze(BigInt(i + 2));
    }
    const bound = await child(alice, [], [{ datanetId: 2n, version: 1n }]);
    const grandchild = await child(bob, [edge(await child(bob, [edge(bound, 1n)]), 1n)]);
    await expect(child(carol, [edge(grandchild, 1n)], [{ datanetId: 3n, version: 1n }]))
      .to.be.revertedWithCustomError(datanets, "DatanetLicencesClash")
      .withArgs(3n, 2n);
    await child(carol, [edge(grandchild, 1n)], [{ datanetId: 2n, version: 1n }]);
  });

  it("pays the ancestors' holders at redeem, to the wei", async () => {
    const world: World = await networkHelpers.loadFixture(ready);
    const { child, ...all } = await family(world);
    const a = await child(alice, []);
    const b = await child(bob, [edge(a, 2000n)]);
    const modelId = await child(owner, [edge(b, 1000n)]);
    const id = await register(all, modelId, [1, 2]);
    await all.splitter.openEpoch(modelId);
    const one: Ready = { ...all, modelId, id };
    const { splitter, models, token } = all;
    await pay(one, 100_003n); // the owner's share is 15,000
    expect(await splitter.balance(token, alice)).to.equal(300n);
    expect(await splitter.balance(token, bob)).to.equal(1200n);
    expect(await splitter.balance(token, owner)).to.equal(13_500n);
    await models.connect(alice).transferFrom(alice, stranger, a);
    await pay(one, 100_003n + 100_000n);
    expect(await splitter.balance(token, stranger)).to.equal(300n);
    const { held, fees } = await splitter.epoch(modelId, 0n);
    expect(fees - held).to.equal(2n * (15_000n + 20_000n + 5000n));
    const sent = await voucher(one, { cumulative: 201_003n });
    await expect(all.escrow.connect(server).redeem(...sent))
      .to.emit(splitter, "RoyaltyCredited")
      .withArgs(modelId, 0n, bob, 12n);
    const before = await splitter.balance(token, owner);
    await pay(one, 201_043n); // of an owner's share of 6 the royalties are below 1
    expect(await splitter.balance(token, owner)).to.equal(before + 6n);
  });
});

describe("ERC-2981", () => {
  it("asks nothing of a sale until the creator says so, and then within the bound", async () => {
    const { models, token, datanetId, ...world } = await fresh();
    const id = await mint({ models, ...world }, datanetId, token);
    expect(await models.royaltyInfo(id, 10_000n)).to.deep.equal([ethers.ZeroAddress, 0n]);
    expect(await models.creator(id)).to.equal(owner.address);
    const from = models.connect(owner);
    await expect(from.setSaleRoyalty(id, alice, 1001n))
      .to.be.revertedWithCustomError(models, "ModelRoyaltyTooLarge")
      .withArgs(1001n, 1000n);
    await expect(from.setSaleRoyalty(id, alice, 250n))
      .to.emit(models, "SaleRoyaltyChanged")
      .withArgs(id, alice, 250n);
    expect(await models.royaltyInfo(id, 10_000n)).to.deep.equal([alice.address, 250n]);
    expect(await models.supportsInterface("0x2a55205a")).to.equal(true);
    expect(await models.supportsInterface("0x80ac58cd")).to.equal(true);
    expect(await models.supportsInterface("0xffffffff")).to.equal(false);
  });

  it("is not changed under a buyer, by him or by the creator", async () => {
    const { models, token, datanetId, ...world } = await fresh();
    const id = await mint({ models, ...world }, datanetId, token);
    await models.connect(owner).transferFrom(owner, bob, id);
    for (const account of [owner, bob])
      await expect(models.connect(account).setSaleRoyalty(id, alice, 1n))
        .to.be.revertedWithCustomError(models, "ModelNotCreator")
        .withArgs(id, account);
  });
});
