import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { G2 } from "../../sdk/hash.ts";
import { Bn254, G1_BYTES, G2_BYTES } from "../bn254.ts";
import { readBytes, readSections, type Section, sectionTable } from "../setup/binary.ts";
import { developmentPoints } from "../setup/dev.ts";
import type { Srs } from "../setup/srs.ts";

/** A prepared powers-of-tau file that anybody can get, for circuits of up to 2^power constraints. */
export interface PublishedPowers {
  readonly power: number;
  readonly name: string;
  readonly url: string;
  /** BLAKE2b-512 of the file, in hex */
  readonly blake2b: string;
}

/**
 * The perpetual powers of tau (BN254, 54 contributions and a beacon), prepared for phase 2 and truncated by Hermez, in the sizes of
 * this project's circuits. All are of one τ. Hashes as in the README of snarkjs 0.7.6, "Prepare phase 2":
 * https://github.com/iden3/snarkjs#7-prepare-phase-2
 */
export const PUBLISHED_POWERS: readonly PublishedPowers[] = (
  [
    [
      13,
      "58efc8bf2834d04768a3d7ffcd8e1e23d461561729beaac4e3e7a47829a1c9066d5320241e124a1a8e8aa6c75be0ba66f65bc8239a0542ed38e11276f6fdb4d9",
    ],
    [
      15,
      "982372c867d229c236091f767e703253249a9b432c1710b4f326306bfa2428a17b06240359606cfe4d580b10a5a1f63fbed499527069c18ae17060472969ae6e",
    ],
    [
      17,
      "6247a3433948b35fbfae414fa5a9355bfb45f56efa7ab4929e669264a0258976741dfbe3288bfb49828e5df02c2e633df38d2245e30162ae7e3bcca5b8b49345",
    ],
    [
      19,
      "bca9d8b04242f175189872c42ceaa21e2951e0f0f272a0cc54fc37193ff6648600eaf1c555c70cdedfaf9fb74927de7aa1d33dc1e2a7f1a50619484989da0887",
    ],
  ] as const
).map(([power, blake2b]) => {
  const name = `powersOfTau28_hez_final_${power}.ptau`;
  return { power, name, url: `https://storage.googleapis.com/zkevm/ptau/${name}`, blake2b };
});

/** A powers-of-tau file whose hash was checked. */
export interface Powers {
  readonly path: string;
  readonly blake2b: string;
}

/** Sections of a .ptau file (snarkjs, powersoftau_new.js). */
const SECTION = { header: 1, tauG1: 2, tauG2: 3 } as const;

/** BLAKE2b-512 of a file, in hex. */
export async function blake2b(path: string): Promise<string> {
  const hash = createHash("blake2b512");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/**
 * Takes a powers-of-tau file if it is one that was published, or has the hash that the caller knows from elsewhere. snarkjs never
 * looks at this hash: a ceremony over powers that one person made is worth nothing.
 * @throws OpenLedgerError `POWERS_HASH`, `PTAU_FORMAT`
 */
export async function openPowers(path: string, known?: string): Promise<Powers> {
  const hash = await blake2b(path);
  const expected = known === undefined ? PUBLISHED_POWERS.map((one) => one.blake2b) : [known.toLowerCase()];
  if (!expected.includes(hash))
    throw new OpenLedgerError(
      "POWERS_HASH",
      `powers: the BLAKE2b hash of ${path} is ${hash}, ` +
        (known === undefined ? "which is not that of a published powers-of-tau file" : `not ${known}`) +
        ". Delete it and get it again.",
    );
  sectionTable(path, "ptau");
  return { path, blake2b: hash };
}

/** τ·G2 of a powers-of-tau file. */
export async function tauG2({ path }: Powers): Promise<G2> {
  const bn254 = await Bn254.load();
  const { position } = tableEntry(path, SECTION.tauG2);
  return bn254.g2(new Uint8Array(readBytes(path, position + G2_BYTES, G2_BYTES)));
}

/** All powers of a file, for commitments of as many rows: 2^(power + 1) - 1. */
export async function readSrs(powers: Powers): Promise<Srs> {
  const point = await tauG2(powers);
  return {
    powers: new Uint8Array(readSections(powers.path, "ptau", [SECTION.tauG1]).get(SECTION.tauG1)!),
    tauG2: point,
    development: String(point) === String((await developmentPoints()).tauG2),
  };
}

/** How many rows a file has powers for. */
export const rowsOf = ({ path }: Powers): number => tableEntry(path, SECTION.tauG1).size / G1_BYTES;

function tableEntry(path: string, id: number): Section {
  const section = sectionTable(path, "ptau").get(id);
  if (!section)
    throw new OpenLedgerError("PTAU_FORMAT", `${path} has no section ${id}: it is no whole powers-of-tau file.`);
  return section;
}
