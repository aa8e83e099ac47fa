import { concat, getBytes } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import type { ExportedKey } from "../../circuits/ceremony/exported.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { commit, commitColumns, commitFlags } from "../../prover/kzg.ts";
import { proveOwnership, proveSums, type Sums } from "../../prover/registration.ts";
import { proveSettlement, type Settlement, type SettlementContext } from "../../prover/settlement.ts";
import { int8Bytes, mod } from "../../sdk/hash.ts";
import { merkleProof, merkleRoot } from "../../sdk/merkle.ts";
import {
  baseWeights,
  commitmentId,
  encodePoint,
  foldRows,
  type RegistrationChallenges,
  type RegistrationStatement,
  registrationChallenges,
  rowLengths,
  runningSums,
  type SettlementProof,
  type SettlementStatement,
  sketchRoot,
  sumLeaves,
  vkId,
} from "../../sdk/transcript.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import type { TypedContractMethod } from "../../types/ethers-contracts/common.ts";
import { referenceVerdict } from "../reference/settlement.ts";
import { sampleQuery, sampleSketches } from "./samples.ts";

const BPS = { data: 5000, owner: 2000, server: 1500, operator: 1000, protocol: 500 };

export type Attribution = Awaited<ReturnType<typeof deployAttribution>>;

const developmentKey = async () => ({ key: await devKey(INSTANCES.r210), srs: await devSrs(2 ** 11) });

/** Registrations are active at once, without a bond. */
export const AT_ONCE = { window: 0, answerWindow: 0, registrationBond: 0n, demandBond: 0n };

/** The contracts a settlement needs, on a fresh chain, with a key: the development key of 210 rows a chunk unless told. */
export async function deployAttribution(
  { ethers }: NetworkConnection<"l1">,
  activation = AT_ONCE,
  keys?: Pick<ExportedKey, "key" | "srs">,
) {
  const [admin, owner, splitter, prover, ...contributors] = await ethers.getSigners();
  const { key, srs } = keys ?? (await developmentKey());
  const verifying = await verifyingKey(key);
  const token = await ethers.deployContract("TestToken", ["Test", "TEST", 18]);
  const manager = await ethers.deployContract("AccessManager", [admin]);
  const pauses = await ethers.deployContract("PauseSwitch", [manager]);
  const datanets = await ethers.deployContract("DatanetRegistry", [pauses]);
  const models = await ethers.deployContract("ModelNFT", [datanets, pauses]);
  const operators = await ethers.deployContract("OperatorRegistry", [0, manager]);
  const parameters = [datanets, models, srs.tauG2, operators, activation] as const;
  const registry = await ethers.deployContract("AttributionRegistry", [...parameters]);
  const disputes = await ethers.getContractAt("SketchDisputes", await registry.DISPUTES());
  await operators.bindLockers([disputes]);
  const verifier = await ethers.deployContract("AttributionVerifier", [registry, manager]);
  await verifier.registerKey(verifying);
  return {
    ethers,
    owner: owner!,
    splitter: splitter!,
    prover: prover!,
    contributors,
    token,
    datanets,
    models,
    operators,
    registry,
    disputes,
    manager,
    verifier,
    key,
    verifying,
    vkId: vkId(verifying, srs.tauG2, srs.development),
    srs,
  };
}

/** Contributes rows, freezes them as a version each, and mints a model on these versions. */
export async function mintModel(chain: Attribution, versions: number[][]): Promise<bigint> {
  const { ethers, datanets, models, token, owner, contributors } = chain;
  const refs: { datanetId: bigint; version: bigint }[] = [];
  for (const counts of versions) {
    const datanetId = await returned(datanets.connect(owner).create, owner, "Test", "MIT", "");
    const ids: bigint[] = [];
    for (const [c, rows] of counts.entries()) {
      const contributor = contributors[c % contributors.length]!;
      ids.push(
        await returned(datanets.connect(contributor).contribute, datanetId, `cid ${c}`, rows, ethers.id(`root ${c}`)),
      );
    }
    await datanets.connect(owner).review(ids, true, "");
    await datanets.connect(owner).freeze(datanetId);
    refs.push({ datanetId, version: 1n });
  }
  const manifest = {
    manifestHash: ethers.id("manifest"),
    manifestCid: "manifest",
    baseHash: ethers.id("base"),
    adapterHash: ethers.id("adapter"),
    methodVersion: 1,
  };
  return returned(models.connect(owner).mint, manifest, refs, { token, inputPrice: 1, outputPrice: 1, split: BPS });
}

