import type { Srs } from "../circuits/setup/srs.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { mined } from "../sdk/transactions.ts";
import { commitmentId, registrationChallenges, sketchRoot } from "../sdk/transcript.ts";
import { commitColumns, commitFlags } from "./kzg.ts";
import { proveOwnership } from "./registration.ts";
import type { Committed } from "./settlement.ts";

/**
 * Commits a model's sketches and registers them with the ownership opening. The runner must own the model.
 * @param sketches N × k int8, row-major, in the row order of the model's frozen versions
 */
export async function registerSketches(
  protocol: Protocol,
  modelId: bigint,
  vkId: string,
  sketches: Int8Array,
  k: number,
  srs: Srs,
) {
  const { datanets, models, attribution, addresses } = protocol;
  const { chainId } = await models.runner!.provider!.getNetwork();
  const versionHashes: string[] = [];
  const counts: number[] = [];
  for (const { datanetId, version } of await models.versions(modelId)) {
    versionHashes.push(await datanets.versionHash(datanetId, version));
    counts.push(...(await datanets.versionContributions(datanetId, version)).rowCounts.map(Number));
  }
  const { manifestHash } = await models.manifest(modelId);
  const columns = await commitColumns(sketches, k, srs);
  const flags = await commitFlags(counts, srs);
  const gRoot = sketchRoot(sketches, k);
  const registry = addresses.attribution;
  const id = commitmentId({
    chainId,
    registry,
    modelId,
    versionHashes,
    k,
    counts,
    columns,
    flags,
    gRoot,
    manifestHash,
  });
  const opening = await proveOwnership(counts, flags, registrationChallenges(id).zeta, srs);
  const receipt = await mined(attribution.register({ modelId, vkId, k, columns, flags, gRoot, opening }));
  const committed: Committed = { counts, sketches, columns, flags };
  return { commitmentId: id, committed, receipt };
}
