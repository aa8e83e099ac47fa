import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached, contentHash, ROOT } from "../../circuits/cache.ts";
import { type ExportedKey, exportKey, findExport } from "../../circuits/ceremony/exported.ts";
import { beacon, contribute, setup } from "../../circuits/ceremony/phase2.ts";
import { verifyKey } from "../../circuits/ceremony/verify.ts";
import { compileCircuit } from "../../circuits/compile.ts";
import { INSTANCES } from "../../circuits/instances.ts";
import { knownTauPowers } from "./known-tau.ts";

export const CEREMONY_INSTANCE = INSTANCES.r210;
export const BEACON = { value: "0b".repeat(32), iterationsExponent: 10 };

/** The keys of a ceremony of two people over 210 rows a chunk, one file after each step. */
export async function holdCeremony(folder: string) {
  const powers = await knownTauPowers(CEREMONY_INSTANCE.domainPower);
  const [initial, first, second, final] = [0, 1, 2, 3].map((n) => join(folder, `${n}.zkey`)) as [
    string,
    string,
    string,
    string,
  ];
  await setup(CEREMONY_INSTANCE, powers, initial);
  const contributions = [
    await contribute(initial, first, "Alice"),
    await contribute(first, second, "Bob"),
    await beacon(second, final, BEACON.value, BEACON.iterationsExponent),
  ];
  return { powers, initial, first, second, final, contributions };
}

/** A folder with the exported key of a ceremony, held once; for a test that needs a key that is no development key. */
export async function exportedCeremony(): Promise<{ folder: string; exported: ExportedKey }> {
  const { hash } = await compileCircuit(CEREMONY_INSTANCE);
  const { blake2b } = await knownTauPowers(CEREMONY_INSTANCE.domainPower);
  const folder = await cached(join(ROOT, "build/ceremony", `test-${contentHash(hash, blake2b)}`), async (temporary) => {
    const working = mkdtempSync(join(tmpdir(), "openledger-ceremony-"));
    try {
      const { final, powers } = await holdCeremony(working);
      await exportKey(await verifyKey(final, CEREMONY_INSTANCE, powers), powers, temporary);
    } finally {
      rmSync(working, { recursive: true });
    }
  });
  const id = readdirSync(folder)[0]!;
  return { folder, exported: (await findExport(folder, id))! };
}