/** Sends a transaction, and gives what the call returns. */
async function returned<A extends unknown[], R>(method: TypedContractMethod<A, [R]>, ...args: A): Promise<R> {
  const result = await method.staticCall(...(args as never));
  await method(...(args as never));
  return result as R;
}

/** What a model's owner registers, from the sketches and, unless he lies, the frozen counts and the rows' lengths. */
export async function prepareRegistration(
  chain: Attribution,
  modelId: bigint,
  k: number,
  sketches: Int8Array,
  lies: { flagCounts?: number[]; baseWeights?: number[] } = {},
) {
  const { ethers, datanets, models, registry, srs } = chain;
  const refs = await models.versions(modelId);
  const versionHashes: string[] = [];
  const counts: number[] = [];
  for (const { datanetId, version } of refs) {
    versionHashes.push(await datanets.versionHash(datanetId, version));
    counts.push(...(await datanets.versionContributions(datanetId, version)).rowCounts.map(Number));
  }
  const columns = await columnsOf(sketches, k, srs);
  const { flagCounts = counts } = lies;
  const flags = await commitFlags(flagCounts, srs);
  const statement: RegistrationStatement = {
    chainId: (await ethers.provider.getNetwork()).chainId,
    registry: await registry.getAddress(),
    modelId,
    versionHashes,
    k,
    counts,
    baseWeights: lies.baseWeights ?? baseWeights(rowLengths(sketches, k), counts),
    columns,
    flags,
    gRoot: sketchRoot(sketches, k),
    m0: BigInt(leastMovement({ rows: sketches, k }, sketches)),
    manifestHash: (await models.manifest(modelId)).manifestHash,
  };
  const id = commitmentId(statement);
  const challenges = registrationChallenges(id);
  const opening = await proveOwnership(flagCounts, flags, challenges.zeta, srs);
  const sums = await stateSums(sketches, statement, challenges, srs);
  return { committed: { counts, sketches, columns, flags }, statement, commitmentId: id, opening, sums };
}

/** The columns' points, also where entries of −128 stand, which are refused to the honest. */
async function columnsOf(sketches: Int8Array, k: number, srs: Srs): Promise<Uint8Array> {
  if (!sketches.includes(-128)) return commitColumns(sketches, k, srs);
  const column = (j: number) =>
    Array.from(
      sketches.filter((_, at) => at % k === j),
      (entry) => mod(BigInt(entry)),
    );
  const points = await Promise.all(Array.from({ length: k }, (_, j) => commit(column(j), srs)));
  return getBytes(concat(points.map(encodePoint)));
}

/** Honest sums; where rows beyond the last are committed too, those of a liar, who lets the last sum jump by them. */
async function stateSums(
  sketches: Int8Array,
  { k, counts, baseWeights }: RegistrationStatement,
  challenges: RegistrationChallenges,
  srs: Srs,
): Promise<Sums> {
  const sums = await proveSums(sketches, k, challenges, srs);
  const [rows, length] = [counts, baseWeights].map((values) => values.reduce((sum, value) => sum + value, 0));
  if (sketches.length === rows! * k) return sums;
  const honest = runningSums(foldRows(sketches, k, challenges.gamma), rowLengths(sketches, k), challenges.zeta);
  const leaves = sumLeaves([...honest.slice(0, rows), { sum: sums.total, length: BigInt(length!) }]);
  return { ...sums, root: merkleRoot(leaves), proof: merkleProof(leaves, rows!) };
}

