import { toUtf8String } from "ethers";
import type { Content } from "../../sdk/content.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { fetchManifest } from "../../sdk/models.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { registeredAs } from "../operator.ts";
import type { Published } from "../register.ts";
import type { Committed } from "../settlement.ts";

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
 * Commitment of a model.
 * @throws OpenLedgerError `MODEL_UNREGISTERED`
 */
export async function commitmentOf({ attribution }: Protocol, modelId: bigint): Promise<string> {
  const id = await attribution.commitmentOf(modelId);
  if (BigInt(id) === 0n)
    throw new OpenLedgerError("MODEL_UNREGISTERED", `Model ${modelId} has no commitment. Its owner registers one.`);
  return id;
}

/**
 * A model's sketches as its manifest names them, checked against what was committed.
 * @throws OpenLedgerError `OPERATOR_SKETCHES`, `MODEL_…`, `CONTENT_…`
 */
export async function fetchSketches(protocol: Protocol, store: Content, modelId: bigint): Promise<Published> {
  const { attribution, models } = protocol;
  const id = await commitmentOf(protocol, modelId);
  const { gRoot, k: columns, m0: registered } = await attribution.commitment(id);
  const { manifest } = await fetchManifest(models, store, modelId);
  const rows = Int8Array.from(await store.get(manifest.sketches.rows));
  const { k, m0 } = JSON.parse(toUtf8String(await store.get(manifest.sketches.description))) as Published;
  if (Number(columns) !== k || rows.length % k !== 0 || sketchRoot(rows, k) !== gRoot || registered !== BigInt(m0))
    throw new OpenLedgerError(
      "OPERATOR_SKETCHES",
      `The sketches that model ${modelId} names are not those of commitment ${id}. Its owner made it wrongly: leave it out of \`models\`.`,
    );
  return { rows, k, m0 };
}

/** A commitment's registered data with the sketches it was made from. */
export async function fetchCommitted(protocol: Protocol, store: Content, modelId: bigint): Promise<Committed> {
  const { rows } = await fetchSketches(protocol, store, modelId);
  return registeredAs(protocol, await commitmentOf(protocol, modelId), rows);
}
