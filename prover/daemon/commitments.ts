import { toUtf8String } from "ethers";
import type { Content } from "../../sdk/content.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { fetchManifest } from "../../sdk/models.ts";
import { sketchRoot } from "../../sdk/transcript.ts";
import { registeredAs } from "../operator.ts";
import type { Published } from "../register.ts";
import type { Committed } from "../settlement.ts";

/**
 * Last commitment of a model.
 * @throws OpenLedgerError `MODEL_UNREGISTERED`
 */
export async function commitmentOf({ attribution }: Protocol, modelId: bigint): Promise<string> {
  const id = await attribution.commitmentOf(modelId);
  if (BigInt(id) === 0n)
    throw new OpenLedgerError("MODEL_UNREGISTERED", `Model ${modelId} has no commitment. Its owner registers one.`);
  return id;
}

/**
 * The sketches of a commitment, as the manifest of the release that it was made for names them, checked against what was
 * committed.
 * @throws OpenLedgerError `OPERATOR_SKETCHES`, `MODEL_…`, `CONTENT_…`
 */
export async function fetchSketches(protocol: Protocol, store: Content, commitmentId: string): Promise<Published> {
  const { attribution, models } = protocol;
  const { modelId, release, gRoot, k: columns, m0: registered } = await attribution.commitment(commitmentId);
  const { manifest } = await fetchManifest(models, store, modelId, release);
  const rows = Int8Array.from(await store.get(manifest.sketches.rows));
  const { k, m0 } = JSON.parse(toUtf8String(await store.get(manifest.sketches.description))) as Published;
  if (Number(columns) !== k || rows.length % k !== 0 || sketchRoot(rows, k) !== gRoot || registered !== BigInt(m0))
    throw new OpenLedgerError(
      "OPERATOR_SKETCHES",
      `The sketches that model ${modelId} names are not those of commitment ${commitmentId}. Its owner made it wrongly: leave it out of \`models\`.`,
    );
  return { rows, k, m0 };
}

/** A commitment's registered data with the sketches it was made from. */
export async function fetchCommitted(protocol: Protocol, store: Content, commitmentId: string): Promise<Committed> {
  const { rows } = await fetchSketches(protocol, store, commitmentId);
  return registeredAs(protocol, commitmentId, rows);
}
