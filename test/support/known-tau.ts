import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { keccak256, toUtf8Bytes } from "ethers";
import { Bn254, G1_BYTES, G2_BYTES } from "../../circuits/bn254.ts";
import { cached, contentHash, ROOT } from "../../circuits/cache.ts";
import { blake2b, openPowers, type Powers } from "../../circuits/ceremony/powers.ts";
import { toLittleEndian } from "../../circuits/field.ts";
import { multiplyGenerator } from "../../circuits/setup/fixed-base.ts";
import { lagrangeAt } from "../../circuits/setup/keygen.ts";
import { BASE_FIELD, FIELD, mod } from "../../sdk/hash.ts";

/** Secrets of the tests' powers of tau: published here, so worth nothing, and not those of development keys. */
const [TAU, ALPHA, BETA] = ["tau", "alpha", "beta"].map((name) =>
  mod(BigInt(keccak256(toUtf8Bytes(`OpenLedger ceremony test, known to everybody: ${name}`)))),
) as [bigint, bigint, bigint];

/**
 * A prepared powers-of-tau file made from known secrets, for a circuit that fills the domain 2^exponent: a real one takes
 * minutes. Made once.
 * It has what `groth16 setup` reads and no more: no contributions, the first points of sections 3 to 5, and of the Lagrange
 * sections those of the largest domains.
 */
export async function knownTauPowers(exponent: number): Promise<Powers> {
  const name = `known-tau-${contentHash(String(TAU), String(ALPHA), String(BETA))}-${exponent}.ptau`;
  const path = await cached(join(ROOT, "build/srs", name), (temporary) => writePowers(temporary, exponent));
  return openPowers(path, await blake2b(path));
}

async function writePowers(path: string, exponent: number): Promise<void> {
  const bn254 = await Bn254.load();
  const size = 2 ** exponent;
  const powers = new Array<bigint>(2 * size - 1);
  for (let i = 0, scalar = 1n; i < powers.length; i++, scalar = (scalar * TAU) % FIELD) powers[i] = scalar;
  const lagrange = (exp: number) => lagrangeAt(bn254, TAU, 2 ** exp);
  const basis = lagrange(exponent);
  const times = (factor: bigint) => basis.map((value) => (value * factor) % FIELD);

  const g1 = (...lists: bigint[][]) => split(multiplyGenerator(bn254, "G1", lists.flat()), lists, G1_BYTES);
  const g2 = (...lists: bigint[][]) => split(multiplyGenerator(bn254, "G2", lists.flat()), lists, G2_BYTES);
  const [tauG1, alphaG1, betaG1, lagrangeG1, doubled, alphaLagrange, betaLagrange] = g1(
    powers,
    [ALPHA],
    [BETA],
    basis,
    lagrange(exponent + 1),
    times(ALPHA),
    times(BETA),
  );
  const [tauG2, betaG2, lagrangeG2] = g2([1n, TAU], [BETA], basis);
  // The domains 2^0, 2^1, … lie one after the other: 2^exponent - 1 points come before that of 2^exponent.
  const below = (bytes: number) => new Uint8Array((size - 1) * bytes);
  const sections: [number, ...Uint8Array[]][] = [
    [1, u32(32), toLittleEndian([BASE_FIELD]), u32(exponent, exponent)],
    [2, tauG1!],
    [3, tauG2!],
    [4, alphaG1!],
    [5, betaG1!],
    [6, betaG2!],
    [7, u32(0)],
    [12, below(G1_BYTES), lagrangeG1!, doubled!],
    [13, below(G2_BYTES), lagrangeG2!],
    [14, below(G1_BYTES), alphaLagrange!],
    [15, below(G1_BYTES), betaLagrange!],
  ];
  const file = openSync(path, "w");
  try {
    writeSync(file, Buffer.concat([Buffer.from("ptau"), u32(1, sections.length)]));
    for (const [id, ...content] of sections) {
      const bytes = content.reduce((sum, part) => sum + part.length, 0);
      writeSync(file, Buffer.concat([u32(id, bytes, 0), ...content]));
    }
  } finally {
    closeSync(file);
  }
}

function split(points: Uint8Array, lists: bigint[][], bytes: number): Uint8Array[] {
  let at = 0;
  return lists.map((list) => points.subarray(at, (at += list.length * bytes)));
}

const u32 = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
