/**
 * Writes `proofs.json`: whole registrations and settlements with true proofs, `node sdk/vectors/generate-proofs.ts`.
 * The key is the development one of 210 rows a chunk. Groth16 proofs are randomised, so each run gives other ones.
 */
import { id } from "ethers";
import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import { verifyingKey } from "../../circuits/setup/zkey.ts";
import { stopProver } from "../../prover/groth16.ts";
import { commitColumns, commitFlags } from "../../prover/kzg.ts";
import { proveOwnership, proveSums } from "../../prover/registration.ts";
import { proveSettlement } from "../../prover/settlement.ts";
import { sampleQuery, sampleSketches } from "../../test/support/samples.ts";
import { leastMovement } from "../../trainer/attribution/weights.ts";
import {
  baseWeights,
  commitmentId,
  flagsBefore,
  foldingChallenge,
  registrationChallenges,
  rowLengths,
  settlementChallenges,
  sketchRoot,
  vkId,
} from "../transcript.ts";
import { address, write } from "./write.ts";

const K = 128;
const chainId = 31337n;
const key = await devKey(INSTANCES.r210);
const verifying = await verifyingKey(key);
const srs = await devSrs(2 ** 11);
const keyId = vkId(verifying, srs.tauG2, true);

const settlements = [];
// One chunk with padding; two chunks with a contributor that spans them, and padding.
for (const [index, counts] of [
  [3, 40, 17, 60],
  [100, 150, 1, 49],
].entries()) {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const sketches = sampleSketches(rows, K);
  const registration = {
    chainId,
    registry: address("registry"),
    modelId: BigInt(index + 1),
    versionHashes: [id(`version ${index}`)],
    k: K,
    counts,
    baseWeights: baseWeights(rowLengths(sketches, K), counts),
    columns: await commitColumns(sketches, K, srs),
    flags: await commitFlags(counts, srs),
    gRoot: sketchRoot(sketches, K),
    m0: BigInt(leastMovement({ rows: sketches, k: K }, sketches)),
    manifestHash: id(`manifest ${index}`),
  };
  const commitment = commitmentId(registration);
  const { zeta, gamma } = registrationChallenges(commitment);
  const { flags, columns } = registration;
  const { statement, totals, proof } = await proveSettlement(
    { counts, sketches, columns, flags },
    sampleQuery(K),
    {
      splitter: address("splitter"),
      chainId,
      verifier: address("verifier"),
      vkId: keyId,
      commitmentId: commitment,
      epochId: BigInt(index),
      prover: address("prover"),
      floorUnits: 10n ** 15n,
    },
    key,
    srs,
  );
  const { sd, z, x } = settlementChallenges(statement);
  settlements.push({
    registration: {
      ...registration,
      commitmentId: commitment,
      zeta,
      gamma,
      opening: await proveOwnership(counts, flags, zeta, srs),
      sums: await proveSums(sketches, K, { zeta, gamma }, srs),
    },
    sketches,
    statement,
    totalValues: totals,
    proof,
    sd,
    z,
    x,
    lambda: foldingChallenge(sd, proof),
    flagsBefore: flagsBefore(counts, verifying.chunkRows, proof.chunks.length),
  });
}
write("proofs", { key: verifying, tauG2: srs.tauG2, vkId: keyId, settlements });
await stopProver();
