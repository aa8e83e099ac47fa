import { zKey } from "snarkjs";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { G2 } from "../../sdk/hash.ts";
import { type VerifyingKey, vkId } from "../../sdk/transcript.ts";
import { Bn254 } from "../bn254.ts";
import { compileCircuit } from "../compile.ts";
import type { Instance } from "../instances.ts";
import { readSections, sectionTable } from "../setup/binary.ts";
import { developmentPoints } from "../setup/dev.ts";
import { HEADER_SIZES, type ProvingKey, SECTION, verifyingKey } from "../setup/zkey.ts";
import { type Contribution, readContributions } from "./contributions.ts";
import { initialKey } from "./phase2.ts";
import { type Powers, tauG2 } from "./powers.ts";

/** A key whose whole transcript was checked. */
export interface VerifiedKey extends ProvingKey {
  readonly verifying: VerifyingKey;
  /** under which the verifier knows it */
  readonly vkId: string;
  readonly tauG2: G2;
  readonly contributions: readonly Contribution[];
}

const CIRCUIT_HASH_BYTES = 64;

const refuse = (code: string, zkey: string, message: string) => new OpenLedgerError(code, `key: ${zkey} ${message}`);

/**
 * Checks a key from scratch: that it is the circuit's that is compiled here from its sources, over these powers of tau, and that
 * every contribution and the beacon are what its transcript says. snarkjs checks the transcript; it accepts keys without
 * contributions or beacon, so those are looked for here.
 *
 * @param unfinished accept a key that has no beacon yet, or no contribution either: what contributors check before their turn
 * @throws OpenLedgerError `ZKEY_FORMAT`, `ZKEY_PUBLIC_INPUTS`, `CEREMONY_GAMMA`, `CEREMONY_DEVELOPMENT`, `CEREMONY_CIRCUIT`,
 *   `CEREMONY_CONTRIBUTIONS`, `CEREMONY_BEACON`, `CEREMONY_TRANSCRIPT`
 */
export async function verifyKey(
  zkey: string,
  instance: Instance,
  powers: Powers,
  { unfinished = false } = {},
): Promise<VerifiedKey> {
  const known: number[] = Object.values(SECTION);
  const sections = sectionTable(zkey, "zkey");
  if (sections.size !== known.length || known.some((id) => !sections.has(id)))
    throw refuse("ZKEY_FORMAT", zkey, "lacks sections, or has some that no Groth16 key has. Get it again.");
  const circuit = await compileCircuit(instance);
  const verifying = await verifyingKey({ circuit, zkey });
  const point = await tauG2(powers);
  const contributions = await readContributions(zkey);

  await checkConstants(zkey, verifying, point);
  if (!unfinished) checkContributions(zkey, verifying, contributions);
  const initial = await initialKey(circuit, powers);
  if (!circuitOf(zkey).equals(circuitOf(initial)))
    throw refuse(
      "CEREMONY_CIRCUIT",
      zkey,
      `is not a key of the circuit of ${instance.rows} rows in circuits/src over ${powers.path}. Check out the sources that it was made from, and name its powers.`,
    );
  if (!(await followsFrom(initial, powers, zkey)))
    throw refuse("CEREMONY_TRANSCRIPT", zkey, "does not follow from its contributions: it was changed. Do not use it.");
  return { circuit, zkey, verifying, vkId: vkId(verifying, point, false), tauG2: point, contributions };
}

async function checkConstants(zkey: string, { alpha1, gamma2, delta2 }: VerifyingKey, tau: G2): Promise<void> {
  const bn254 = await Bn254.load();
  if (String(gamma2) !== String(bn254.g2(bn254.curve.G2.gAffine)))
    throw refuse("CEREMONY_GAMMA", zkey, "has a γ2 that is not the generator of G2. Do not use it.");
  const development = await developmentPoints();
  const of = [
    ["α", alpha1, development.alpha1],
    ["δ", delta2, development.delta2],
    ["τ", tau, development.tauG2],
  ].find(([, point, published]) => String(point) === String(published));
  if (of)
    throw refuse(
      "CEREMONY_DEVELOPMENT",
      zkey,
      `has the ${of[0]} of development keys, which everybody knows. Hold a ceremony: docs/ceremony.md.`,
    );
}

function checkContributions(zkey: string, key: VerifyingKey, contributions: readonly Contribution[]): void {
  if (String(key.delta2) === String(key.gamma2) || contributions.every(({ beacon }) => beacon))
    throw refuse(
      "CEREMONY_CONTRIBUTIONS",
      zkey,
      "has no contribution, so that its δ is known to everybody. Contribute with `zk:contribute`.",
    );
  if (!contributions.at(-1)?.beacon)
    throw refuse("CEREMONY_BEACON", zkey, "does not end with a beacon. Apply the announced one with `zk:beacon`.");
}

/** Sizes of the circuit, and the hash over all points that contributions leave as they are. */
function circuitOf(zkey: string): Buffer {
  const found = readSections(zkey, "zkey", [SECTION.header, SECTION.contributions]);
  return Buffer.concat([
    found.get(SECTION.header)!.subarray(0, HEADER_SIZES),
    found.get(SECTION.contributions)!.subarray(0, CIRCUIT_HASH_BYTES),
  ]);
}

async function followsFrom(initial: string, powers: Powers, zkey: string): Promise<boolean> {
  try {
    return await zKey.verifyFromInit(initial, powers.path, zkey);
  } catch {
    return false; // it stumbles over points and parameters that no contribution wrote
  }
}
