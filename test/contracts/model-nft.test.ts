import { expect } from "chai";
import {
  deployed,
  ethers,
  freeze,
  MANIFEST,
  networkHelpers,
  owner,
  SPLIT,
  stranger,
  type World,
} from "../support/world.ts";

describe("ModelNFT", () => {
  async function minting() {
    const world = await networkHelpers.loadFixture(deployed);
    const datanetId = await freeze(world, [1, 2]);
    return { ...world, versions: [{ datanetId, version: 1n }] };
  }
  const terms = ({ token }: World, split = SPLIT) => ({
    token: token.target as string,
    inputPrice: 10n,
    outputPrice: 20n,
    split,
  });

  it("mints to the caller and shows what was minted", async () => {
    const { models, versions, ...world } = await minting();
    const all = terms({ models, ...world });
    await expect(models.connect(owner).mint(MANIFEST, versions, all))
      .to.emit(models, "ModelMinted")
      .withArgs(1n, owner, Object.values(MANIFEST), [[1n, 1n]], [all.token, 10n, 20n, Object.values(SPLIT)]);
    expect(await models.ownerOf(1n)).to.equal(owner.address);
    expect(await models.manifest(1n)).to.deep.equal(Object.values(MANIFEST));
    expect(await models.versions(1n)).to.deep.equal([[1n, 1n]]);
    expect(await models.terms(1n)).to.deep.equal([all.token, 10n, 20n, Object.values(SPLIT)]);
    expect(await models.tokenURI(1n)).to.equal(`ipfs://${MANIFEST.manifestCid}`);
    expect([await models.name(), await models.symbol()]).to.deep.equal(["OpenLedger Model", "OLM"]);
  });

  it("refuses empty manifest fields, no versions, and tokens it cannot price in", async () => {
    const { models, versions, ...world } = await minting();
    const all = terms({ models, ...world });
    const fine = await ethers.deployContract("TestToken", ["Fine", "F", 18]);
    const coarse = await ethers.deployContract("TestToken", ["Coarse", "C", 19]);
    await models.mint(MANIFEST, versions, { ...all, token: fine.target });
    for (const [field, manifest, refs, token] of [
      ["manifestHash", { ...MANIFEST, manifestHash: ethers.ZeroHash }, versions, all.token],
      ["manifestCid", { ...MANIFEST, manifestCid: "" }, versions, all.token],
      ["baseHash", { ...MANIFEST, baseHash: ethers.ZeroHash }, versions, all.token],
      ["adapterHash", { ...MANIFEST, adapterHash: ethers.ZeroHash }, versions, all.token],
      ["methodVersion", { ...MANIFEST, methodVersion: 0n }, versions, all.token],
      ["versions", MANIFEST, [], all.token],
      ["token", MANIFEST, versions, stranger.address],
      ["token", MANIFEST, versions, coarse.target],
    ] as const)
      await expect(models.mint(manifest, [...refs], { ...all, token }))
        .to.be.revertedWithCustomError(models, "ModelInvalidField")
        .withArgs(field);
  });

  it("refuses versions that are not frozen", async () => {
    const { models, datanets, ...world } = await minting();
    await expect(models.mint(MANIFEST, [{ datanetId: 1n, version: 2n }], terms({ models, datanets, ...world })))
      .to.be.revertedWithCustomError(datanets, "DatanetVersionUnknown")
      .withArgs(1n, 2n);
  });

  it("refuses splits that do not add up, and a data share above κ0", async () => {
    const { models, versions, ...world } = await minting();
    const attempt = (split: typeof SPLIT) => models.mint(MANIFEST, versions, terms({ models, ...world }, split));
    await expect(attempt({ ...SPLIT, owner: 1499n }))
      .to.be.revertedWithCustomError(models, "ModelSplitSum")
      .withArgs(9999n);
    await expect(attempt({ data: 5001n, owner: 4999n, server: 0n, operator: 0n, protocol: 0n }))
      .to.be.revertedWithCustomError(models, "ModelDataShareTooLarge")
      .withArgs(5001n, 5000n);
    await expect(attempt({ data: 0n, owner: 65535n, server: 65535n, operator: 65535n, protocol: 65535n }))
      .to.be.revertedWithCustomError(models, "ModelSplitSum")
      .withArgs(4n * 65535n);
  });

  it("lets the token's holder change prices, and nothing else change", async () => {
    const { models, versions, ...world } = await minting();
    const all = terms({ models, ...world });
    await models.connect(owner).mint(MANIFEST, versions, all);
    await models.connect(owner).transferFrom(owner, stranger, 1n);
    await expect(models.connect(owner).setPrices(1n, 1n, 2n))
      .to.be.revertedWithCustomError(models, "ModelNotOwner")
      .withArgs(1n, owner);
    await expect(models.connect(stranger).setPrices(1n, 1n, 2n))
      .to.emit(models, "PricesChanged")
      .withArgs(1n, 1n, 2n);
    expect(await models.terms(1n)).to.deep.equal([all.token, 1n, 2n, Object.values(SPLIT)]);
  });

  it("knows no model that was not minted", async () => {
    const { models } = await minting();
    for (const call of [
      () => models.manifest(1n),
      () => models.versions(1n),
      () => models.terms(1n),
      () => models.tokenURI(1n),
      () => models.setPrices(1n, 1n, 1n),
    ])
      await expect(call()).to.be.revertedWithCustomError(models, "ModelUnknown").withArgs(1n);
  });
});
