import { expect } from "chai";
import { hexlify, randomBytes, toBeHex } from "ethers";
import { ceilSqrt, floorUnits, MAX_V, quantise, sharePot, sortReceipts, sumReceipts } from "../../sdk/epoch.ts";
import { merkleProof, merkleVerify } from "../../sdk/merkle.ts";

/** A small seeded generator, so that a failure can be seen again. */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("epoch sums", () => {
  const server = hexlify(randomBytes(20));
  const customer = hexlify(randomBytes(20));
  const receipt = (weight: bigint, sketch: number[], fee = 5n) => ({
    server,
    customer,
    receiptId: hexlify(randomBytes(32)),
    recordId: hexlify(randomBytes(32)),
    fee,
    weight,
    sketch: Int8Array.from(sketch),
  });

  it("add weighted sketches and fees, whatever the order of the receipts", () => {
    const receipts = [receipt(3n, [1, -2]), receipt(10n ** 18n, [127, -127]), receipt(0n, [9, 9])];
    const sum = sumReceipts(receipts, 2);
    expect(sum.v).to.deep.equal([3n + 127n * 10n ** 18n, -6n - 127n * 10n ** 18n]);
    expect(sum.fees).to.equal(15n);
    expect(sumReceipts(receipts.toReversed(), 2)).to.deep.equal(sum);
  });

  it("stand by server, customer and id, with the fees of each payer and of all", () => {
    const at = (of: number, by: number, id: number, fee: bigint) => ({
      ...receipt(1n, [1, 1], fee),
      server: toBeHex(of, 20),
      customer: toBeHex(by, 20),
      receiptId: toBeHex(id, 32),
    });
    const receipts = [at(2, 1, 1, 1n), at(1, 2, 9, 2n), at(1, 1, 7, 4n), at(1, 2, 3, 8n), at(2, 1, 0, 16n)];
    const { leaves, root } = sumReceipts(receipts, 2);
    expect(leaves.map((one) => receipts.indexOf(one.receipt as (typeof receipts)[0]))).to.deep.equal([2, 3, 1, 4, 0]);
    expect(leaves.map((one) => one.payerFees)).to.deep.equal([4n, 8n, 10n, 16n, 17n]);
    expect(leaves.map((one) => one.feeSum)).to.deep.equal([4n, 12n, 14n, 30n, 31n]);
    const hashes = leaves.map(({ hash }) => hash);
    for (const [i, hash] of hashes.entries())
      expect(merkleVerify(root, hash, i, merkleProof(hashes, i))).to.equal(true);
  });

  it("have a root that binds parties, fee, weight, sketch sum and record of every receipt", () => {
    const receipts = [receipt(3n, [1, -2]), receipt(4n, [5, 6])];
    const root = sumReceipts(receipts, 2).root;
    const changed = [
      { server: hexlify(randomBytes(20)) },
      { customer: hexlify(randomBytes(20)) },
      { fee: 6n },
      { weight: 5n },
      { recordId: hexlify(randomBytes(32)) },
      { sketch: Int8Array.of(1, -1) },
    ];
    for (const change of changed)
      expect(sumReceipts([{ ...receipts[0]!, ...change }, receipts[1]!], 2).root).to.not.equal(root);
  });

  it("refuse a receipt that stands twice and a sketch of the wrong length", () => {
    const one = receipt(1n, [1, 2]);
    expect(() => sortReceipts([one, one])).to.throw(/stands twice.*EPOCH_DUPLICATE_RECEIPT/);
    expect(() => sumReceipts([one], 3)).to.throw(/has 2 entries, not 3.*EPOCH_SKETCH_LENGTH/);
  });
});

