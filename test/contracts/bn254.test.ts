import { expect } from "chai";
import { network } from "hardhat";
import { Bn254 } from "../../circuits/bn254.ts";
import { power } from "../../circuits/field.ts";
import { type G1, type G2, BASE_FIELD as P, FIELD as R } from "../../sdk/hash.ts";
import type { Bn254Harness, IAttributionVerifierErrors } from "../../types/ethers-contracts/index.ts";

describe("Bn254", () => {
  const generator: G1 = [1n, 2n];
  const infinity: G1 = [0n, 0n];
  let harness: Bn254Harness;
  let errors: IAttributionVerifierErrors;
  let g1: (scalar: bigint) => G1;
  let g2: (scalar: bigint) => G2;

  before(async () => {
    const { ethers } = await network.create();
    harness = await ethers.deployContract("Bn254Harness");
    errors = await ethers.getContractAt("IAttributionVerifierErrors", harness);
    const bn254 = await Bn254.load();
    const { G1, G2 } = bn254.curve;
    g1 = (scalar) => bn254.g1(G1.timesScalar(G1.gAffine, scalar));
    g2 = (scalar) => bn254.g2(G2.timesScalar(G2.gAffine, scalar));
  });

  it("adds and multiplies points", async () => {
    expect(await harness.add(g1(5n), g1(9n))).to.deep.equal(g1(14n));
    expect(await harness.add(g1(5n), g1(R - 5n))).to.deep.equal(infinity);
    expect(await harness.mul(g1(5n), 9n)).to.deep.equal(g1(45n));
    expect(await harness.mul(g1(5n), 1n)).to.deep.equal(g1(5n));
    expect(await harness.mul(g1(5n), R)).to.deep.equal(infinity);
    expect(await harness.mul(g1(5n), R - 1n)).to.deep.equal(g1(R - 5n));
    expect(await harness.mul(infinity, R - 1n)).to.deep.equal(infinity);
  });

  it("raises to powers", async () => {
    for (const [base, exponent] of [
      [3n, 5n],
      [0n, 0n],
      [R - 2n, 20_790n],
      [12_345n ** 17n % R, 2n ** 40n + 1n],
    ] as const)
      expect(await harness.power(base, exponent)).to.equal(power(base, exponent));
  });

  it("tells points from other pairs", async () => {
    for (const [x, y] of [generator, infinity, g1(7n), g1(R - 7n)]) expect(await harness.isPoint(x, y)).to.equal(true);
    for (const [x, y] of [
      [1n, 1n],
      [1n, 2n + P],
      [P, 0n],
      [0n, P],
    ] as const)
      expect(await harness.isPoint(x, y)).to.equal(false);
  });

  it("checks pairing products", async () => {
    expect(await harness.productIsOne([g1(6n), g1(R - 21n)], [g2(7n), g2(2n)])).to.equal(true);
    expect(await harness.productIsOne([g1(6n), g1(R - 21n)], [g2(7n), g2(3n)])).to.equal(false);
    expect(await harness.productIsOne([infinity], [g2(3n)])).to.equal(true);
  });

  it("#10 names the failure of every precompile", async () => {
    const off: G1 = [1n, 1n];
    for (const call of [
      () => harness.add(off, generator),
      () => harness.add(generator, off),
      () => harness.mul(off, 2n),
      () => harness.productIsOne([off], [g2(1n)]),
      () => harness.productIsOne([generator], [[1n, 1n, 1n, 1n]]),
    ])
      await expect(call()).to.be.revertedWithCustomError(errors, "VerifierPrecompileFailed");
  });

  it("#10 makes no point of what is none by negating it, which calls no precompile", async () => {
    for (const none of [
      [1n, 1n],
      [0n, P],
      [1n, P],
      [1n, 2n + P],
      [1n, P - 2n + P],
      [0n, 2n * P],
      [1n, 2n ** 256n - 1n],
      [P, 0n],
      [P + 1n, 2n],
    ] as G1[]) {
      const [x, y] = await harness.mul(none, R - 1n);
      expect(await harness.isPoint(x, y), `${none}`).to.equal(false);
    }
  });
});
