import { expect } from "chai";
import { keccak, tag, words } from "../../sdk/hash.ts";
import { contributors, deployed, ethers, networkHelpers, owner, reviewer, stranger } from "../support/world.ts";

const [alice, bob] = [contributors[0]!, contributors[1]!];
const ROOT = ethers.id("rows");

describe("DatanetRegistry", () => {
  async function datanet() {
    const { datanets } = await networkHelpers.loadFixture(deployed);
    await datanets.connect(owner).create(reviewer, "Solidity", "MIT", "bafymeta");
    return datanets;
  }

  it("creates Datanets with ids from 1", async () => {
    const datanets = await datanet();
    await datanets.connect(alice).create(bob, "Rust", "Apache-2.0", "");
    expect(await datanets.datanet(1n)).to.deep.equal([
      owner.address,
      0n,
      ["Solidity", "MIT", "bafymeta", 0n, true, false, [ethers.ZeroAddress, 0n, ethers.ZeroAddress, 0n]],
    ]);
    expect((await datanets.datanet(2n)).owner).to.equal(alice.address);
    expect(await datanets.reviewers(2n)).to.deep.equal([bob.address]);
    for (const look of [
      () => datanets.datanet(3n),
      () => datanets.reviewers(3n),
      () => datanets.isReviewer(3n, bob),
      () => datanets.mayContribute(3n, bob),
    ])
      await expect(look()).to.be.revertedWithCustomError(datanets, "DatanetUnknown").withArgs(3n);
  });

  it("refuses a Datanet with an empty field", async () => {
    const datanets = await datanet();
    for (const [field, args] of [
      ["reviewer", [ethers.ZeroAddress, "n", "MIT", ""]],
      ["name", [bob.address, "", "MIT", ""]],
      ["licence", [bob.address, "n", "", ""]],
    ] as const)
      await expect(datanets.create(...(args as [string, string, string, string])))
        .to.be.revertedWithCustomError(datanets, "DatanetInvalidField")
        .withArgs(field);
  });

  it("takes contributions from anyone and credits the sender", async () => {
    const datanets = await datanet();
    await expect(datanets.connect(alice).contribute(1n, "bafyrows", 7, ROOT))
      .to.emit(datanets, "ContributionSubmitted")
      .withArgs(1n, 1n, alice, 7n, ROOT, "bafyrows");
    expect(await datanets.contribution(1n)).to.deep.equal([alice.address, 7n, 1n, 1n, ROOT, "bafyrows"]);
    await expect(datanets.contribution(2n))
      .to.be.revertedWithCustomError(datanets, "DatanetContributionUnknown")
      .withArgs(2n);
    await expect(datanets.contribute(2n, "bafyrows", 7, ROOT))
      .to.be.revertedWithCustomError(datanets, "DatanetUnknown")
      .withArgs(2n);
  });

  it("refuses a contribution with an empty field", async () => {
    const datanets = await datanet();
    for (const [field, args] of [
      ["cid", [1n, "", 1, ROOT]],
      ["rows", [1n, "bafy", 0, ROOT]],
      ["rowRoot", [1n, "bafy", 1, ethers.ZeroHash]],
    ] as const)
      await expect(datanets.contribute(...(args as [bigint, string, number, string])))
        .to.be.revertedWithCustomError(datanets, "DatanetInvalidField")
        .withArgs(field);
  });

  it("lets only the reviewer decide, and once", async () => {
    const datanets = await datanet();
    for (const account of [alice, bob]) await datanets.connect(account).contribute(1n, "bafy", 1, ROOT);
    await expect(datanets.connect(owner).review([1n], true, ""))
      .to.be.revertedWithCustomError(datanets, "DatanetNotReviewer")
      .withArgs(1n, owner);
    await expect(datanets.connect(reviewer).review([9n], true, ""))
      .to.be.revertedWithCustomError(datanets, "DatanetContributionUnknown")
      .withArgs(9n);
    await expect(datanets.connect(reviewer).review([1n, 1n], true, ""))
      .to.be.revertedWithCustomError(datanets, "DatanetAlreadyReviewed")
      .withArgs(1n);
    await expect(datanets.connect(reviewer).review([1n, 2n], false, "junk"))
      .to.emit(datanets, "ContributionReviewed")
      .withArgs(2n, reviewer, 3n, 0n, "junk");
    await expect(datanets.connect(reviewer).review([1n], true, ""))
      .to.be.revertedWithCustomError(datanets, "DatanetAlreadyReviewed")
      .withArgs(1n);
  });

  it("freezes the accepted contributions in order of their ids, under the hash of docs/protocol.md", async () => {
    const datanets = await datanet();
    const accounts = [alice, bob, alice, bob];
    for (const [i, account] of accounts.entries())
      await datanets.connect(account).contribute(1n, `bafy${i}`, i + 1, ethers.id(`${i}`));
    await datanets.connect(reviewer).review([4n], true, "");
    await datanets.connect(reviewer).review([3n], false, "");
    await datanets.connect(reviewer).review([2n, 1n], true, "");

    const hash = keccak(
      ["bytes32", "uint256", "address", "uint256", "uint256", "bytes32"],
      [
        tag("Version"),
        31337n,
        datanets.target,
        1n,
        1n,
        words([1n, 2n, 4n].flatMap((id) => [id, accounts[Number(id) - 1]!.address, id, ethers.id(`${id - 1n}`)])),
      ],
    );
    await expect(datanets.connect(owner).freeze(1n))
      .to.emit(datanets, "VersionFrozen")
      .withArgs(1n, 1n, hash, [1n, 2n, 4n]);
    expect(await datanets.versionHash(1n, 1n)).to.equal(hash);
    expect(await datanets.versionContributions(1n, 1n)).to.deep.equal([
      [1n, 2n, 4n],
      [1n, 2n, 4n],
    ]);
  });

  it("keeps earlier versions when it freezes later ones", async () => {
    const datanets = await datanet();
    for (let i = 0; i < 3; i++) await datanets.connect(alice).contribute(1n, "bafy", 1, ROOT);
    await datanets.connect(reviewer).review([3n], true, "");
    await datanets.connect(owner).freeze(1n);
    const first = await datanets.versionHash(1n, 1n);
    await datanets.connect(reviewer).review([1n], true, "");
    await datanets.connect(owner).freeze(1n);
    expect((await datanets.versionContributions(1n, 1n))[0]).to.deep.equal([3n]);
    expect((await datanets.versionContributions(1n, 2n))[0]).to.deep.equal([1n, 3n]);
    expect(await datanets.versionHash(1n, 1n)).to.equal(first);
    expect((await datanets.datanet(1n)).versions).to.equal(2n);
  });

  it("refuses to freeze nothing new, and anyone but the owner", async () => {
    const datanets = await datanet();
    await expect(datanets.connect(owner).freeze(1n))
      .to.be.revertedWithCustomError(datanets, "DatanetNothingToFreeze")
      .withArgs(1n);
    await datanets.connect(alice).contribute(1n, "bafy", 1, ROOT);
    await datanets.connect(reviewer).review([1n], true, "");
    await expect(datanets.connect(stranger).freeze(1n))
      .to.be.revertedWithCustomError(datanets, "DatanetNotOwner")
      .withArgs(1n, stranger);
    await datanets.connect(owner).freeze(1n);
    await expect(datanets.connect(owner).freeze(1n))
      .to.be.revertedWithCustomError(datanets, "DatanetNothingToFreeze")
      .withArgs(1n);
    await expect(datanets.connect(owner).freeze(2n))
      .to.be.revertedWithCustomError(datanets, "DatanetUnknown")
      .withArgs(2n);
    for (const version of [0n, 2n]) {
      await expect(datanets.versionHash(1n, version))
        .to.be.revertedWithCustomError(datanets, "DatanetVersionUnknown")
        .withArgs(1n, version);
      await expect(datanets.versionContributions(1n, version))
        .to.be.revertedWithCustomError(datanets, "DatanetVersionUnknown")
        .withArgs(1n, version);
    }
  });
});
