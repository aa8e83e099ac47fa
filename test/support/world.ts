import { network } from "hardhat";
import { devSrs } from "../../circuits/setup/dev.ts";
import Local from "../../deploy/modules/Local.ts";
import { modelFacts, type Published, prepareRegistration } from "../../prover/register.ts";
import { type Protocol, protocol } from "../../sdk/contracts.ts";
import { escrowDomain, signVoucher, type Voucher } from "../../sdk/eip712.ts";
import { type LastReceipt, type Proposal, receiptLeaf } from "../../sdk/epoch.ts";
import { type G1, type G2, int8Bytes } from "../../sdk/hash.ts";
import { proposalOf } from "../../sdk/history.ts";
import type { VerifyingKey } from "../../sdk/transcript.ts";
import type { TestToken } from "../../types/ethers-contracts/index.ts";
import { AT_ONCE } from "./attribution.ts";

/** The one chain of these tests, tasks included; every test starts from a fixture's snapshot. */
export const { ethers, networkHelpers, ignition } = await network.getOrCreate();

export const TIMING = {
  epochLength: 1000,
  redeemWindow: 100,
  proposeWindow: 500,
  challengeWindow: 200,
  answerWindow: 50,
  disputeWindow: 300,
  settleWindow: 100,
  fallbackWindow: 400,
};
export const THAW = 600;
export const BOND_THAW = 700;
export const BOND_FACTOR = 10n;
/** Of the committee. */
export const COMMITTEE = { auditorBond: 100n, commitPeriod: 120, revealPeriod: 130, quorum: 2 };
export const K = 128;
export const COUNTS = [3, 5, 2];
export const SPLIT = { data: 5000n, owner: 1500n, server: 2000n, operator: 1000n, protocol: 500n };

const G1_GENERATOR: G1 = [1n, 2n];
const G2_GENERATOR: G2 = [
  11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  10857046999023057135944570762232829481370756359578518086990519993285655852781n,
  4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  8495653923123431417604973247489272438418190587263600148770280649306958101930n,
];

/** A key that can be registered and under which nothing was ever proven: enough wherever base weights pay. */
export const UNUSED_KEY: VerifyingKey = {
  alpha1: G1_GENERATOR,
  beta2: G2_GENERATOR,
  gamma2: G2_GENERATOR,
  delta2: [
    19987859454391682094764657237328156653716542965366536973636139696919174237343n,
    7372063709443445172293000051116483379901948584957706342411281774667630194162n,
    172781595879659891860142554132982789272749024824708891439256370562288912863n,
    2964367643524215304777575085074577596235141459149605632169361514054839898391n,
  ],
  ic: [G1_GENERATOR, G1_GENERATOR, G1_GENERATOR, G1_GENERATOR, G1_GENERATOR, G1_GENERATOR],
  chunkRows: 210,
};

/**
 * One row with an entry in the first column, the others with one in the last: V_0 decides whether an epoch needs a proof, and
 * base weights are the row counts.
 */
function oneScore(counts: number[]): Published {
  const rows = new Int8Array(K * counts.reduce((sum, count) => sum + count, 0));
  rows[0] = 1;
  for (let at = 2 * K - 1; at < rows.length; at += K) rows[at] = 1;
  return { rows, k: K, m0: 1 };
}

export type Signer = Awaited<ReturnType<typeof ethers.getSigners>>[number];

export const [admin, operator, treasury, owner, reviewer, customer, server, stranger, ...contributors] =
  (await ethers.getSigners()) as [Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer, ...Signer[]];

/** Who may vote in the committee, and take no part in anything else. */
export const auditors = contributors.slice(-4);

export type World = Protocol & { token: TestToken; vkId: string };

/** The protocol as the deployment module makes it, one key registered. */
export const deployed = (): Promise<World> => deployedWith(AT_ONCE);

