// The contracts and the reference, asked the same questions. Needs the contracts built; no circuit and no proving key.

import { createRequire } from "node:module";
import { expect } from "chai";
import { network } from "hardhat";
import { words1 } from "./curve.ts";
import { keccak256, words } from "./encoding.ts";
import { queryBytes } from "./epoch.ts";
import { forgeries } from "./forgeries.ts";
import { commitmentId, gRoot, versionHash } from "./registration.ts";
import { referenceVerdict, type SettlementInput, scoreCommitment, type Verdict, vkId } from "./settlement.ts";
import {
  commitColumns,
  commitFlags,
  type Model,
  openFlags,
  secrets,
  simulatedKey,
  simulateSettlement,
  tauG2,
} from "./simulate.ts";

const manager = createRequire(import.meta.url)("@openzeppelin/contracts/build/contracts/AccessManager.json");

const k = 128;

/** typechain asks for mutable tuples, which plain data need not be. */
type Loose = never;

/** int8 rows and a query within the norms, the same each time. */
function model(seed: number, counts: number[], R: number): Model {
  const entry = (i: number, j: number): number => ((i * 131 + j * 71 + seed * 17 + i * i * j) % 23) - 11;
  const rows = counts.reduce((a, b) => a + b);
  return {
    G: Array.from({ length: rows }, (_, i) => Array.from({ length: k }, (_, j) => (j === 5 ? 0 : entry(i, j)))),
    Q: Array.from({ length: k }, (_, j) => 3 * entry(77, j)),
    counts,
    R,
  };
}

async function deploy() {
  const { ethers } = await network.connect();
  const [owner, ...accounts] = await ethers.getSigners();
  const datanets = await ethers.deployContract("DatanetRegistry");
  const models = await ethers.deployContract("ModelNFT", [datanets]);
  const token = await ethers.deployContract("TestToken", ["token", "TKN", 18]);
  const registry = await ethers.deployContract("AttributionRegistry", [datanets, models, [...tauG2]]);
  const authority = await new ethers.ContractFactory(manager.abi, manager.bytecode, owner).deploy(owner);
  const verifier = await ethers.deployContract("AttributionVerifier", [registry, authority]);
  return { ethers, owner: owner!, accounts, datanets, models, registry, verifier, token };
}

type World = Awaited<ReturnType<typeof deploy>>;

/** A model whose rows lie in two Datanets, registered; also checks the hashes on the way. */
async function register(world: World, { G, counts, R }: Model) {
  const { owner, accounts, datanets, models, registry, verifier, token } = world;
  const key = simulatedKey(R);
  await verifier.registerKey(key as Loose);
  const versions: { datanetId: bigint; version: bigint }[] = [];
  const versionHashes: string[] = [];
  for (const part of counts.length > 1 ? [counts.slice(0, 1), counts.slice(1)] : [counts]) {
    await datanets.create(owner, "name", "MIT", "");
    const datanetId = BigInt((await datanets.queryFilter(datanets.filters.DatanetCreated())).length);
    const contributions = [];
    for (const [i, rowCount] of part.entries()) {
      const rowRoot = words(i, datanetId);
      const account = accounts[i]!;
      await datanets.connect(account).contribute(datanetId, `cid${i}`, rowCount, rowRoot);
      const id = BigInt((await datanets.queryFilter(datanets.filters.ContributionSubmitted())).length);
      contributions.push({ id, account: account.address, rowCount, rowRoot });
    }
    await datanets.review(
      contributions.map(({ id }) => id),
      true,
      "fine",
    );
    await datanets.freeze(datanetId);
    const own = versionHash(31337, await datanets.getAddress(), datanetId, 1, contributions);
    expect(await datanets.versionHash(datanetId, 1)).to.equal(own);
    versions.push({ datanetId, version: 1n });
    versionHashes.push(own);
  }
  const manifestHash = keccak256("0x7b7d");
  const hash = words(1);
  await models.mint(
    { manifestHash, manifestCid: "cid", baseHash: hash, adapterHash: hash, methodVersion: 1 },
    versions,
    {
      token: await token.getAddress(),
      inputPrice: 1,
      outputPrice: 1,
      split: { data: 5000, owner: 2000, server: 1000, operator: 1000, protocol: 1000 },
    },
  );
  const modelId = (await models.queryFilter(models.filters.ModelMinted())).length;
  const columns = commitColumns(G, secrets.tau);
  const flags = commitFlags(counts);
  const root = gRoot(G.map((row) => queryBytes(row)));
  const id = commitmentId({
    chainId: 31337,
    attributionRegistry: await registry.getAddress(),
    modelId,
    versionHashes,
    k,
    counts,
    columnsHash: keccak256(columns),
    flags,
    gRoot: root,
    manifestHash,
  });
  const registration = { modelId, vkId: vkId(key, tauG2), k, columns, flags: [...flags], gRoot: root };
  return { id, registration: { ...registration, opening: [...openFlags(id, counts)] } };
}

describe("reference: beside the contracts", function () {
  this.timeout(120_000);
  let world: World;

  before(async () => {
    world = await deploy();
  });

  async function settled(shape: Model): Promise<SettlementInput> {
    const { id, registration } = await register(world, shape);
    await world.registry.register(registration as Loose);
    expect(await world.registry.commitmentOf(registration.modelId)).to.equal(id);
    return simulateSettlement(
      shape,
      {},
      {
        verifier: await world.verifier.getAddress(),
        splitter: world.accounts[3]!.address,
        commitmentId: id,
      },
    );
  }

  async function contractVerdict(input: SettlementInput): Promise<Verdict> {
    const splitter = world.accounts.find(({ address }) => address === input.splitter)!;
    const verifier = world.verifier.connect(splitter);
    try {
      const settlement = [
        input.commitment.id,
        input.vkId ?? vkId(input.key, input.tauG2),
        input.epochId,
        input.prover,
        input.floorUnits,
        input.q,
        input.totals,
        input.proof,
      ];
      await verifier.verify.staticCall(...(settlement as Loose));
      return { ok: true };
    } catch (error) {
      const name = verifier.interface.parseError((error as { data?: string }).data ?? "0x")?.name;
      if (name === undefined) throw error;
      return { ok: false, reason: name };
    }
  }

  async function compare(name: string, input: SettlementInput): Promise<Verdict> {
    const verdict = referenceVerdict(input);
    expect(await contractVerdict(input)).to.deep.equal(verdict, name);
    return verdict;
  }

  for (const [counts, R] of [
    [[1, 7, 3], 4],
    [[3, 3], 3],
    [[5], 6],
  ] as [number[], number][]) {
    it(`agree on a settlement of rows ${counts} in chunks of ${R}, and on every forgery of it`, async () => {
      const shape = model(R, counts, R);
      const honest = await settled(shape);
      expect(await compare("honest", honest)).to.deep.equal({ ok: true });
      const own = words1(scoreCommitment(honest.commitment.columns, honest.q));
      expect(await world.verifier.scoreCommitment(String(honest.commitment.id), honest.q as string)).to.deep.equal(own);

      for (const { name, input, reason } of forgeries(honest)) {
        expect(await compare(name, input)).to.deep.equal({ ok: false, reason }, name);
      }
    });
  }
});
