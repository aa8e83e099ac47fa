import { INSTANCES } from "../../circuits/instances.ts";
import { devKey, devSrs } from "../../circuits/setup/dev.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { type ProvingKey, verifyingKey } from "../../circuits/setup/zkey.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { sketchRoot, vkId } from "../../sdk/transcript.ts";
import type { Sketches } from "../../trainer/attribution/artifact.ts";
import { registeredAs } from "../operator.ts";
import type { Committed } from "../settlement.ts";

/** All that proving under one commitment takes. */
export type Provable = { committed: Committed; key: ProvingKey; srs: Srs };

export const DEVELOPMENT_CHAIN = 31337n;

/** @throws OpenLedgerError `OPERATOR_CHAIN` where no proving keys exist yet. */
export function requireDevelopmentChain(chainId: bigint): void {
  if (chainId !== DEVELOPMENT_CHAIN)
    throw new OpenLedgerError(
      "OPERATOR_CHAIN",
      `Chain ${chainId} needs production proving keys, and there was no ceremony yet. Use a local chain, ${DEVELOPMENT_CHAIN}.`,
    );
}

/**
 * A commitment's registered data with the local sketches it was made from.
 * @throws OpenLedgerError `OPERATOR_SKETCHES` when the folder holds other sketches.
 */
export async function loadCommitted(protocol: Protocol, commitmentId: string, sketches: Sketches): Promise<Committed> {
  const { gRoot, k } = await protocol.attribution.commitment(commitmentId);
  if (Number(k) !== sketches.k || sketchRoot(sketches.rows, sketches.k) !== gRoot)
    throw new OpenLedgerError(
      "OPERATOR_SKETCHES",
      `The sketches are not those of commitment ${commitmentId}. Name the folder that was registered as it.`,
    );
  return registeredAs(protocol, commitmentId, sketches.rows);
}

/**
 * Proving key and powers of τ for `rows` rows under a registered key.
 * @throws OpenLedgerError `OPERATOR_VERIFYING_KEY` when this program has no proving key for it.
 */
export async function loadKey({ verifier }: Protocol, id: string, rows: number): Promise<Omit<Provable, "committed">> {
  const chunkRows = Number(await verifier.chunkRows(id));
  const instance = Object.values(INSTANCES).find((one) => one.rows === chunkRows);
  const unknown = () =>
    new OpenLedgerError(
      "OPERATOR_VERIFYING_KEY",
      `This program cannot prove under verifying key ${id} (${chunkRows} rows a chunk). Use the version it was made with.`,
    );
  if (!instance) throw unknown();
  const key = await devKey(instance);
  const srs = await devSrs(rows);
  if (vkId(await verifyingKey(key), srs.tauG2, true) !== id) throw unknown();
  return { key, srs };
}
