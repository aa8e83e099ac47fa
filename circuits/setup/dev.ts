import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIELD, type G1, type G2 } from "../../sdk/hash.ts";
import { DEVELOPMENT } from "../../sdk/transcript.ts";
import { Bn254, G1_BYTES } from "../bn254.ts";
import { cached, contentHash, ROOT } from "../cache.ts";
import { compileCircuit } from "../compile.ts";
import type { Instance } from "../instances.ts";
import { multiplyGenerator } from "./fixed-base.ts";
import { writeZkey } from "./keygen.ts";
import { readR1cs } from "./r1cs.ts";
import type { Srs } from "./srs.ts";
import type { ProvingKey } from "./zkey.ts";

/*
 * Keys for tests and local chains. Their secrets are published (sdk/transcript.ts), so anyone can forge proofs under
 * them. Files are called dev-*, live under build/, and the contracts refuse these keys on any chain but 31337.
 */

/** τ of the development keys and commitments: public, hence worthless outside development. */
export const DEV_TAU: bigint = DEVELOPMENT.tau;

/** What the contracts know development keys and powers by. */
export async function developmentPoints(): Promise<{ alpha1: G1; delta2: G2; tauG2: G2 }> {
  const bn254 = await Bn254.load();
  const { G1, G2 } = bn254.curve;
  return {
    alpha1: bn254.g1(G1.timesScalar(G1.gAffine, DEVELOPMENT.alpha)),
    delta2: bn254.g2(G2.timesScalar(G2.gAffine, DEVELOPMENT.delta)),
    tauG2: bn254.g2(G2.timesScalar(G2.gAffine, DEVELOPMENT.tau)),
  };
}

/** Development proving key of an instance, made once: `build/keys/dev-<instance>-<hash>.zkey`. */
export async function devKey(instance: Instance): Promise<ProvingKey> {
  const circuit = await compileCircuit(instance);
  const hash = contentHash(circuit.hash, ...Object.values(DEVELOPMENT).map(String));
  const zkey = await cached(join(ROOT, "build/keys", `dev-${instance.name}-${hash}.zkey`), (temporary) =>
    writeZkey(temporary, readR1cs(circuit.r1cs), DEVELOPMENT),
  );
  return { circuit, zkey };
}

/** Development powers of τ for vectors of up to `length` rows, kept under `build/srs/` in sizes that double. */
export async function devSrs(length: number): Promise<Srs> {
  const bn254 = await Bn254.load();
  const size = 2 ** Math.max(11, Math.ceil(Math.log2(length)));
  const name = `dev-${contentHash(String(DEV_TAU))}-${size}.bin`;
  const path = await cached(join(ROOT, "build/srs", name), async (temporary) => {
    const scalars = new Array<bigint>(size);
    for (let i = 0, scalar = 1n; i < size; i++, scalar = (scalar * DEV_TAU) % FIELD) scalars[i] = scalar;
    writeFileSync(temporary, multiplyGenerator(bn254, "G1", scalars));
  });
  return {
    powers: new Uint8Array(readFileSync(path).subarray(0, length * G1_BYTES)),
    tauG2: (await developmentPoints()).tauG2,
    development: true,
  };
}
