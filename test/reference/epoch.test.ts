import { expect } from "chai";
import { sum } from "./curve.ts";
import { hex } from "./encoding.ts";
import {
  before,
  ceilSqrt,
  floorUnits,
  payByBase,
  payProven,
  potOf,
  quantise,
  queryBytes,
  receiptsRoot,
  sumReceipts,
  to18,
} from "./epoch.ts";
import { claimLeaf, positionalProof, sortedProof, sortedRoot } from "./merkle.ts";
import { signed } from "./scores.ts";
import { type EpochVectors, readVectors } from "./vectors.ts";

/** A plain generator, so that failures repeat. */
function integers(seed: bigint): (below: bigint) => bigint {
  let state = seed;
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) % (1n << 128n);
    return (state >> 8n) % below;
  };
}

describe("reference: one epoch", () => {
  it("takes square roots from above", () => {
    for (let n = 0n; n < 300n; n++) {
      const root = ceilSqrt(n);
      expect(root * root >= n && (root === 0n || (root - 1n) * (root - 1n) < n)).to.equal(true, `${n}`);
    }
  });

  it("keeps every Q within int8 and within the norm, whatever V is", () => {
    const next = integers(1n);
    for (let round = 0; round < 200; round++) {
      const k = [4, 128, 512][round % 3]!;
      const bound = 2n ** (1n + next(119n));
      const flat = round % 2 === 0;
      const V = Array.from({ length: k }, () => (flat ? bound - 1n : next(2n * bound) - bound));
      const { Q } = quantise(V);
      expect(Q.every((q) => q >= -127n && q <= 127n)).to.equal(true);
      expect(sum(Q.map((q) => q * q)) <= 480n ** 2n).to.equal(true, `${V}`);
    }
  });

  it("rounds half away from zero and the same on both sides", () => {
    expect(quantise([254n, 1n, -1n, 3n]).Q).to.deep.equal([127n, 1n, -1n, 2n]);
    expect(quantise([0n, 0n])).to.deep.equal({ d: 0n, Q: [0n, 0n] });
    expect(floorUnits(10n ** 18n, [0n, 0n])).to.equal(0n);
  });

  it("normalises fees to 18 decimals and refuses tokens with more", () => {
    expect(to18(5n, 6)).to.equal(5_000_000_000_000n);
    expect(() => to18(5n, 19)).to.throw();
  });

  it("conserves every pot to the wei and leaves less than two wei of dust a contributor", () => {
    const next = integers(2n);
    for (let round = 0; round < 200; round++) {
      const K = Number(1n + next(20n));
      const numbers = (below: bigint) => Array.from({ length: K }, () => next(below));
      const base = numbers(1000n).map((n) => n + 1n);
      const pot = potOf(next(10n ** 24n), 5000n, next(40n));
      for (const { pay, dust } of [
        payProven(pot, numbers(1n << 30n), base, 1n + next(1n << 34n)),
        payByBase(pot, base),
      ]) {
        expect(sum(pay) + dust).to.equal(pot);
        expect(dust >= 0n && dust < BigInt(2 * K)).to.equal(true);
      }
    }
  });

  it("refuses receipts that are out of order or twice the same", () => {
    const receipt = {
      server: "0x02",
      customer: "0x02",
      receiptId: "0x02",
      fee: 1,
      weight: 1,
      recordId: "0x01",
      q: [1],
    };
    for (const key of ["server", "customer", "receiptId"])
      expect(() => sumReceipts([receipt, { ...receipt, [key]: "0x01" }], 1)).to.throw("not sorted");
    expect(() => sumReceipts([receipt, { ...receipt, server: "0x03", customer: "0x01" }], 1)).to.not.throw();
    expect(() => sumReceipts([receipt, receipt], 1)).to.throw("not sorted");
  });
});

describe("reference: one epoch of the shared vectors", () => {
  const vectors = readVectors<EpochVectors>("epoch");

  it("agrees on sums and root of receipts", () => {
    const { k, receipts, v, fees, root, payerFees, leaves, lastProof } = vectors.receipts;
    const sorted = receipts
      .map(({ sketch, ...rest }) => ({ ...rest, q: signed(Uint8Array.from(Buffer.from(sketch.slice(2), "hex"))) }))
      .sort((a, b) => (before(a, b) ? -1 : 1));
    const own = sumReceipts(sorted, k);
    const { V, feeSum } = own;
    expect(V.map(String)).to.deep.equal(v);
    expect(String(feeSum)).to.equal(fees);
    expect(own.payerFees.map(String)).to.deep.equal(payerFees);
    expect(own.leaves).to.deep.equal(leaves);
    expect(positionalProof(own.leaves, own.leaves.length - 1)).to.deep.equal(lastProof);
    expect(receiptsRoot(sorted, k)).to.equal(root);
  });

  vectors.quantise.forEach(({ v, q, d, squares, fees18, floorUnits: floor }, i) => {
    it(`agrees on d, Q and the floor of V number ${i}`, () => {
      const own = quantise(v);
      expect(String(own.d)).to.equal(d);
      expect(hex(queryBytes(own.Q))).to.equal(q);
      expect(sum(own.Q.map((entry) => entry * entry))).to.equal(BigInt(squares));
      expect(String(floorUnits(fees18, v))).to.equal(floor);
    });
  });

  vectors.sharePot.forEach(({ pot, totals, floor, base, pay, dust }, i) => {
    it(`agrees on every share of pot number ${i}`, () => {
      // The floor is zero exactly where Q is, and then there is no proof.
      const own = floor === "0" ? payByBase(pot, base) : payProven(pot, totals, base, floor);
      expect(own.pay.map(String)).to.deep.equal(pay);
      expect(String(own.dust)).to.equal(dust);
    });
  });

  it("agrees on claims", () => {
    const { commitmentId, cumulative, leaves, root, proofs } = vectors.claims;
    expect(cumulative.map((amount, c) => claimLeaf(commitmentId, c, amount))).to.deep.equal(leaves);
    expect(sortedRoot(leaves)).to.equal(root);
    expect(leaves.map((_, c) => sortedProof(leaves, c))).to.deep.equal(proofs);
  });
});
