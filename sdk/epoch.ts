import { concat, ZeroAddress, ZeroHash } from "ethers";
import { OpenLedgerError } from "./errors.ts";
import { words } from "./hash.ts";
import { leaf, merkleProof, merkleRoot } from "./merkle.ts";

/** κ0 in basis points: at least this part of the fees stands against the scores when a pot is shared. */
export const KAPPA0_BPS = 5000n;
export const BPS = 10_000n;

/** Largest entry and largest norm of Q: 480² for ΣQ², of which rounding takes less than 12 for k ≤ 512. */
export const MAX_ENTRY = 127n;
export const MAX_QUERY_NORM = 480n;
const SCALED_QUERY_NORM = 468n;

/** |V_j| stays below this, so that ΣV² cannot overflow on-chain. */
export const MAX_V = 1n << 120n;

/** One paid call of an epoch, as the operator takes it from the server. */
export type EpochReceipt = {
  server: string;
  customer: string;
  receiptId: string;
  /** Digest of the server's sketch record; zero where it kept none, and then the weight is 0. */
  recordId: string;
  /** In token units. */
  fee: bigint;
  /** ω_t, below 2^64. */
  weight: bigint;
  /** q_t, k entries. */
  sketch: Int8Array;
};

/** A receipt's place in the receipts tree, with the sums up to and including it. */
export type ReceiptLeaf = {
  receipt: EpochReceipt;
  /** V_0 … V_{k−1}. */
  v: bigint[];
  /** All fees so far, in token units. */
  feeSum: bigint;
  /** The fees so far that this customer paid this server. */
  payerFees: bigint;
  hash: string;
};

/** The last receipt as `propose` takes it. */
export type LastReceipt = Omit<EpochReceipt, "sketch"> & { payerFees: bigint; proof: string[] };

/** What `propose` takes behind model and epoch: V, the number of receipts, their root, and the last with its proof. */
export type Proposal = [v: bigint[], count: number, root: string, last: LastReceipt];

