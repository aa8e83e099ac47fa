import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import type { Srs } from "../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../circuits/setup/zkey.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { vkId } from "../sdk/transcript.ts";

/**
 * Proving key and powers of τ for `rows` rows under a registered verifying key.
 * @throws OpenLedgerError `KEY_UNKNOWN` when this program has no proving key for it.
 */
export async function provingKey(
  { verifier }: Protocol,
  id: string,
  rows: number,
): Promise<{ key: ProvingKey; srs: Srs }> {
  const chunkRows = Number(await verifier.chunkRows(id));
  const instance = Object.values(INSTANCES).find((one) => one.rows === chunkRows);
  const key = instance && (await devKey(instance));
  const srs = await devSrs(rows);
  if (!key || vkId(await verifyingKey(key), srs.tauG2, true) !== id)
    throw new OpenLedgerError(
      "KEY_UNKNOWN",
      `There is no proving key for ${id} (${chunkRows} rows a chunk): only development keys exist so far. Prove where the key is.`,
    );
  return { key, srs };
}