describe("quantising V", () => {
  it("keeps entries in [−127, 127] and ΣQ² within 480² for every shape of V", () => {
    const random = seeded(1);
    for (let round = 0; round < 300; round++) {
      const k = [128, 256, 512][round % 3]!;
      const scale = 2 ** Math.floor(random() * 100);
      const sparse = random();
      const v = Array.from({ length: k }, () =>
        random() < sparse ? 0n : BigInt(Math.round((random() - 0.5) * scale)),
      );
      const { q, d } = quantise(v);
      expect(q.every((entry) => Math.abs(entry) <= 127)).to.equal(true);
      expect(q.reduce((sum, entry) => sum + entry * entry, 0)).to.be.at.most(480 * 480);
      for (const [j, entry] of v.entries())
        if (d > 0n) expect(Math.abs(Number(entry) * (127 / Number(d)) - q[j]!)).to.be.at.most(0.5000001);
    }
  });

  it("gives 127 to a lone entry, its sign kept, and zero to zero", () => {
    expect([...quantise([0n, -7n, 0n]).q]).to.deep.equal([0, -127, 0]);
    expect(quantise([0n, 0n])).to.deep.equal({ q: Int8Array.of(0, 0), d: 0n });
  });

  it("refuses an entry of 2^120 or more", () => {
    expect(() => quantise([MAX_V])).to.throw(/2\^120.*EPOCH_V_RANGE/);
    expect([...quantise([MAX_V - 1n]).q]).to.deep.equal([127]);
  });

  it("rounds square roots up", () => {
    for (const n of [0n, 1n, 2n, 3n, 4n, 15n, 16n, 17n, 10n ** 60n, 10n ** 60n + 1n]) {
      const root = ceilSqrt(n);
      expect(root * root >= n && (root === 0n || (root - 1n) ** 2n < n)).to.equal(true);
    }
  });
});

describe("sharing a pot", () => {
  it("pays out all but fewer than 2K wei of dust, never more than the pot, over random epochs", () => {
    const random = seeded(2);
    for (let round = 0; round < 500; round++) {
      const k = 1 + Math.floor(random() * 20);
      const pot = BigInt(Math.floor(random() * 1e15)) * 10n ** BigInt(Math.floor(random() * 10));
      const totals = Array.from({ length: k }, () => (random() < 0.3 ? 0n : BigInt(Math.floor(random() * 1e12))));
      const base = Array.from({ length: k }, () => 1n + BigInt(Math.floor(random() * 1e6)));
      const { pay, dust } = sharePot(pot, totals, BigInt(Math.floor(random() * 1e12)), base);
      expect(pay.reduce((a, b) => a + b, 0n) + dust).to.equal(pot);
      expect(dust >= 0n && dust < 2n * BigInt(k)).to.equal(true);
    }
  });

  it("follows totals alone above the floor, base weights alone without scores, and both between", () => {
    expect(sharePot(100n, [30n, 10n], 40n, [1n, 1n]).pay).to.deep.equal([75n, 25n]);
    expect(sharePot(100n, [0n, 0n], 40n, [3n, 1n]).pay).to.deep.equal([75n, 25n]);
    expect(sharePot(100n, [20n, 0n], 40n, [1n, 1n]).pay).to.deep.equal([75n, 25n]);
    expect(sharePot(100n, [0n, 0n], 0n, [1n, 3n]).pay).to.deep.equal([25n, 75n]);
  });

  it("pays a self-dealer below one half at most dataShare/κ0 of what the purchase cost", () => {
    // One buyer adds fee f on a sketch that only his own rows score on: the gain stays under f·(1/2)/(1/2).
    const random = seeded(3);
    for (let round = 0; round < 200; round++) {
      const fees = 10n ** 6n;
      const bought = BigInt(Math.floor(random() * 1e6));
      const totals = [BigInt(Math.floor(random() * 2e5)), BigInt(200_000 + Math.floor(random() * 6e5))];
      const base = [40n, 60n];
      const payWith = (f: bigint) =>
        sharePot((fees + f) / 2n, [totals[0]! + f, totals[1]!], floorUnits(fees + f, 127n), base).pay[0]!;
      expect(payWith(bought) - payWith(0n) <= bought + 4n).to.equal(true);
    }
  });
});
