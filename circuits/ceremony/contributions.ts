import { createHash } from "node:crypto";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { Bn254, G1_BYTES, G2_BYTES } from "../bn254.ts";
import { readSections } from "../setup/binary.ts";
import { SECTION } from "../setup/zkey.ts";

/** One multiplication of δ, as a key's transcript records it. */
export interface Contribution {
  /** as whoever contributed wrote it; nothing proves it */
  readonly name: string;
  /** BLAKE2b-512 over its points, in hex: what a contributor publishes, to find it again in the final key */
  readonly hash: string;
  /** public randomness, where it is the beacon */
  readonly beacon?: { readonly value: string; readonly iterationsExponent: number };
}

const HASH_BYTES = 64;
const BEACON = 1;
const PARAMETER = { name: 1, iterations: 2, beacon: 3 } as const;

/** The contributions to a key, first to last. Format: snarkjs, zkey_utils.js, writeMPCParams. @throws OpenLedgerError `ZKEY_FORMAT` */
export async function readContributions(zkey: string): Promise<Contribution[]> {
  const bn254 = await Bn254.load();
  const data = readSections(zkey, "zkey", [SECTION.contributions]).get(SECTION.contributions)!;
  let at = HASH_BYTES; // the circuit's hash
  const take = (bytes: number): Buffer => {
    if (at + bytes > data.length)
      throw new OpenLedgerError("ZKEY_FORMAT", `${zkey} has a list of contributions that is cut off. Get it again.`);
    return data.subarray(at, (at += bytes));
  };
  const hex = (numbers: bigint[]) => numbers.map((one) => one.toString(16).padStart(64, "0")).join("");
  const g1 = () => hex(bn254.g1(new Uint8Array(take(G1_BYTES))));
  const g2 = () => hex(bn254.g2(new Uint8Array(take(G2_BYTES))));

  const contributions: Contribution[] = [];
  for (let left = take(4).readUInt32LE(); left > 0; left--) {
    const points = [g1(), g1(), g1(), g2()].join("") + take(HASH_BYTES).toString("hex");
    const isBeacon = take(4).readUInt32LE() === BEACON;
    const parameters = readParameters(take(take(4).readUInt32LE()));
    contributions.push({
      name: parameters.name,
      hash: createHash("blake2b512").update(points, "hex").digest("hex"),
      ...(isBeacon && {
        beacon: { value: parameters.beacon, iterationsExponent: parameters.iterations },
      }),
    });
  }
  return contributions;
}

function readParameters(bytes: Buffer): { name: string; beacon: string; iterations: number } {
  const found = { name: "", beacon: "", iterations: 0 };
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at++];
    if (kind === PARAMETER.iterations) {
      found.iterations = bytes[at++]!;
      continue;
    }
    const length = bytes[at++]!;
    const value = bytes.subarray(at, (at += length));
    if (kind === PARAMETER.name) found.name = value.toString("utf8");
    if (kind === PARAMETER.beacon) found.beacon = value.toString("hex");
  }
  return found;
}
