import { sum } from "./curve.ts";
import { leaf, type Num, tag, word, words } from "./encoding.ts";
import { positionalRoot } from "./merkle.ts";

export const kappa0 = 5000n; // basis points
const basis = 10_000n;

const abs = (n: bigint): bigint => (n < 0n ? -n : n);
export const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
const max = (values: bigint[]): bigint => values.reduce((a, b) => (a > b ? a : b), 0n);

/** Smallest s with s² ≥ n, by bisection: slow and plain. */
export function ceilSqrt(n: bigint): bigint {
  let low = 0n;
  let high = 1n;
  while (high * high < n) high *= 2n;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (middle * middle < n) low = middle + 1n;
    else high = middle;
  }
  return low;
}

export const to18 = (fee: Num, decimals: Num): bigint => {
  if (BigInt(decimals) > 18n) throw new Error("tokens have at most 18 decimals");
  return BigInt(fee) * 10n ** (18n - BigInt(decimals));
};

export interface ReceiptEntry {
  server: Num;
  customer: Num;
  receiptId: string;
  fee: Num;
  weight: Num; // ω_t
  recordId: string;
  q: Num[]; // q_t
}

/** Whether `a` stands before `b` in an epoch: by server, then by customer, then by id. */
export function before(a: ReceiptEntry, b: ReceiptEntry): boolean {
  for (const key of ["server", "customer", "receiptId"] as const) {
    if (BigInt(a[key]) !== BigInt(b[key])) return BigInt(a[key]) < BigInt(b[key]);
  }
  return false;
}

/** Leaves and sums of an epoch's receipts, which must be in strict order. */
export function sumReceipts(
  receipts: ReceiptEntry[],
  k: number,
): { leaves: string[]; V: bigint[]; feeSum: bigint; payerFees: bigint[] } {
  const V = new Array<bigint>(k).fill(0n);
  const payerFees: bigint[] = [];
  let feeSum = 0n;
  const leaves = receipts.map((receipt, index) => {
    const { server, customer, receiptId, fee, weight, recordId, q } = receipt;
    if (index > 0 && !before(receipts[index - 1]!, receipt)) throw new Error("not sorted");
    if (q.length !== k) throw new Error("q_t must have k entries");
    q.forEach((entry, j) => {
      V[j]! += BigInt(weight) * BigInt(entry);
    });
    feeSum += BigInt(fee);
    const same = receipts
      .slice(0, index + 1)
      .filter((one) => BigInt(one.server) === BigInt(server) && BigInt(one.customer) === BigInt(customer));
    const paid = sum(same.map((one) => BigInt(one.fee)));
    payerFees.push(paid);
    const sums = words(...V);
    return leaf(tag("Receipt"), index, server, customer, receiptId, fee, weight, recordId, sums, feeSum, paid);
  });
  if (V.some((v) => abs(v) >= 1n << 120n)) throw new Error("|V_j| must stay below 2^120");
  return { leaves, V, feeSum, payerFees };
}

export const receiptsRoot = (receipts: ReceiptEntry[], k: number): string =>
  positionalRoot(sumReceipts(receipts, k).leaves);

/** V to its int8 form. d = 0 exactly where V = 0. */
export function quantise(V: Num[]): { d: bigint; Q: bigint[] } {
  const values = V.map(BigInt);
  const norm = ceilSqrt(sum(values.map((v) => v * v)));
  const d = max([...values.map(abs), ceilDiv(127n * norm, 468n)]);
  if (d === 0n) return { d, Q: values };
  const Q = values.map((v) => {
    const size = (254n * abs(v) + d) / (2n * d);
    return v < 0n ? -size : size;
  });
  return { d, Q };
}

export const queryBytes = (Q: Num[]): Uint8Array => Uint8Array.from(Q, (entry) => word(entry)[31]!);

export function floorUnits(F18: Num, V: Num[], kappa: bigint = kappa0): bigint {
  const { d, Q } = quantise(V);
  if (Q.every((entry) => entry === 0n)) return 0n;
  return ceilDiv(kappa * BigInt(F18) * 127n, basis * d);
}

export const potOf = (fees: Num, dataBps: Num, dust: Num = 0n): bigint =>
  (BigInt(fees) * BigInt(dataBps)) / basis + BigInt(dust);

export interface Payout {
  pay: bigint[];
  dust: bigint; // the next epoch's
}

const payout = (pot: bigint, pay: bigint[]): Payout => ({ pay, dust: pot - sum(pay) });

export function payProven(pot: Num, totals: Num[], base: Num[], floor: Num): Payout {
  const [money, A, b] = [BigInt(pot), totals.map(BigInt), base.map(BigInt)];
  const claimed = sum(A);
  const D = max([claimed, BigInt(floor)]);
  const pay = A.map((a, c) => (money * a) / D + (money * (D - claimed) * b[c]!) / (D * sum(b)));
  return payout(money, pay);
}

/** Without a proof: by base weights alone. */
export function payByBase(pot: Num, base: Num[]): Payout {
  const b = base.map(BigInt);
  return payout(
    BigInt(pot),
    b.map((weight) => (BigInt(pot) * weight) / sum(b)),
  );
}