/** The same, with registrations that can be disputed. */
export async function deployedWith(activation: typeof AT_ONCE): Promise<World> {
  const contracts = await ignition.deploy(Local, {
    parameters: {
      OpenLedger: {
        operator: operator.address,
        treasury: treasury.address,
        timing: TIMING,
        thawPeriod: THAW,
        bondThawPeriod: BOND_THAW,
        auditor: auditors[0]!.address,
        ...COMMITTEE,
        bondFactor: BOND_FACTOR,
        activation,
      },
    },
  });
  const address = (name: keyof typeof contracts) => contracts[name].target as string;
  const world = {
    ...protocol(
      {
        operators: address("operators"),
        datanets: address("datanets"),
        models: address("models"),
        attribution: address("attribution"),
        verifier: address("verifier"),
        splitter: address("splitter"),
        escrow: address("escrow"),
        committee: address("committee"),
        disputes: address("disputes"),
      },
      admin,
    ),
    token: contracts.token as unknown as TestToken,
  };
  return { ...world, vkId: await registerKey(world, UNUSED_KEY) };
}

/** The contract that decides disputes, as an account that sends. */
export async function asDisputes({ disputes }: World): Promise<Signer> {
  await networkHelpers.setBalance(disputes.target as string, 10n ** 20n);
  return ethers.getImpersonatedSigner(disputes.target as string) as Promise<Signer>;
}

export async function registerKey({ verifier }: Protocol, key: VerifyingKey): Promise<string> {
  const vkId = await verifier.registerKey.staticCall(key);
  await verifier.registerKey(key);
  return vkId;
}

/** A Datanet version with one contribution a count, by `contributors` in turn. */
export async function freeze({ datanets }: Protocol, counts: number[]): Promise<bigint> {
  const datanetId = await datanets.connect(owner).create.staticCall(reviewer, "Solidity", "MIT", "");
  await datanets.connect(owner).create(reviewer, "Solidity", "MIT", "");
  const ids: bigint[] = [];
  for (const [c, count] of counts.entries()) {
    const account = contributors[c % contributors.length]!;
    const sent = [datanetId, "bafy", count, ethers.id(`rows ${c}`)] as const;
    ids.push(await datanets.connect(account).contribute.staticCall(...sent));
    await datanets.connect(account).contribute(...sent);
  }
  await datanets.connect(reviewer).review(ids, true, "fine");
  await datanets.connect(owner).freeze(datanetId);
  return datanetId;
}

export const MANIFEST = {
  manifestHash: ethers.id("manifest"),
  manifestCid: "bafymanifest",
  baseHash: ethers.id("base"),
  adapterHash: ethers.id("adapter"),
  methodVersion: 1n,
};

/** A model of `owner`, on one Datanet version, paid in a token that is listed with it. */
export async function mint(
  { models, splitter }: Protocol,
  datanetId: bigint,
  token: { target: unknown },
  split = SPLIT,
): Promise<bigint> {
  await splitter.connect(admin).setTokens([token.target as string], true);
  const terms = { token: token.target as string, inputPrice: 10n, outputPrice: 20n, split };
  const versions = [{ datanetId, version: 1n }];
  const modelId = await models.connect(owner).mint.staticCall(MANIFEST, versions, terms);
  await models.connect(owner).mint(MANIFEST, versions, terms);
  return modelId;
}

/** Commits a model of `owner`, whose rows lie in one Datanet version. */
export async function register(
  world: World,
  modelId: bigint,
  counts = COUNTS,
  sketches = oneScore(counts),
  vkId = world.vkId,
): Promise<string> {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const facts = await modelFacts(world, modelId);
  const { args, commitmentId } = await prepareRegistration(facts, vkId, sketches, await devSrs(rows));
  await world.attribution.connect(owner).register(args);
  return commitmentId;
}

export type Ready = World & { modelId: bigint; id: string };

/** A model with its epoch 0 open, and a customer with a deposit of 1,000,000 units. */
export async function ready(): Promise<Ready> {
  const world = await deployed();
  const datanetId = await freeze(world, COUNTS);
  const modelId = await mint(world, datanetId, world.token);
  const id = await register(world, modelId);
  await world.splitter.openEpoch(modelId);
  await deposit(world, customer, 1_000_000n);
  return { ...world, modelId, id };
}

