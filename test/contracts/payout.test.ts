import { expect } from "chai";
import { floorUnits, MAX_QUERY_NORM, MAX_V, quantise, sharePot } from "../../sdk/epoch.ts";
import { bytesInt8 } from "../../sdk/hash.ts";
import { claimRoot } from "../../sdk/merkle.ts";
import { encodeTotals } from "../../sdk/transcript.ts";
import { ethers, random } from "../support/world.ts";

const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);

describe("Payout", () => {
  const library = async () => ethers.deployContract("LibraryHarness");

  async function compare(
    harness: Awaited<ReturnType<typeof library>>,
    pot: bigint,
    totals: bigint[],
    floor: bigint,
    base: bigint[],
  ) {
    const [pay, dust] = await harness.share(pot, encodeTotals(totals), floor, base);
    expect({ pay: [...pay], dust }).to.deep.equal(sharePot(pot, totals, floor, base));
    expect(sum([...pay]) + dust).to.equal(pot);
    expect(dust).to.be.lessThan(2n * BigInt(base.length));
  }

  it("shares as the sdk does, on 300 random pots", async () => {
    const harness = await library();
    const { below, bits } = random(1);
    for (let i = 0; i < 300; i++) {
      const width = 1 + below(12);
      const totals = Array.from({ length: width }, () => (below(4) ? bits(1 + below(64)) : 0n));
      const base = Array.from({ length: width }, () => 1n + bits(32));
      await compare(harness, bits(1 + below(128)), totals, below(5) ? bits(1 + below(180)) : 0n, base);
    }
  });

  it("shares as the sdk does at the extremes", async () => {
    const harness = await library();
    const pot = 2n ** 128n - 1n;
    const total = 2n ** 64n - 1n;
    const weight = 2n ** 32n - 1n;
    await compare(harness, pot, [total, total, 0n], 0n, [weight, weight, weight]);
    await compare(harness, pot, [total, total, 1n], 2n ** 200n - 1n, [weight, 1n, weight]);
    await compare(harness, pot, [0n, 0n], 1n, [weight, 1n]);
    await compare(harness, pot, [0n, 0n], 0n, [weight, 1n]);
    await compare(harness, 0n, [5n, 7n], 3n, [1n, 1n]);
    await compare(harness, 1n, [1n, 1n, 1n], 3n, [1n, 1n, 1n]);
    await compare(harness, 10n ** 18n, Array<bigint>(100).fill(3n), 301n, Array<bigint>(100).fill(7n));
    await compare(harness, 999n, [17n], 0n, [1n]);
  });

  it("pays by base weights where there are no totals", async () => {
    const harness = await library();
    const [pay, dust] = await harness.share(1000n, "0x", 0n, [3n, 5n, 2n]);
    expect([...pay, dust]).to.deep.equal([300n, 500n, 200n, 0n]);
  });

  it("builds the claims tree as the sdk does, for every size up to 33", async () => {
    const harness = await library();
    const { bits } = random(2);
    const id = ethers.id("commitment");
    for (let width = 1; width <= 33; width++) {
      const amounts = Array.from({ length: width }, () => bits(128));
      expect(await harness.claimRoot(id, amounts)).to.equal(claimRoot(id, amounts));
    }
    expect(await harness.claimRoot(id, [])).to.equal(ethers.ZeroHash);
  });
});

describe("Query", () => {
  const library = async () => ethers.deployContract("LibraryHarness");

  async function compare(harness: Awaited<ReturnType<typeof library>>, v: bigint[], fees18: bigint) {
    const expected = quantise(v);
    const [q, d] = await harness.quantise(v);
    expect(d).to.equal(expected.d);
    expect(bytesInt8(q)).to.deep.equal(expected.q);
    expect(await harness.floorUnits(fees18, d)).to.equal(floorUnits(fees18, d));
    const squares = expected.q.reduce((all, entry) => all + entry * entry, 0);
    expect(squares).to.be.lessThan(Number(MAX_QUERY_NORM ** 2n));
    expect(expected.q.includes(-128)).to.equal(false);
  }

  it("quantises as the sdk does, on 200 random vectors", async () => {
    const harness = await library();
    const { below, bits, signed } = random(3);
    for (let i = 0; i < 200; i++) {
      const size = 1 + below(120);
      const length = [128, 256, 512][below(3)]!;
      // Sparse and dense ones, of one size and of all sizes.
      const v = Array.from({ length }, () => (below(3) ? 0n : signed(below(2) ? size : 1 + below(size))));
      await compare(harness, v, bits(1 + below(110)));
    }
  });

  it("quantises as the sdk does at the extremes", async () => {
    const harness = await library();
    const most = MAX_V - 1n;
    await compare(harness, Array<bigint>(512).fill(most), 2n ** 128n * 10n ** 18n);
    await compare(harness, Array<bigint>(512).fill(-most), 1n);
    await compare(harness, [most, ...Array<bigint>(511).fill(0n)], 1n);
    await compare(harness, [-1n, 1n, ...Array<bigint>(126).fill(0n)], 10n ** 18n);
    await compare(harness, [1n, ...Array<bigint>(511).fill(0n)], 2n ** 128n * 10n ** 18n);
    await compare(harness, Array<bigint>(256).fill(0n), 10n ** 18n);
    // Halves, where rounding away from zero shows.
    await compare(harness, [254n, 127n, -127n, 1n, -1n, 3n, -3n, ...Array<bigint>(121).fill(0n)], 5n);
  });

  it("refuses entries that could overflow", async () => {
    const harness = await library();
    const splitter = await ethers.getContractAt("IRewardSplitterErrors", harness);
    for (const entry of [MAX_V, -MAX_V, -(2n ** 127n)])
      await expect(harness.quantise([0n, entry]))
        .to.be.revertedWithCustomError(splitter, "SplitterVectorEntry")
        .withArgs(1n);
  });
});
