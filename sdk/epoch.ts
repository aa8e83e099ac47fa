import { OpenLedgerError } from "./errors.ts";
import { words } from "./hash.ts";
import { leaf, merkleRoot } from "./merkle.ts";

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
  receiptId: string;
  /** Digest of the server's sketch record. */
  recordId: string;
  /** In token units. */
  fee: bigint;
  /** ω_t, below 2^64. */
  weight: bigint;
  /** q_t, k entries. */
  sketch: Int8Array;
};

/** Receipts in the order of the proposal: strictly by id. */
export function sortReceipts<T extends { receiptId: string }>(receipts: T[]): T[] {
  const sorted = receipts.toSorted((a, b) => (BigInt(a.receiptId) < BigInt(b.receiptId) ? -1 : 1));
  sorted.forEach(({ receiptId }, i) => {
    if (i > 0 && sorted[i - 1]!.receiptId === receiptId)
      throw new OpenLedgerError("EPOCH_DUPLICATE_RECEIPT", `Receipt ${receiptId} stands twice. Keep one.`);
  });
  return sorted;
}

/** V = Σ ω_t q_t, and the root of the receipts' sum tree. */
export function sumReceipts(receipts: EpochReceipt[], k: number): { v: bigint[]; fees: bigint; root: string } {
  const v = Array<bigint>(k).fill(0n);
  let fees = 0n;
  const leaves = sortReceipts(receipts).map(({ receiptId, recordId, fee, weight, sketch }, index) => {
    if (sketch.length !== k)
      throw new OpenLedgerError(
        "EPOCH_SKETCH_LENGTH",
        `The sketch of ${receiptId} has ${sketch.length} entries, not ${k}.`,
      );
    sketch.forEach((entry, j) => {
      v[j]! += weight * BigInt(entry);
    });
    fees += fee;
    return leaf(
      "Receipt",
      index,
      ["bytes32", "uint256", "uint256", "bytes32", "bytes32", "uint256"],
      [receiptId, fee, weight, recordId, words(v.map((entry) => BigInt.asUintN(256, entry))), fees],
    );
  });
  return { v, fees, root: merkleRoot(leaves) };
}

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