/** Receipts in the order of the proposal: strictly by server, customer and id. */
export function sortReceipts<T extends Pick<EpochReceipt, "server" | "customer" | "receiptId">>(receipts: T[]): T[] {
  const sorted = receipts
    .map((receipt) => ({ receipt, key: concat([receipt.server, receipt.customer, receipt.receiptId]) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  sorted.forEach(({ receipt, key }, i) => {
    if (i > 0 && sorted[i - 1]!.key === key)
      throw new OpenLedgerError("EPOCH_DUPLICATE_RECEIPT", `Receipt ${receipt.receiptId} stands twice. Keep one.`);
  });
  return sorted.map(({ receipt }) => receipt);
}

/** Leaf `index` of the receipts tree. */
export const receiptLeaf = (
  index: number,
  { server, customer, receiptId, fee, weight, recordId }: Omit<EpochReceipt, "sketch">,
  { v, feeSum, payerFees }: Pick<ReceiptLeaf, "v" | "feeSum" | "payerFees">,
): string =>
  leaf(
    "Receipt",
    index,
    ["address", "address", "bytes32", "uint256", "uint256", "bytes32", "bytes32", "uint256", "uint256"],
    [
      server,
      customer,
      receiptId,
      fee,
      weight,
      recordId,
      words(v.map((entry) => BigInt.asUintN(256, entry))),
      feeSum,
      payerFees,
    ],
  );

/** V = Σ ω_t q_t, the fees, and the receipts tree: its leaves in order, and its root. */
export function sumReceipts(
  receipts: EpochReceipt[],
  k: number,
): { v: bigint[]; fees: bigint; root: string; leaves: ReceiptLeaf[] } {
  let v = Array<bigint>(k).fill(0n);
  let feeSum = 0n;
  let payerFees = 0n;
  let payer = "";
  const leaves = sortReceipts(receipts).map((receipt, index): ReceiptLeaf => {
    const { server, customer, receiptId, fee, weight, sketch } = receipt;
    if (sketch.length !== k)
      throw new OpenLedgerError(
        "EPOCH_SKETCH_LENGTH",
        `The sketch of ${receiptId} has ${sketch.length} entries, not ${k}.`,
      );
    v = v.map((entry, j) => entry + weight * BigInt(sketch[j]!));
    feeSum += fee;
    payerFees = fee + (payer === concat([server, customer]) ? payerFees : 0n);
    payer = concat([server, customer]);
    const sums = { v, feeSum, payerFees };
    return { receipt, ...sums, hash: receiptLeaf(index, receipt, sums) };
  });
  return { v, fees: feeSum, root: merkleRoot(leaves.map(({ hash }) => hash)), leaves };
}

/** In the place of the last receipt where there is none. */
export const NO_RECEIPT: LastReceipt = {
  server: ZeroAddress,
  customer: ZeroAddress,
  receiptId: ZeroHash,
  recordId: ZeroHash,
  fee: 0n,
  weight: 0n,
  payerFees: 0n,
  proof: [],
};

/** What is proposed for these receipts. */
export const proposalFor = (receipts: EpochReceipt[], k: number): Proposal =>
  proposalWith(sumReceipts(receipts, k).leaves, k);

/** What is proposed with these leaves, right or wrong. */
export function proposalWith(leaves: ReceiptLeaf[], k: number): Proposal {
  const hashes = leaves.map(({ hash }) => hash);
  const root = merkleRoot(hashes);
  const last = leaves.at(-1);
  if (last === undefined) return [Array<bigint>(k).fill(0n), 0, root, NO_RECEIPT];
  const { receipt, v, payerFees } = last;
  return [v, leaves.length, root, { ...receipt, payerFees, proof: merkleProof(hashes, leaves.length - 1) }];
}

/** What a proposal locks of its proposer's bond, where the epoch holds `held`; in the epoch's token. */
export const stakeFor = (held: bigint, bondFactor: bigint): bigint => ceilDiv(held, bondFactor);

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** ⌈√n⌉. */
export function ceilSqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (let next = (root + n / root) / 2n; next < root; next = (root + n / root) / 2n) root = next;
  return root * root === n ? root : root + 1n;
}

/** Int8 form of V and the divisor d it was scaled by; V = 0 gives Q = 0 and d = 0. */
export function quantise(v: bigint[]): { q: Int8Array; d: bigint } {
  const squares = v.reduce((sum, entry) => sum + entry * entry, 0n);
  const largest = v.reduce((most, entry) => max(most, abs(entry)), 0n);
  if (largest >= MAX_V) throw new OpenLedgerError("EPOCH_V_RANGE", "An entry of V is 2^120 or more: split the epoch.");
  if (largest === 0n) return { q: new Int8Array(v.length), d: 0n };
  const byNorm = ceilDiv(MAX_ENTRY * ceilSqrt(squares), SCALED_QUERY_NORM);
  const d = max(largest, byNorm);
  const entry = (value: bigint) => Number((2n * MAX_ENTRY * abs(value) + d) / (2n * d)) * (value < 0n ? -1 : 1);
  return { q: Int8Array.from(v, entry), d };
}

/** ⌈κ0·F18·127/d⌉: the least sum the scores are divided by; 0 when Q = 0. */
export const floorUnits = (fees18: bigint, d: bigint): bigint =>
  d === 0n ? 0n : ceilDiv(KAPPA0_BPS * fees18 * MAX_ENTRY, BPS * d);

/** Fee in token units as 18-decimal value. */
export const toFee18 = (fee: bigint, decimals: number): bigint => fee * 10n ** BigInt(18 - decimals);

/** What each contributor gets of `pot` (token units), and the dust left by rounding. */
export function sharePot(
  pot: bigint,
  totals: bigint[],
  floor: bigint,
  base: bigint[],
): { pay: bigint[]; dust: bigint } {
  const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);
  const scored = sum(totals);
  const divisor = max(scored, floor);
  const baseSum = sum(base);
  const pay = totals.map((total, c) =>
    divisor === 0n
      ? (pot * base[c]!) / baseSum
      : (pot * total) / divisor + (pot * (divisor - scored) * base[c]!) / (divisor * baseSum),
  );
  return { pay, dust: pot - sum(pay) };
}

/** κ = ΣA / F: the part of the fees' votes that netting leaves, from the floor, which is κ0·F in the same units. */
export const netEfficiency = (totals: bigint[], floor: bigint): number =>
  (Number(totals.reduce((a, b) => a + b, 0n)) / Number(floor)) * (Number(KAPPA0_BPS) / Number(BPS));
