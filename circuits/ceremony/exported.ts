import { createHash } from "node:crypto";
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { G2 } from "../../sdk/hash.ts";
import { type VerifyingKey, vkId } from "../../sdk/transcript.ts";
import { cached } from "../cache.ts";
import { compileCircuit } from "../compile.ts";
import { instanceOf } from "../instances.ts";
import type { Srs } from "../setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../setup/zkey.ts";
import { type Powers, readSrs } from "./powers.ts";
import { type VerifiedKey, verifyKey } from "./verify.ts";

/*
 * A finished key as it is handed to operators and model owners: a folder named by its vkId with the proving key, the powers of τ
 * that commitments under it use, and a manifest. Numbers in the manifest are decimal texts, points in the EVM's order.
 */

const FILES = { manifest: "manifest.json", zkey: "key.zkey", powers: "powers.bin" } as const;

interface Manifest {
  readonly vkId: string;
  readonly chunkRows: number;
  /** SHA-256 of each file, and of the constraint system that the sources compile to */
  readonly sha256: { readonly zkey: string; readonly powers: string; readonly r1cs: string };
  /** BLAKE2b of the powers-of-tau file that it was made over */
  readonly powersOfTau: string;
  readonly tauG2: readonly string[];
  readonly verifyingKey: unknown;
  readonly contributions: VerifiedKey["contributions"];
}

/** A key from an exported folder, ready to prove with. */
export interface ExportedKey {
  readonly key: ProvingKey;
  readonly srs: Srs;
  readonly verifying: VerifyingKey;
  readonly vkId: string;
  /** BLAKE2b of the powers-of-tau file that it was made over */
  readonly powersOfTau: string;
}

/** Writes `folder/<vkId>/`, once. @returns its path */
export async function exportKey(verified: VerifiedKey, powers: Powers, folder: string): Promise<string> {
  return cached(join(folder, verified.vkId), async (temporary) => {
    mkdirSync(temporary, { recursive: true });
    const [zkey, points] = [join(temporary, FILES.zkey), join(temporary, FILES.powers)];
    copyFileSync(verified.zkey, zkey);
    writeFileSync(points, (await readSrs(powers)).powers);
    const manifest: Manifest = {
      vkId: verified.vkId,
      chunkRows: verified.verifying.chunkRows,
      sha256: { zkey: await sha256(zkey), powers: await sha256(points), r1cs: await sha256(verified.circuit.r1cs) },
      powersOfTau: powers.blake2b,
      tauG2: verified.tauG2.map(String),
      verifyingKey: decimals(verified.verifying),
      contributions: verified.contributions,
    };
    writeFileSync(join(temporary, FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  });
}

/**
 * An exported key, if it is whole: its files have the manifest's hashes, the manifest's constants are the key's, and the circuit
 * compiled here is the one it was made for. Whether its ceremony was held well is for `verifyExport`.
 * @throws OpenLedgerError `KEY_FOLDER`, naming the file and what is wrong with it
 */
export async function openExport(path: string): Promise<ExportedKey> {
  const wrong = (file: string, what: string) =>
    new OpenLedgerError("KEY_FOLDER", `key: ${join(path, file)} ${what}. Get the exported folder again.`);
  const manifest = readManifest(path, (what) => wrong(FILES.manifest, what));
  const zkey = join(path, FILES.zkey);
  for (const name of ["zkey", "powers"] as const) {
    const file = join(path, FILES[name]);
    if (!existsSync(file)) throw wrong(FILES[name], "is missing");
    if ((await sha256(file)) !== manifest.sha256[name]) throw wrong(FILES[name], "is not what the manifest says");
  }
  const circuit = await compileCircuit(instanceOf(manifest.chunkRows));
  if ((await sha256(circuit.r1cs)) !== manifest.sha256.r1cs)
    throw new OpenLedgerError(
      "KEY_FOLDER",
      `key: ${path} was made for another circuit than circuits/src has. Check out the sources that it was made from.`,
    );
  const key = { circuit, zkey };
  const verifying = await verifyingKey(key);
  const tauG2 = manifest.tauG2.map(BigInt) as G2;
  if (JSON.stringify(decimals(verifying)) !== JSON.stringify(manifest.verifyingKey))
    throw wrong(FILES.manifest, "has other constants than the key");
  const id = vkId(verifying, tauG2, false);
  if (id !== manifest.vkId) throw wrong(FILES.manifest, `has the id of another key: these constants give ${id}`);
  const powers = new Uint8Array(readFileSync(join(path, FILES.powers)));
  const srs = { powers, tauG2, development: false };
  return { key, srs, verifying, vkId: id, powersOfTau: manifest.powersOfTau };
}

/** The key of this id among the exported ones in a folder, if it is there. @throws as `openExport` */
export async function findExport(folder: string, id: string): Promise<ExportedKey | undefined> {
  const path = join(folder, id);
  if (!existsSync(path)) return undefined;
  const found = await openExport(path);
  if (found.vkId !== id)
    throw new OpenLedgerError("KEY_FOLDER", `key: ${path} holds the key ${found.vkId}. Give the folder that name.`);
  return found;
}

/** Checks an exported folder, and the ceremony behind it. @throws as `openExport` and `verifyKey` */
export async function verifyExport(path: string, powers: Powers): Promise<VerifiedKey> {
  const { key, srs, powersOfTau, vkId: id } = await openExport(path);
  if (powersOfTau !== powers.blake2b)
    throw new OpenLedgerError(
      "POWERS_HASH",
      `powers: the key was made over the file with the BLAKE2b hash ${powersOfTau}, ${powers.path} has ${powers.blake2b}. Name that file.`,
    );
  const verified = await verifyKey(key.zkey, key.circuit.instance, powers);
  const genuine = await readSrs(powers);
  if (verified.vkId !== id || Buffer.compare(genuine.powers, srs.powers) !== 0)
    throw new OpenLedgerError("KEY_FOLDER", `key: ${path} has other powers of τ than ${powers.path}. Export it again.`);
  return verified;
}

function readManifest(path: string, wrong: (what: string) => OpenLedgerError): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(join(path, FILES.manifest), "utf8")) as Manifest;
    const { zkey, powers, r1cs } = manifest.sha256;
    if (![zkey, powers, r1cs].every((hash) => typeof hash === "string") || manifest.tauG2.length !== 4)
      throw new Error("fields are missing");
    return manifest;
  } catch (cause) {
    throw wrong(`cannot be read as the manifest of an exported key (${(cause as Error).message})`);
  }
}

/** As it stands in JSON: bigints as decimal texts. */
const decimals = (key: VerifyingKey): unknown =>
  JSON.parse(JSON.stringify(key, (_, value) => (typeof value === "bigint" ? String(value) : value)));

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
