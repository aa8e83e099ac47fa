import { expect } from "chai";
import { network } from "hardhat";
import { stopProver } from "../../prover/groth16.ts";
import { AT_ONCE, deployAttribution, registerModel, settle, verify } from "../support/attribution.ts";
import { exportedCeremony } from "../support/ceremony.ts";

describe("AttributionVerifier, with a key of a ceremony", function () {
  this.timeout(300_000);
  after(stopProver);

  it("#13 takes it on a public chain, and settlements proven under it", async () => {
    const { exported } = await exportedCeremony();
    const chain = await deployAttribution(await network.create({ override: { chainId: 1 } }), AT_ONCE, exported);
    expect(chain.vkId).to.equal(exported.vkId);
    expect(await chain.verifier.chunkRows(exported.vkId)).to.equal(210n);
    const { statement, totals, proof } = await settle(chain, await registerModel(chain, [[100, 150, 49]]));
    expect(totals.some((total) => total > 0n)).to.equal(true);
    await verify(chain, statement, proof);
    const [first, second] = proof.chunks as [(typeof proof.chunks)[0], (typeof proof.chunks)[0]];
    const swapped = { ...proof, chunks: [{ ...first, pC: second.pC }, second] };
    await expect(verify(chain, statement, swapped)).to.be.revertedWithCustomError(
      chain.verifier,
      "VerifierProofInvalid",
    );
  });
});
