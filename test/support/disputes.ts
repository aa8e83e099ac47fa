import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { commitColumns, commitFlags } from "../../prover/kzg.ts";
import type { Committed } from "../../prover/settlement.ts";
import { standingProposal } from "../../sdk/disputes.ts";
import {
  commitmentSalts,
  type Receipt,
  receiptId,
  recordId,
  signReceipt,
  signSketchRecord,
  splitterDomain,
} from "../../sdk/eip712.ts";
import { type EpochReceipt, toFee18 } from "../../sdk/epoch.ts";
import type { AttributedReceipt } from "../../sdk/receipts.ts";
import { sketchRecord } from "../../sdk/receipts.ts";
import { type OpenLeaf, ReceiptsTree } from "../../sdk/receipts-tree.ts";
import { movement, queryWeight } from "../../trainer/attribution/weights.ts";
import { integers, sampleSketches } from "./samples.ts";
import {
  auditors,
  COUNTS,
  closeEpoch,
  contributors,
  customer,
  deployed,
  deposit,
  ethers,
  freeze,
  K,
  mint,
  networkHelpers,
  operator,
  type Ready,
  register,
  registerKey,
  type Signer,
  server,
  stranger,
  TIMING,
  voucher,
} from "./world.ts";

const ROWS = COUNTS.reduce((sum, count) => sum + count, 0);

export const key = await devKey(INSTANCES.r210);
export const srs = await devSrs(ROWS);
export const M0 = 1;
export const sketches = sampleSketches(ROWS, K);
export const committed: Committed = {
  counts: COUNTS,
  sketches,
  columns: await commitColumns(sketches, K, srs),
  flags: await commitFlags(COUNTS, srs),
};

/** ω of a sketch for a fee in units of the test token, which has 6 decimals. */
export const weightOf = (sketch: Int8Array, fee: bigint): bigint =>
  queryWeight(toFee18(fee, 6), movement({ rows: sketches, k: K }, sketch), M0);

/** A call that a server sold: to whom, for what, and its sketch, if it kept a record of it. */
export type Sale = { server: Signer; customer: Signer; fee: bigint; sketch?: Int8Array };

const second = { server: contributors[4]!, customer: contributors[5]! };
const sketch = (i: number) => integers(`query ${i}`, K, 20);

/** Three payers: a call with a record, two of which one has none, and four of which one moves nothing. */
export const SALES: Sale[] = [
  { server, customer: second.customer, fee: 700n, sketch: sketch(0) },
  { server, customer, fee: 1000n, sketch: sketch(1) },
  { server, customer, fee: 2500n },
  { server: second.server, customer, fee: 40n, sketch: sketch(2) },
  { server: second.server, customer, fee: 1n, sketch: new Int8Array(K) },
  { server: second.server, customer, fee: 3000n, sketch: sketch(3) },
  { server: second.server, customer, fee: 200n, sketch: sketch(4) },
];

/** An epoch whose calls were paid, ready for proposals. */
export type Sold = Ready & {
  records: Map<string, AttributedReceipt>;
  receipts: EpochReceipt[];
  /** What an honest operator proposes. */
  tree: ReceiptsTree;
};

/** What a server signs for a call. */
export async function sign(
  { splitter, modelId }: Ready,
  { server, customer, fee, sketch }: Sale,
  nonce: number,
): Promise<{ record: AttributedReceipt; receipt: EpochReceipt }> {
  const domain = splitterDomain(31337n, splitter.target as string);
  const receipt: Receipt = {
    customer: customer.address,
    server: server.address,
    modelId,
    epochId: 0n,
    nonce: BigInt(nonce),
    request: ethers.id(`request ${nonce}`),
    response: ethers.id(`response ${nonce}`),
    inputTokens: 10n,
    outputTokens: 20n,
    fee,
  };
  const parts = {
    receipt,
    sketchSalt: commitmentSalts(ethers.id(`secret ${nonce}`)).sketch,
    sketch: sketch ?? new Int8Array(K),
  };
  const written = sketchRecord(domain, parts);
  const record = {
    ...parts,
    receiptSignature: await signReceipt(server, domain, receipt),
    recordSignature: await signSketchRecord(server, domain, written),
  };
  const ids = { server: receipt.server, customer: receipt.customer, receiptId: receiptId(domain, receipt) };
  const kept = sketch
    ? { recordId: recordId(domain, written), weight: weightOf(sketch, fee) }
    : { recordId: ethers.ZeroHash, weight: 0n };
  return { record, receipt: { ...ids, ...kept, fee, sketch: parts.sketch } };
}

