import { expect } from "chai";
import { keccak256, toUtf8Bytes, toUtf8String } from "ethers";
import { network } from "hardhat";
import { Bn254 } from "../../circuits/bn254.ts";
import { devSrs } from "../../circuits/setup/dev.ts";
import { stopProver } from "../../prover/groth16.ts";
import { combineColumns } from "../../prover/kzg.ts";
import { FIELD, type G1, type G2, int8Bytes } from "../../sdk/hash.ts";
import { DEVELOPMENT, type VerifyingKey, vkId } from "../../sdk/transcript.ts";
import vectors from "../../sdk/vectors/proofs.json" with { type: "json" };
import {
  AT_ONCE,
  type Attribution,
  deployAttribution,
  type Prepared,
  registerModel,
  settle,
  verify,
  verifyArguments,
} from "../support/attribution.ts";
import { EQUAL_COLUMNS, integers, sampleQuery, sparseQuery, ZERO_COLUMN } from "../support/samples.ts";

describe("AttributionVerifier", () => {
  let chain: Attribution;
  let one: Prepared;

  before(async () => {
    chain = await deployAttribution(await network.create());
    one = await registerModel(chain, [
      [3, 40],
      [17, 60],
    ]);
  });
  after(stopProver);

  /** Settles honestly, asks the contract, and gives the totals and what a transaction with this call would cost. */
  async function accepted(prepared: Prepared, query?: Int8Array) {
    const { statement, totals, proof } = await settle(chain, prepared, query);
    await verify(chain, statement, proof);
    const call = chain.verifier.connect(chain.splitter).verify;
    const tx = await chain.splitter.sendTransaction({
      ...(await call.populateTransaction(...verifyArguments(statement, proof))),
      gasLimit: 5_000_000,
    });
    return { totals, gas: Number((await tx.wait())!.gasUsed) };
  }

  describe("settlements", () => {
    it("accepts one chunk with padding", async () => {
      const { totals, gas } = await accepted(one);
      expect(totals.filter((total) => total > 0n)).to.have.length(4);
      expect(gas).to.be.below(540_000);
    });

    it("accepts two chunks with a contributor in both, and padding", async () => {
      await accepted(await registerModel(chain, [[100, 150, 1, 49]]));
    });

    it("accepts three chunks without padding, with contributors that start on their borders", async () => {
      await accepted(await registerModel(chain, [[100, 110, 210, 210]]));
    });

    it("accepts a single contributor whose rows fill the chunk", async () => {
      await accepted(await registerModel(chain, [[210]]));
    });

    it("accepts scores that are all negative or zero: all totals are zero", async () => {
      expect((await accepted(one, sparseQuery(128, { 0: -100 }))).totals).to.deep.equal([0n, 0n, 0n, 0n]);
    });

    it("accepts 256 columns", async () => {
      expect((await accepted(await registerModel(chain, [[12, 8]], 256))).gas).to.be.below(640_000);
    });

    it("accepts 100 contributors for 540,000 gas, and four chunks for 760,000", async () => {
      const many = await registerModel(chain, [Array<number>(100).fill(2)]);
      expect((await accepted(many)).gas).to.be.below(540_000);
      const long = await registerModel(chain, [[200, 300, 200, 140]]);
      expect((await accepted(long)).gas).to.be.below(760_000);
    });

    it("refuses a query that gives no score a meaning", async () => {
      const { statement, proof } = await settle(chain, one);
      const [left, right] = EQUAL_COLUMNS;
      for (const q of [
        new Int8Array(128),
        sparseQuery(128, { [ZERO_COLUMN]: 5 }),
        sparseQuery(128, { [left]: 5, [right]: -5 }),
      ])
        await expect(verify(chain, { ...statement, q }, proof)).to.be.revertedWithCustomError(
          chain.verifier,
          "VerifierZeroScores",
        );
    });

    it("refuses unknown keys and commitments", async () => {
      const { statement, proof } = await settle(chain, one);
      const unknown = chain.ethers.id("unknown");
      await expect(verify(chain, { ...statement, vkId: unknown }, proof))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierUnknownKey")
        .withArgs(unknown);
      await expect(verify(chain, { ...statement, commitmentId: unknown }, proof))
        .to.be.revertedWithCustomError(chain.registry, "RegistryUnknownCommitment")
        .withArgs(unknown);
    });
  });

  describe("commitment of the scores", () => {
    const digits = [1, 7, 8, 9, 15, 16, 17, 120, 127].flatMap((entry) => [entry, -entry]);

    for (const [name, query] of [
      ["random entries", sampleQuery(128)],
      ["single entries", sparseQuery(128, { 3: -127 })],
      ["every border between digits", Int8Array.from({ length: 128 }, (_, j) => digits[j] ?? 0)],
      ["the largest norm", integers("norm", 128, 34)],
      ["entries that cancel", sparseQuery(128, { [EQUAL_COLUMNS[0]]: 9, [EQUAL_COLUMNS[1]]: -9, 30: 2 })],
    ] as const)
      it(`is Σ Q_j·C_j for ${name}`, async () => {
        expect(await chain.verifier.scoreCommitment(one.commitmentId, int8Bytes(query))).to.deep.equal(
          await combineColumns(one.committed.columns, query),
        );
      });

    it("refuses queries as a settlement does", async () => {
      await expect(chain.verifier.scoreCommitment(one.commitmentId, new Uint8Array(127)))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierQueryLength")
        .withArgs(127, 128);
    });
  });

  describe("keys", () => {
    let key: VerifyingKey;
    let g1: (scalar: bigint) => G1;
    let g2: (scalar: bigint) => G2;

    before(async () => {
      const bn254 = await Bn254.load();
      const { G1, G2 } = bn254.curve;
      g1 = (scalar) => bn254.g1(G1.timesScalar(G1.gAffine, scalar));
      g2 = (scalar) => bn254.g2(G2.timesScalar(G2.gAffine, scalar));
      // Points that nobody would call development points, though their secrets are short.
      key = {
        alpha1: g1(3n),
        beta2: g2(4n),
        gamma2: g2(1n),
        delta2: g2(5n),
        ic: [g1(6n), g1(7n), g1(8n), g1(9n), g1(10n), g1(11n)],
        chunkRows: 1260,
      };
    });

    const register = (change: Partial<VerifyingKey> = {}) => chain.verifier.registerKey({ ...key, ...change });

    it("registers the development key under an id that says so", async () => {
      expect(toUtf8String(chain.vkId.slice(0, 8))).to.equal("dev");
      expect(chain.vkId).to.equal(vectors.vkId); // else run sdk/vectors/generate-proofs.ts
      expect(await chain.verifier.chunkRows(chain.vkId)).to.equal(210n);
      expect(await chain.verifier.chunkRows(chain.ethers.id("unknown"))).to.equal(0n);
    });

    it("refuses a key twice", async () => {
      await expect(chain.verifier.registerKey(chain.verifying))
        .to.be.revertedWithCustomError(chain.verifier, "VerifierKeyExists")
        .withArgs(chain.vkId);
    });

    it("refuses a key from anyone but the authority", async () => {
      await expect(chain.verifier.connect(chain.owner).registerKey(key))
        .to.be.revertedWithCustomError(chain.verifier, "AccessManagedUnauthorized")
        .withArgs(chain.owner.address);
    });

    it("refuses chunks without rows", async () => {
      await expect(register({ chunkRows: 0 })).to.be.revertedWithCustomError(chain.verifier, "VerifierInvalidKey");
    });

    it("refuses points off the curve", async () => {
      const ic = key.ic.with(5, [1n, 1n]) as VerifyingKey["ic"];
      const changes: Partial<VerifyingKey>[] = [{ alpha1: [1n, 1n] }, { beta2: [1n, 1n, 1n, 1n] }, { ic }];
      for (const change of changes)
        await expect(register(change)).to.be.revertedWithCustomError(chain.verifier, "VerifierPrecompileFailed");
      await expect(register({ delta2: [1n, 1n, 1n, 1n] })).to.be.revertedWithCustomError(
        chain.verifier,
        "VerifierPrecompileFailed",
      );
    });

    it("#13 refuses a γ2 that is not the generator, and a δ2 that nobody contributed to", async () => {
      await expect(register({ gamma2: g2(2n) })).to.be.revertedWithCustomError(
        chain.verifier,
        "VerifierGammaNotGenerator",
      );
      await expect(register({ delta2: g2(1n) })).to.be.revertedWithCustomError(
        chain.verifier,
        "VerifierNoContribution",
      );
    });

    it("#13 has the development points of the published scalars", async () => {
      for (const [name, scalar] of Object.entries(DEVELOPMENT))
        expect(scalar).to.equal(BigInt(keccak256(toUtf8Bytes(`OpenLedger development only: ${name}`))) % FIELD);
      expect((await devSrs(1)).tauG2).to.deep.equal(g2(DEVELOPMENT.tau));
      expect(chain.verifying.alpha1).to.deep.equal(g1(DEVELOPMENT.alpha));
      expect(chain.verifying.delta2).to.deep.equal(g2(DEVELOPMENT.delta));
    });

    it("#13 refuses development keys off the development chain, and takes others under their content hash", async () => {
      const { ethers } = await network.create({ override: { chainId: 1 } });
      const [admin] = await ethers.getSigners();
      const tauG2 = g2(12n);
      const registry = await ethers.deployContract("AttributionRegistry", [admin, admin, tauG2, admin, AT_ONCE]);
      const manager = await ethers.deployContract("AccessManager", [admin]);
      const verifier = await ethers.deployContract("AttributionVerifier", [registry, manager]);
      for (const change of [{ alpha1: g1(DEVELOPMENT.alpha) }, { delta2: g2(DEVELOPMENT.delta) }])
        await expect(verifier.registerKey({ ...key, ...change }))
          .to.be.revertedWithCustomError(verifier, "VerifierDevelopmentKey")
          .withArgs(1);
      await expect(verifier.registerKey(key))
        .to.emit(verifier, "VerifyingKeyRegistered")
        .withArgs(vkId(key, tauG2, false), 1260, (emitted: unknown[]) => emitted.at(-1) === 1260n);
    });

    it("#13 marks every key on development powers of tau", async () => {
      // On this chain the registry's τG2 is the development point, so that no key is worth more than it.
      await register();
      expect(await chain.verifier.chunkRows(vkId(key, chain.srs.tauG2, true))).to.equal(1260n);
    });
  });
});
