import { OpenLedgerError } from "../../sdk/errors.ts";
import type { G1 } from "../../sdk/hash.ts";
import type { VerifyingKey } from "../../sdk/transcript.ts";
import { Bn254, G1_BYTES, G2_BYTES } from "../bn254.ts";
import type { CompiledCircuit } from "../compile.ts";
import { PUBLIC_INPUTS } from "../instances.ts";
import { readSections } from "./binary.ts";

/** Sections of a Groth16 .zkey file (snarkjs, zkey_utils.js). */
export const SECTION = {
  protocol: 1,
  header: 2,
  ic: 3,
  coefficients: 4,
  a: 5,
  b1: 6,
  b2: 7,
  c: 8,
  h: 9,
  contributions: 10,
} as const;

/** Bytes of a header before its points: two field sizes with their primes, then signals, public inputs, domain. */
export const HEADER_SIZES = 4 + 32 + 4 + 32 + 12;

/** A circuit with the key to prove it. */
export interface ProvingKey {
  readonly circuit: CompiledCircuit;
  /** path of the .zkey */
  readonly zkey: string;
}

/** The verifying key inside a proving key, in the EVM's order. */
export async function verifyingKey({ zkey, circuit }: ProvingKey): Promise<VerifyingKey> {
  const bn254 = await Bn254.load();
  const sections = readSections(zkey, "zkey", [SECTION.header, SECTION.ic]);
  const header = new Uint8Array(sections.get(SECTION.header)!);
  const points = new Uint8Array(sections.get(SECTION.ic)!);
  if (points.length !== (PUBLIC_INPUTS + 1) * G1_BYTES) {
    throw new OpenLedgerError(
      "ZKEY_PUBLIC_INPUTS",
      `${zkey} has ${points.length / G1_BYTES - 1} public inputs, an attribution circuit has ${PUBLIC_INPUTS}. ` +
        "Use a key that was made for this circuit.",
    );
  }
  const ic = (i: number): G1 => bn254.g1(points.slice(i * G1_BYTES, (i + 1) * G1_BYTES));
  let at = HEADER_SIZES;
  const take = (bytes: number) => header.slice(at, (at += bytes));
  const alpha1 = take(G1_BYTES);
  take(G1_BYTES); // beta1
  const [beta2, gamma2] = [take(G2_BYTES), take(G2_BYTES)];
  take(G1_BYTES); // delta1
  const delta2 = take(G2_BYTES);
  return {
    alpha1: bn254.g1(alpha1),
    beta2: bn254.g2(beta2),
    gamma2: bn254.g2(gamma2),
    delta2: bn254.g2(delta2),
    ic: [ic(0), ic(1), ic(2), ic(3), ic(4), ic(5)],
    chunkRows: circuit.instance.rows,
  };
}
