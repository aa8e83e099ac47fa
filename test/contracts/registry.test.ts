import { expect } from "chai";
import { hexlify } from "ethers";
import { network } from "hardhat";
import { devSrs } from "../../circuits/setup/dev.ts";
import { combineColumns, commitColumns } from "../../prover/kzg.ts";
import { proveOwnership, proveSums } from "../../prover/registration.ts";
import type { G1 } from "../../sdk/hash.ts";
import { commitmentId, encodePoint, registrationChallenges } from "../../sdk/transcript.ts";
import {
  AT_ONCE,
  type Attribution,
  deployAttribution,
  mintModel,
  type Prepared,
  prepareRegistration,
  registerModel,
  registrationArgument,
} from "../support/attribution.ts";
import { sampleQuery, sampleSketches, ZERO_COLUMN } from "../support/samples.ts";

describe("AttributionRegistry", () => {
  let chain: Attribution;
  let prepared: Prepared;
  let argument: ReturnType<typeof registrationArgument>;

  before(async () => {
    chain = await deployAttribution(await network.create());
    // Contributions of two versions, the second of one contribution only.
    const modelId = await mintModel(chain, [[3, 40, 17], [60]]);
    prepared = await prepareRegistration(chain, modelId, 128, sampleSketches(120, 128));
    argument = registrationArgument(chain, prepared);
  });

  const register = (change: Partial<typeof argument> = {}) =>
    chain.registry.connect(chain.owner).register({ ...argument, ...change });

  it("refuses anyone but the model's owner, and models that do not exist", async () => {
    const { registry, splitter, models } = chain;
    await expect(registry.connect(splitter).register(argument))
      .to.be.revertedWithCustomError(registry, "RegistryNotModelOwner")
      .withArgs(argument.modelId, splitter.address);
    await expect(register({ modelId: 99n })).to.be.revertedWithCustomError(models, "ERC721NonexistentToken");
  });

  it("refuses other widths and column lengths", async () => {
    const { registry } = chain;
    await expect(register({ k: 64 }))
      .to.be.revertedWithCustomError(registry, "RegistryInvalidWidth")
      .withArgs(64);
    await expect(register({ columns: prepared.committed.columns.subarray(64) }))
      .to.be.revertedWithCustomError(registry, "RegistryColumnsLength")
      .withArgs(127 * 64, 128 * 64);
    await expect(register({ k: 256 }))
      .to.be.revertedWithCustomError(registry, "RegistryColumnsLength")
      .withArgs(128 * 64, 256 * 64);
  });

  it("#9 refuses points off the curve, and names the first in the way of its sum", async () => {
    const { registry } = chain;
    const off: G1 = [1n, 3n];
    for (const [change, at] of [
      [{ flags: off }, 128],
      [{ opening: off }, 129],
      [{ sums: { ...argument.sums, opening: off } }, 130],
    ] as const)
      await expect(register(change)).to.be.revertedWithCustomError(registry, "RegistryInvalidPoint").withArgs(at);
    for (const at of [0, 77, 127]) {
      const columns = Uint8Array.from(argument.columns);
      columns.set(encodePoint(off), 64 * at);
      await expect(register({ columns })).to.be.revertedWithCustomError(registry, "RegistryInvalidPoint").withArgs(at);
    }
  });

  it("refuses an opening of other flags", async () => {
    await expect(register({ opening: [1n, 2n] })).to.be.revertedWithCustomError(
      chain.registry,
      "RegistryOwnershipNotProven",
    );
    for (const change of [{ gRoot: chain.ethers.id("other") }, { m0: argument.m0 + 1n }])
      await expect(register(change)).to.be.revertedWithCustomError(chain.registry, "RegistryOwnershipNotProven");
  });

  it("20: refuses a sum that the columns do not open to, or that is not the last one under the sums' root", async () => {
    const { sums } = argument;
    const zero = new Array(sums.proof.length).fill(chain.ethers.ZeroHash);
    for (const change of [{ total: sums.total + 1n }, { opening: [1n, 2n] as G1 }, { proof: zero }, { root: zero[0] }])
      await expect(register({ sums: { ...sums, ...change } })).to.be.revertedWithCustomError(
        chain.registry,
        "RegistrySumsNotProven",
      );
  });

  it("20: refuses base weights that are not what the rows' lengths add up to, or not one a contributor", async () => {
    const { registry } = chain;
    const { sketches } = prepared.committed;
    const registers = async (baseWeights: number[]) =>
      registry
        .connect(chain.owner)
        .register(
          registrationArgument(
            chain,
            await prepareRegistration(chain, argument.modelId, 128, sketches, { baseWeights }),
          ),
        );
    const [first, second, ...rest] = argument.baseWeights;
    for (const other of [first! + 1, first! - 1])
      await expect(registers([other, second!, ...rest])).to.be.revertedWithCustomError(
        registry,
        "RegistrySumsNotProven",
      );
    for (const other of [[...argument.baseWeights, 0], [first! + second!, ...rest], []])
      await expect(register({ baseWeights: other }))
        .to.be.revertedWithCustomError(registry, "RegistryBaseWeightsLength")
        .withArgs(other.length, 4);
    // In the id: other base weights need other openings.
    await expect(register({ baseWeights: [first! + 1, second! - 1, ...rest] })).to.be.revertedWithCustomError(
      registry,
      "RegistryOwnershipNotProven",
    );
  });

  it("refuses base weights that are all zero, by which nobody could be paid", async () => {
    await expect(register({ baseWeights: [0, 0, 0, 0] })).to.be.revertedWithCustomError(
      chain.registry,
      "RegistryNoBaseWeight",
    );
  });

  it("20: refuses columns of other rows than those that are published", async () => {
    const { srs, registry, owner } = chain;
    const others = await commitColumns(sampleSketches(121, 128).subarray(128), 128, srs);
    const statement = { ...prepared.statement, columns: others };
    const id = commitmentId(statement);
    const challenges = registrationChallenges(id);
    const opening = await proveOwnership(statement.counts, statement.flags, challenges.zeta, srs);
    const sums = await proveSums(prepared.committed.sketches, 128, challenges, srs);
    await expect(
      registry.connect(owner).register({ ...argument, columns: others, opening, sums }),
    ).to.be.revertedWithCustomError(registry, "RegistrySumsNotProven");
  });

  it("9: refuses what is no point of the curve, and says which", async () => {
    const { registry } = chain;
    const { sums } = argument;
    const off: G1 = [1n, 3n];
    const columns = prepared.committed.columns.slice().fill(1, 64 * 127);
    for (const [change, index] of [
      [{ flags: off }, 128],
      [{ opening: off }, 129],
      [{ sums: { ...sums, opening: off } }, 130],
      [{ columns }, 127],
    ] as const)
      await expect(register(change)).to.be.revertedWithCustomError(registry, "RegistryInvalidPoint").withArgs(index);
  });

  it("refuses a least movement of zero, by which weights are divided", async () => {
    await expect(register({ m0: 0n })).to.be.revertedWithCustomError(chain.registry, "RegistryInvalidLeastMovement");
  });

  it("answers for nothing that was not registered", async () => {
    const { registry } = chain;
    expect(await registry.commitmentOf(argument.modelId)).to.equal(`0x${"0".repeat(64)}`);
    for (const view of ["commitment", "columns", "rowCounts", "baseWeights"] as const)
      await expect(registry[view](prepared.commitmentId))
        .to.be.revertedWithCustomError(registry, "RegistryUnknownCommitment")
        .withArgs(prepared.commitmentId);
    await expect(registry.flagCounts(prepared.commitmentId, 210, 0, 1)).to.be.revertedWithCustomError(
      registry,
      "RegistryUnknownCommitment",
    );
    await expect(registry.accountOf(prepared.commitmentId, 0)).to.be.revertedWithCustomError(
      registry,
      "RegistryUnknownCommitment",
    );
  });

  it("registers under the id of docs/protocol.md, with the counts of the frozen versions", async () => {
    const { registry, contributors, vkId, srs } = chain;
    const { commitmentId, statement } = prepared;
    await expect(register())
      .to.emit(registry, "CommitmentRegistered")
      .withArgs(argument.modelId, commitmentId, vkId, 128, 120, 4, statement.gRoot, statement.m0, 1, 1);
    expect(await registry.commitmentOf(argument.modelId)).to.equal(commitmentId);
    expect(await registry.commitment(commitmentId)).to.deep.equal([
      argument.modelId,
      vkId,
      128n,
      120n,
      4n,
      statement.flags,
      statement.gRoot,
      argument.sums.root,
      argument.sums.total,
      statement.m0,
      1n,
      1n,
    ]);
    expect(await registry.columns(commitmentId)).to.equal(hexlify(statement.columns));
    expect(await registry.rowCounts(commitmentId)).to.deep.equal([3n, 40n, 17n, 60n]);
    expect(await registry.baseWeights(commitmentId)).to.deep.equal(statement.baseWeights.map(BigInt));
    // Contributors start at rows 0, 3, 43 and 60.
    expect(await registry.flagCounts(commitmentId, 20, 0, 6)).to.deep.equal([0n, 1n, 1n, 2n, 3n, 3n]);
    expect(await registry.flagCounts(commitmentId, 43, 1, 3)).to.deep.equal([1n, 3n]);
    expect(await registry.tauG2()).to.deep.equal(srs.tauG2);
    // The second version's only contribution is its Datanet's first one, by the first contributor again.
    const accounts = [0, 1, 2, 0].map((i) => contributors[i]!.address);
    for (const [c, account] of accounts.entries()) expect(await registry.accountOf(commitmentId, c)).to.equal(account);
    const first = await registry.contributionOf(commitmentId, 0);
    expect(await registry.contributionOf(commitmentId, 3)).to.equal(first + 3n);
  });

  it("takes one commitment a model", async () => {
    await expect(register())
      .to.be.revertedWithCustomError(chain.registry, "RegistryAlreadyRegistered")
      .withArgs(argument.modelId, prepared.commitmentId);
  });

  it("refuses to name a contributor past the last", async () => {
    for (const view of ["contributionOf", "accountOf"] as const)
      await expect(chain.registry[view](prepared.commitmentId, 4))
        .to.be.revertedWithCustomError(chain.registry, "RegistryUnknownContributor")
        .withArgs(prepared.commitmentId, 4);
  });

  it("registers a single contributor, whose flags are the point at infinity", async () => {
    const single = await registerModel(chain, [[9]]);
    expect(single.statement.flags).to.deep.equal([0n, 0n]);
    expect((await chain.registry.commitment(single.commitmentId)).contributors).to.equal(1n);
  });

  for (const k of [256, 512]) {
    it(`stores and combines ${k} columns`, async () => {
      const wide = await registerModel(chain, [[12, 8]], k);
      expect(await chain.registry.columns(wide.commitmentId)).to.equal(hexlify(wide.statement.columns));
      const query = sampleQuery(k);
      expect(await chain.verifier.scoreCommitment(wide.commitmentId, new Uint8Array(query.buffer))).to.deep.equal(
        await combineColumns(wide.statement.columns, query),
      );
    });
  }

  it("registers 300 contributors within one transaction's gas", async () => {
    const counts = Array.from({ length: 300 }, (_, c) => 1 + (c % 5));
    const many = await registerModel(chain, [counts]);
    expect(await chain.registry.rowCounts(many.commitmentId)).to.deep.equal(counts.map(BigInt));
    expect(await chain.registry.baseWeights(many.commitmentId)).to.deep.equal(many.statement.baseWeights.map(BigInt));
    expect(await chain.registry.accountOf(many.commitmentId, 299)).to.equal(
      chain.contributors[299 % chain.contributors.length]!.address,
    );
  });

  it("has a zero column among those it took", () => {
    const at = 64 * ZERO_COLUMN;
    expect(prepared.statement.columns.subarray(at, at + 64).every((byte) => byte === 0)).to.equal(true);
  });

  it("cannot be deployed with development powers off the development chain", async () => {
    const { ethers } = await network.create({ override: { chainId: 1 } });
    const { tauG2 } = await devSrs(1);
    const zero = ethers.ZeroAddress;
    await expect(ethers.deployContract("AttributionRegistry", [zero, zero, tauG2, zero, AT_ONCE]))
      .to.be.revertedWithCustomError(chain.registry, "RegistryDevelopmentPowers")
      .withArgs(1);
  });
});
