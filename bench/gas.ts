import { network } from "hardhat";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import { verifyingKey } from "../circuits/setup/zkey.ts";
import { commitColumns, commitFlags } from "../prover/kzg.ts";
import { proveEpoch, settleArguments } from "../prover/operator.ts";
import {
  AT_ONCE,
  type Attribution,
  deployAttribution,
  mintModel,
  prepareRegistration,
  registrationArgument,
  settle,
  verifyArguments,
} from "../test/support/attribution.ts";
import { integers, sampleSketches } from "../test/support/samples.ts";
import * as world from "../test/support/world.ts";

const CONTRIBUTORS = 100;
const COLUMNS = 128;
/** Any gas: the price of the least is what is asked for. */
const LIMIT = 15_000_000;

/** Gas of whole transactions, calldata included. */
export type Gas = {
  /** `RewardSplitter.settle`: proof, shares, root of claims; one chunk, 128 columns, 100 contributors, a model's first epoch */
  settle: number;
  /** the same of its second epoch, which takes what was earned in the first and writes no new slots */
  settleLater: number;
  /** the proof alone, `AttributionVerifier.verify` as a transaction */
  verify: number;
  verify256Columns: number;
  /** how much more a settlement takes for one more: mean of the second to fourth chunk */
  perChunk: number;
  /** of the fifth to eighth: the second also brings the walk over the row counts, and weights that are not 1 */
  perLaterChunk: number;
  /** of the proof alone, as settlements of other sketches have other totals */
  perColumn: number;
  perContributor: number;
  laterPerContributor: number;
  verifyPerContributor: number;
  /** `AttributionRegistry.register` of 100 contributors and 128 columns */
  register: number;
};

const evenly = (rows: number, contributors: number) =>
  Array.from(
    { length: contributors },
    (_, c) => Math.floor(((c + 1) * rows) / contributors) - Math.floor((c * rows) / contributors),
  );

/** Registers a model of so many rows and verifies a settlement of it. */
async function measure(chain: Attribution, rows: number, contributors: number, k: number) {
  const { registry, verifier, owner, splitter } = chain;
  const prepared = await prepareRegistration(
    chain,
    await mintModel(chain, [evenly(rows, contributors)]),
    k,
    sampleSketches(rows, k),
  );
  const registered = await registry.connect(owner).register(registrationArgument(chain, prepared), { gasLimit: LIMIT });
  const { statement, proof } = await settle(chain, prepared);
  const call = await verifier.connect(splitter).verify.populateTransaction(...verifyArguments(statement, proof));
  const verified = await splitter.sendTransaction({ ...call, gasLimit: LIMIT });
  return { register: Number((await registered.wait())!.gasUsed), verify: Number((await verified.wait())!.gasUsed) };
}

/** Under the key of 210 rows a chunk, whose size changes no gas. */
export async function measureGas(): Promise<Gas> {
  const chain = await deployAttribution(await network.create());
  const rows = 2 * CONTRIBUTORS;
  const base = await measure(chain, rows, CONTRIBUTORS, COLUMNS);
  const wide = await measure(chain, rows, CONTRIBUTORS, 2 * COLUMNS);
  const few = await measure(chain, rows, CONTRIBUTORS / 10, COLUMNS);
  const [whole, wholeFew] = [await settleGas(CONTRIBUTORS), await settleGas(CONTRIBUTORS / 10)];
  const long = await settleGas(CONTRIBUTORS, 4 * INSTANCES.r210.rows);
  const longer = await settleGas(CONTRIBUTORS, 8 * INSTANCES.r210.rows);
  const perContributor = (more: number, less: number) => Math.round((more - less) / (0.9 * CONTRIBUTORS));
  return {
    settle: whole.first,
    settleLater: whole.later,
    verify: base.verify,
    verify256Columns: wide.verify,
    perChunk: Math.round((long.first - whole.first) / 3),
    perLaterChunk: Math.round((longer.first - long.first) / 4),
    perColumn: Math.round((wide.verify - base.verify) / COLUMNS),
    perContributor: perContributor(whole.first, wholeFew.first),
    laterPerContributor: perContributor(whole.later, wholeFew.later),
    verifyPerContributor: perContributor(base.verify, few.verify),
    register: base.register,
  };
}

/** A settlement of 5,040 rows in four chunks of 1,260, verified on-chain. @returns its rows */
export async function settleLarge(): Promise<number> {
  const rows = 4 * INSTANCES.r1260.rows;
  const key = { key: await devKey(INSTANCES.r1260), srs: await devSrs(rows) };
  await measure(await deployAttribution(await network.create(), AT_ONCE, key), rows, CONTRIBUTORS, COLUMNS);
  return rows;
}

/** Whole epochs, from a contribution's rows to the transactions that settle a model's first and second. */
async function settleGas(contributors: number, rows = 2 * CONTRIBUTORS): Promise<{ first: number; later: number }> {
  const counts = evenly(rows, contributors);
  const [key, srs] = [await devKey(INSTANCES.r210), await devSrs(rows)];
  const sketches = sampleSketches(rows, COLUMNS);
  const columns = await commitColumns(sketches, COLUMNS, srs);
  const deployed = await world.deployed();
  const vkId = await world.registerKey(deployed, await verifyingKey(key));
  const datanetId = await world.freeze(deployed, counts);
  const modelId = await world.mint(deployed, datanetId, deployed.token);
  const committed = { counts, sketches, columns, flags: await commitFlags(counts, srs) };
  const id = await world.register(deployed, modelId, counts, { rows: sketches, k: COLUMNS, m0: 1 }, vkId);
  const all = { ...deployed, modelId, id };
  const { splitter } = all;
  await splitter.openEpoch(modelId);
  await world.deposit(all, world.customer, 2_000_000n);
  const settled = async (epochId: bigint) => {
    await world.pay(all, 1_000_000n, epochId);
    await world.closeEpoch(all);
    await world.networkHelpers.time.increase(world.TIMING.redeemWindow);
    // So small that the floor is above all totals: base weights share the rest, as in most epochs.
    const v = Array.from(integers(`V ${epochId}`, COLUMNS, 100), (entry) => BigInt(entry) * 10n ** 9n);
    await splitter.connect(world.operator).propose(...(await world.proposal(all, modelId, epochId, v)));
    const settlement = await proveEpoch(all, modelId, epochId, world.operator.address, committed, key, srs);
    await world.networkHelpers.time.increase(world.TIMING.challengeWindow);
    const sent = await splitter.settle(...(await settleArguments(all, modelId, epochId, settlement)), {
      gasLimit: LIMIT,
    });
    return Number((await sent.wait())!.gasUsed);
  };
  return { first: await settled(0n), later: await settled(1n) };
}