export async function deposit({ escrow, token }: World, account: Signer, amount: bigint, of = token): Promise<void> {
  await of.mint(account, amount);
  await of.connect(account).approve(escrow, amount);
  await escrow.connect(account).deposit(account, of, amount);
}

/** What `redeem` takes: a voucher to `server` for epoch 0, its signature, and all of it as charged. */
export async function voucher(
  { escrow, token, modelId }: Ready,
  fields: Partial<Voucher> = {},
  signer = customer,
): Promise<[Voucher, string, bigint]> {
  const value: Voucher = {
    customer: customer.address,
    server: server.address,
    modelId,
    epochId: 0n,
    token: token.target as string,
    cumulative: 1000n,
    deadline: 10n ** 12n,
    ...fields,
  };
  const signature = await signVoucher(signer, escrowDomain(31337n, escrow.target as string), value);
  return [value, signature, value.cumulative];
}

/** Pays `cumulative` in all into an epoch. */
export async function pay(world: Ready, cumulative: bigint, epochId = 0n): Promise<void> {
  await world.escrow.connect(server).redeem(...(await voucher(world, { cumulative, epochId })));
}

/** V with V_0 = `scoring`, which needs a proof unless it is 0. */
export const vector = (scoring: bigint, rest = 5n): bigint[] => [scoring, rest, ...Array<bigint>(K - 2).fill(0n)];

/** Opens the next epoch as soon as the current one may be closed. */
export async function closeEpoch({ splitter, modelId }: Ready): Promise<void> {
  const { openedAt } = await splitter.epoch(modelId, await splitter.currentEpoch(modelId));
  const from = Number(openedAt) + TIMING.epochLength;
  if ((await networkHelpers.time.latest()) < from - 1) await networkHelpers.time.setNextBlockTimestamp(from);
  await splitter.openEpoch(modelId);
}

/** What `propose` takes for `v`: a tree of one receipt, of all the epoch's fees, by any payer. */
export async function proposal(
  { splitter, escrow }: Pick<World, "splitter" | "escrow">,
  modelId: bigint,
  epochId: bigint,
  v: bigint[],
  changes: Partial<LastReceipt> = {},
): Promise<[modelId: bigint, epochId: bigint, ...Proposal]> {
  const { token, fees } = await splitter.epoch(modelId, epochId);
  const last = {
    server: server.address,
    customer: customer.address,
    receiptId: ethers.id("receipt"),
    recordId: ethers.ZeroHash,
    fee: fees,
    weight: 0n,
    payerFees: await escrow.redeemed(customer, server, modelId, epochId, token),
    proof: [],
    ...changes,
  };
  const root = receiptLeaf(0, last, { v, feeSum: fees, payerFees: last.payerFees });
  return [modelId, epochId, v, 1, root, last];
}

/** Bonds tokens for the operator. */
export async function bond({ operators }: World, token: TestToken, amount: bigint): Promise<void> {
  await token.mint(operator, amount);
  await token.connect(operator).approve(operators, amount);
  await operators.connect(operator).bond(operator, token, amount);
}

/** Closes epoch `epochId` and proposes `v` for it at the first moment. Returns Q. */
export async function propose(world: Ready, epochId: bigint, v: bigint[]): Promise<string> {
  await closeEpoch(world);
  await networkHelpers.time.increase(TIMING.redeemWindow);
  await world.splitter.connect(operator).propose(...(await proposal(world, world.modelId, epochId, v)));
  return ethers.hexlify(int8Bytes((await proposalOf(world.splitter, world.modelId, epochId)).q));
}

/** Same numbers at every run (xorshift). */
export function random(seed: number) {
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const bits = (count: number) => {
    let value = 0n;
    for (let i = 0; i < count; i += 32) value = (value << 32n) | BigInt(next());
    return BigInt.asUintN(count, value);
  };
  return { below: (n: number) => next() % n, bits, signed: (count: number) => (next() & 1 ? -1n : 1n) * bits(count) };
}
