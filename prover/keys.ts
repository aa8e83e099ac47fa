import { existsSync } from "node:fs";
import { type ExportedKey, findExport } from "../circuits/ceremony/exported.ts";
import { INSTANCES } from "../circuits/instances.ts";
import { devKey, devSrs } from "../circuits/setup/dev.ts";
import type { Srs } from "../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../circuits/setup/zkey.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { isDevelopmentKey, vkId } from "../sdk/transcript.ts";

/** The only chain on which the contracts take development keys. */
export const DEVELOPMENT_CHAIN = 31337n;

/**
 * Proving key and powers of τ for `rows` rows under a registered verifying key: a development key, or an exported one.
 * @param keys Folder of exported keys
 * @throws OpenLedgerError `KEY_UNKNOWN` when this program has no proving key for it; `KEY_FOLDER` where it was tampered with
 */
export async function provingKey(
  { verifier }: Protocol,
  id: string,
  rows: number,
  keys: string | undefined,
): Promise<{ key: ProvingKey; srs: Srs }> {
  if (!isDevelopmentKey(id)) return exportedKey(id, keys);
  const key = await developmentKey(Number(await verifier.chunkRows(id)));
  const srs = await devSrs(rows);
  if (key === undefined || vkId(await verifyingKey(key), srs.tauG2, true) !== id) throw unknown(id, keys);
  return { key, srs };
}

/** Powers of τ alone, for who checks commitments. @throws as `provingKey` */
export const powersUnder = async (id: string, rows: number, keys: string | undefined): Promise<Srs> =>
  isDevelopmentKey(id) ? devSrs(rows) : (await exportedKey(id, keys)).srs;

async function exportedKey(id: string, keys: string | undefined): Promise<ExportedKey> {
  const found = keys && (await findExport(keys, id));
  if (!found) throw unknown(id, keys);
  return found;
}

async function developmentKey(chunkRows: number): Promise<ProvingKey | undefined> {
  const instance = Object.values(INSTANCES).find((one) => one.rows === chunkRows);
  return instance && devKey(instance);
}

const unknown = (id: string, keys: string | undefined) =>
  new OpenLedgerError(
    "KEY_UNKNOWN",
    `keys: there is no proving key for ${id}${keys ? ` in ${keys}` : ", and no folder of exported keys was named"}. ` +
      "Get the folder of this id that its ceremony exported.",
  );

/** @throws OpenLedgerError `OPERATOR_CHAIN` on a chain without development keys, where no folder of others is there. */
export function requireKeys(chainId: bigint, keys: string | undefined): void {
  if (chainId !== DEVELOPMENT_CHAIN && !(keys && existsSync(keys)))
    throw new OpenLedgerError(
      "OPERATOR_CHAIN",
      `keys: chain ${chainId} needs production proving keys${keys ? `, and there is no folder ${keys}` : ""}. ` +
        "Name the folder of exported keys (docs/ceremony.md).",
    );
}
