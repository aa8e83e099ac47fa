// The contracts under test, deployed for the reference's simulated settlements. Needs them built; needs no circuit.

import { createRequire } from "node:module";
import { network } from "hardhat";
import type { Point1 } from "./curve.ts";
import { keccak256, type Num, words } from "./encoding.ts";
import { queryBytes } from "./epoch.ts";
import { type Contribution, commitmentId, gRoot, versionHash } from "./registration.ts";
import { type SettlementInput, type Verdict, type VerifyingKey, vkId } from "./settlement.ts";
import { commitColumns, commitFlags, type Model, openFlags, secrets, simulatedKey, tauG2 } from "./simulate.ts";
import { baseWeights, openSums } from "./sums.ts";

const manager = createRequire(import.meta.url)("@openzeppelin/contracts/build/contracts/AccessManager.json");

export const k = 128;

/** typechain asks for mutable tuples, which plain data need not be. */
type Loose = never;

/** An empty world; of another chain if asked. */
export async function deploy(chainId = 31337) {
  const { ethers } = await network.create({ override: { chainId } });
  const [owner, ...accounts] = await ethers.getSigners();
  const authority = await new ethers.ContractFactory(manager.abi, manager.bytecode, owner).deploy(owner);
  const pauses = await ethers.deployContract("PauseSwitch", [authority]);
  const datanets = await ethers.deployContract("DatanetRegistry", [pauses]);
  const models = await ethers.deployContract("ModelNFT", [datanets, pauses]);
  const token = await ethers.deployContract("TestToken", ["token", "TKN", 18]);
  const operators = await ethers.deployContract("OperatorRegistry", [0, authority]);
  const activation = { window: 0, answerWindow: 0, registrationBond: 0, demandBond: 0 };
  const parameters = [datanets, models, [...tauG2], operators, activation] as const;
  const registry = await ethers.deployContract("AttributionRegistry", parameters as never);
  await operators.bindLockers([await registry.DISPUTES()]);
  const verifier = await ethers.deployContract("AttributionVerifier", [registry, authority]);
  return { owner: owner!, accounts, splitter: accounts[9]!, datanets, models, registry, verifier, token };
}

export type World = Awaited<ReturnType<typeof deploy>>;

/** Accepts one contribution for each row count into a new Datanet and freezes it. */
async function freeze({ owner, accounts, datanets }: World, counts: Num[]) {
  await datanets.create(owner, "name", "MIT", "");
  const datanetId = (await datanets.queryFilter(datanets.filters.DatanetCreated())).length;
  const contributions: Contribution[] = [];
  for (const [i, rowCount] of counts.entries()) {
    const rowRoot = words(datanetId, i);
    const account = accounts[i]!;
    await datanets.connect(account).contribute(datanetId, `cid${i}`, rowCount, rowRoot);
    const id = (await datanets.queryFilter(datanets.filters.ContributionSubmitted())).length;
    contributions.push({ id, account: account.address, rowCount, rowRoot });
  }
  await datanets.review(
    contributions.map(({ id }) => id),
    true,
    "fine",
  );
  await datanets.freeze(datanetId);
  return { datanetId, contributions };
}

/**
 * Mints a model whose rows lie in two Datanets where it can, and readies its registration.
 * @param published rows in the place of G where the owner publishes others than he commits
 */
export async function prepare(world: World, { G, counts, R }: Model, published = G) {
  const { datanets, models, registry, token } = world;
  const versions: { datanetId: number; version: number }[] = [];
  const versionHashes: string[] = [];
  const expected: string[] = [];
  for (const part of counts.length > 1 ? [counts.slice(0, 1), counts.slice(1)] : [counts]) {
    const { datanetId, contributions } = await freeze(world, part);
    versions.push({ datanetId, version: 1 });
    versionHashes.push(await datanets.versionHash(datanetId, 1));
    expected.push(versionHash(31337, await datanets.getAddress(), datanetId, 1, contributions));
  }
  const manifestHash = keccak256("0x7b7d");
  await models.mint(
    { manifestHash, manifestCid: "cid", baseHash: words(1), adapterHash: words(2), methodVersion: 1 },
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
  const rows = published.map((row) => queryBytes(row));
  const root = gRoot(rows);
  const m0 = 7n;
  const chain = { chainId: 31337, attributionRegistry: await registry.getAddress() };
  const weights = baseWeights(rows, counts);
  const content = {
    ...{ modelId, versionHashes: expected, k, counts, baseWeights: weights },
    ...{ columnsHash: keccak256(columns), gRoot: root, m0 },
  };
  const idOf = (C_b: Point1) => commitmentId({ ...chain, ...content, flags: C_b, manifestHash });
  const rd = idOf(flags);
  const key = vkId(simulatedKey(R), tauG2);
  const registration = {
    modelId,
    vkId: key,
    k,
    columns,
    flags,
    gRoot: root,
    m0,
    baseWeights: weights,
    opening: openFlags(rd, counts),
    sums: openSums(rd, rows, secrets.tau),
  };
  return { rd, idOf, registration, versionHashes, expected };
}

export type Registration = Awaited<ReturnType<typeof prepare>>["registration"];

/** The name of the error that a call reverts with. */
async function verdictOf(
  call: Promise<unknown>,
  errors: World["verifier"]["interface"] | World["registry"]["interface"],
): Promise<Verdict> {
  try {
    await call;
    return { ok: true };
  } catch (error) {
    const reason = errors.parseError((error as { data?: string }).data ?? "0x00000000")?.name;
    if (reason === undefined) throw error;
    return { ok: false, reason };
  }
}

export const registrationVerdict = ({ registry }: World, registration: Registration): Promise<Verdict> =>
  verdictOf(registry.register.staticCall(registration as Loose), registry.interface);

export const register = ({ registry }: World, registration: Registration) => registry.register(registration as Loose);

export const keyVerdictOf = ({ verifier }: World, key: VerifyingKey): Promise<Verdict> =>
  verdictOf(verifier.registerKey.staticCall(key as Loose), verifier.interface);

export const registerKey = ({ verifier }: World, key: VerifyingKey) => verifier.registerKey(key as Loose);

export function settlementVerdict({ verifier, splitter }: World, input: SettlementInput): Promise<Verdict> {
  const { commitment, epochId, prover, floorUnits, q, totals, proof } = input;
  const id = input.vkId ?? vkId(input.key, input.tauG2);
  const settlement = [commitment.id, id, epochId, prover, floorUnits, q, totals, proof];
  return verdictOf(verifier.connect(splitter).verify.staticCall(...(settlement as Loose)), verifier.interface);
}