export type Prepared = Awaited<ReturnType<typeof prepareRegistration>>;

/** Argument of `register`. */
export const registrationArgument = (chain: Attribution, { statement, opening, sums }: Prepared) => ({
  modelId: statement.modelId,
  vkId: chain.vkId,
  k: statement.k,
  columns: statement.columns,
  flags: statement.flags,
  gRoot: statement.gRoot,
  m0: statement.m0,
  baseWeights: statement.baseWeights,
  opening,
  sums,
});

/** Mints and registers a model. */
export async function registerModel(
  chain: Attribution,
  versions: number[][],
  k = 128,
  sketches = sampleSketches(
    versions.flat().reduce((sum, n) => sum + n, 0),
    k,
  ),
): Promise<Prepared> {
  const prepared = await prepareRegistration(chain, await mintModel(chain, versions), k, sketches);
  await chain.registry.connect(chain.owner).register(registrationArgument(chain, prepared));
  return prepared;
}

/** The parts of a settlement's transcript that the chain decides. */
export const settlementContext = async (chain: Attribution, id: string): Promise<SettlementContext> => ({
  splitter: chain.splitter.address,
  chainId: (await chain.ethers.provider.getNetwork()).chainId,
  verifier: await chain.verifier.getAddress(),
  vkId: chain.vkId,
  commitmentId: id,
  epochId: 3n,
  prover: chain.prover.address,
  floorUnits: 10n ** 15n,
});

/** An honest settlement. */
export const settle = async (
  chain: Attribution,
  { committed, commitmentId: id }: Prepared,
  query = sampleQuery(committed.columns.length / 64),
): Promise<Settlement> => proveSettlement(committed, query, await settlementContext(chain, id), chain.key, chain.srs);

/** Arguments of `verify`. */
export const verifyArguments = (s: SettlementStatement, proof: SettlementProof) =>
  [s.commitmentId, s.vkId, s.epochId, s.prover, s.floorUnits, int8Bytes(s.q), s.totals, proof] as const;

/**
 * Asks the contract, as the splitter of the statement, and the reference verifier beside it: whatever a test tries, both
 * must say the same, down to the reason.
 */
export async function verify(chain: Attribution, statement: SettlementStatement, proof: SettlementProof) {
  const asked = chain.verifier.connect(chain.splitter).verify(...verifyArguments(statement, proof));
  const contract = await asked.then(
    () => "ok",
    (error) => chain.verifier.interface.parseError(error.data ?? "0x00000000")?.name,
  );
  const reference = await referenceReason(chain, statement, proof);
  if (reference !== undefined && reference !== contract)
    throw new Error(`The contract says ${contract}, the reference verifier ${reference}.`);
  return asked;
}

/** What test/reference says of a settlement, all that it can take from the chain taken from there. */
async function referenceReason(chain: Attribution, statement: SettlementStatement, proof: SettlementProof) {
  const { registry, verifier, splitter, verifying, srs } = chain;
  const id = statement.commitmentId;
  const known = await registry.commitment(id).catch(() => undefined);
  if (known === undefined) return undefined; // the contract asks the registry, the reference is given a commitment
  const verdict = referenceVerdict({
    chainId: (await chain.ethers.provider.getNetwork()).chainId,
    verifier: await verifier.getAddress(),
    splitter: splitter.address,
    key: verifying,
    tauG2: srs.tauG2,
    vkId: statement.vkId,
    commitment: {
      id,
      counts: [...(await registry.rowCounts(id))],
      columns: await registry.columns(id),
      flags: [known.flags[0], known.flags[1]],
    },
    epochId: statement.epochId,
    prover: statement.prover,
    floorUnits: statement.floorUnits,
    q: int8Bytes(statement.q),
    totals: statement.totals,
    proof,
  });
  return verdict.ok ? "ok" : verdict.reason;
}