/** Receipts and records of sales. */
export async function signAll(world: Ready, sales: Sale[]): Promise<Pick<Sold, "records" | "receipts" | "tree">> {
  const signed = await Promise.all(sales.map((sale, nonce) => sign(world, sale, nonce)));
  const receipts = signed.map(({ receipt }) => receipt);
  const records = new Map(signed.map(({ record, receipt }) => [receipt.receiptId, record]));
  return { records, receipts, tree: ReceiptsTree.of(receipts, records, K) };
}

/** A model with true sketches, and an epoch of it with the sales of `SALES`, closed and redeemed. */
export async function sold(): Promise<Sold> {
  const world = await deployed();
  const vkId = await registerKey(world, await verifyingKey(key));
  const datanetId = await freeze(world, COUNTS);
  const modelId = await mint(world, datanetId, world.token);
  const id = await register(world, modelId, COUNTS, { rows: sketches, k: K, m0: M0 }, vkId);
  const all: Ready = { ...world, modelId, id };
  await world.splitter.openEpoch(modelId);
  for (const payer of [customer, second.customer]) await deposit(world, payer, 1_000_000n);
  for (const { server, customer, fee } of payments(SALES)) {
    const fields = { server: server.address, customer: customer.address, cumulative: fee };
    await world.escrow.connect(server).redeem(...(await voucher(all, fields, customer)));
  }
  await closeEpoch(all);
  await networkHelpers.time.increase(TIMING.redeemWindow);
  for (const account of [stranger, ...auditors]) await bondFor(all, account, 10_000n);
  return { ...all, ...(await signAll(all, SALES)) };
}

/** What each payer paid in all. */
function payments(sales: Sale[]): Sale[] {
  const sums = new Map<string, Sale>();
  for (const sale of sales) {
    const payer = `${sale.server.address} ${sale.customer.address}`;
    sums.set(payer, { ...sale, fee: (sums.get(payer)?.fee ?? 0n) + sale.fee });
  }
  return [...sums.values()];
}

export async function bondFor({ operators, token }: Ready, account: Signer, amount: bigint): Promise<void> {
  await token.mint(account, amount);
  await token.connect(account).approve(operators, amount);
  await operators.connect(account).bond(account, token, amount);
}

export type Proposal = { modelId: bigint; epochId: bigint; round: bigint };

/** Proposes a tree for epoch 0, right or wrong. */
export async function proposeTree({ splitter, modelId }: Ready, tree: ReceiptsTree): Promise<Proposal> {
  const { receipt, v, payerFees } = tree.leaves.at(-1)!;
  const count = tree.leaves.length;
  const last = { ...receipt, payerFees, proof: tree.proven(count - 1).siblings };
  await splitter.connect(operator).propose(modelId, 0n, v, count, tree.root, last);
  return standingProposal(splitter, modelId, 0n);
}

/** The tree with leaf `index` changed. */
export function changed(
  tree: ReceiptsTree,
  index: number,
  change: (leaf: OpenLeaf) => Partial<OpenLeaf>,
): ReceiptsTree {
  return new ReceiptsTree(tree.leaves.map((leaf, i) => (i === index ? { ...leaf, ...change(leaf) } : leaf)));
}
