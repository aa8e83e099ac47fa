import { statSync } from "node:fs";
import { expect } from "chai";
import { groth16, zKey } from "snarkjs";
import { Bn254, G1_BYTES } from "../../circuits/bn254.ts";
import { power } from "../../circuits/field.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { DEV_TAU, devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { solveChunk, stopProver } from "../../prover/groth16.ts";
import { evaluateChunk, hashChunk } from "../../prover/witness.ts";
import { DEVELOPMENT } from "../../sdk/transcript.ts";
import { element, randomChunk, seeded } from "../prover/samples.ts";

describe("development keys", function () {
  this.timeout(120_000);
  after(stopProver);

  for (const instance of [INSTANCES.r210, INSTANCES.r1260]) {
    it(`give proofs of ${instance.rows} rows that snarkjs verifies`, async () => {
      const random = seeded(2);
      const key = await devKey(instance);
      const chunk = randomChunk(random, instance.rows);
      const [z, x] = [element(random), element(random)];
      const statement = { z, x, h: await hashChunk(chunk), ...evaluateChunk(chunk, z, x) };
      const { proof, publicSignals } = await groth16.prove(key.zkey, await solveChunk(key.circuit, chunk, statement));
      const exported = await zKey.exportVerificationKey(key.zkey);
      expect(await groth16.verify(exported, publicSignals, proof)).to.equal(true);
      publicSignals[4] = String(BigInt(publicSignals[4]!) + 1n);
      expect(await groth16.verify(exported, publicSignals, proof)).to.equal(false);
    });
  }

  it("are made once and named as what they are", async () => {
    const { zkey } = await devKey(INSTANCES.r210);
    const made = statSync(zkey).mtimeMs;
    expect(zkey).to.match(/build\/keys\/dev-r210-[0-9a-f]{16}\.zkey$/);
    expect(statSync((await devKey(INSTANCES.r210)).zkey).mtimeMs).to.equal(made);
  });

  it("have the published development points, γ2 the generator, and δ2 different from it", async () => {
    const bn254 = await Bn254.load();
    const { G1, G2 } = bn254.curve;
    const key = await verifyingKey(await devKey(INSTANCES.r210));
    expect(key.alpha1).to.deep.equal(bn254.g1(G1.timesScalar(G1.gAffine, DEVELOPMENT.alpha)));
    expect(key.beta2).to.deep.equal(bn254.g2(G2.timesScalar(G2.gAffine, DEVELOPMENT.beta)));
    expect(key.delta2).to.deep.equal(bn254.g2(G2.timesScalar(G2.gAffine, DEVELOPMENT.delta)));
    expect(key.gamma2).to.deep.equal(bn254.g2(G2.gAffine));
    expect(key.delta2).not.to.deep.equal(key.gamma2);
    expect(key.chunkRows).to.equal(210);
  });

  it("come with the powers of the same τ", async () => {
    const bn254 = await Bn254.load();
    const { G1, G2 } = bn254.curve;
    const srs = await devSrs(1_000);
    expect(srs.powers.length).to.equal(1_000 * G1_BYTES);
    expect(srs.development).to.equal(true);
    expect(srs.tauG2).to.deep.equal(bn254.g2(G2.timesScalar(G2.gAffine, DEV_TAU)));
    for (const i of [0, 1, 2, 999]) {
      const expected = bn254.g1(G1.timesScalar(G1.gAffine, power(DEV_TAU, BigInt(i))));
      expect(bn254.g1(srs.powers.slice(i * G1_BYTES, (i + 1) * G1_BYTES))).to.deep.equal(expected);
    }
  });
});
