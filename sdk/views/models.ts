import { ZeroHash } from "ethers";
import type { ModelNFT, Protocol } from "../contracts.ts";

/** Ids of all models, in the order they were minted. */
export async function modelIds(models: ModelNFT): Promise<bigint[]> {
  const minted = await models.queryFilter(models.filters.ModelMinted());
  return minted.map(({ args }) => args.modelId);
}

/**
 * A model as the chain shows it; its commitment once its sketches are registered.
 * @throws the contract's `ModelUnknown`
 */
export async function modelOf({ models, attribution }: Protocol, modelId: bigint) {
  const { manifestHash, manifestCid, baseHash, adapterHash, methodVersion } = await models.manifest(modelId);
  const { token, inputPrice, outputPrice, split } = await models.terms(modelId);
  const { data, owner, server, operator, protocol } = split;
  const { parents, ancestors } = await models.lineage(modelId);
  const commitmentId = await attribution.commitmentOf(modelId);
  return {
    modelId,
    owner: await models.ownerOf(modelId),
    manifestCid,
    manifestHash,
    baseHash,
    adapterHash,
    methodVersion,
    token,
    inputPrice,
    outputPrice,
    splitBps: { data, owner, server, operator, protocol },
    release: await models.releases(modelId),
    stale: await models.isStale(modelId),
    parents: parents.map(({ modelId, royaltyBps }) => ({ modelId, royaltyBps })),
    ancestors: ancestors.map(({ modelId, parts }) => ({ modelId, partsOfABillion: parts })),
    versions: (await models.versions(modelId)).map(({ datanetId, version }) => ({ datanetId, version })),
    ...(commitmentId !== ZeroHash && { commitment: await commitmentOf({ models, attribution }, commitmentId) }),
  };
}

/** A commitment, and the versions whose rows it holds. */
export async function commitmentOf(
  { models, attribution }: Pick<Protocol, "models" | "attribution">,
  commitmentId: string,
) {
  const { modelId, release, vkId, k, rows, gRoot, m0 } = await attribution.commitment(commitmentId);
  const [, versions] = await models.release(modelId, release);
  return {
    commitmentId,
    release,
    versions: versions.map(({ datanetId, version }) => ({ datanetId, version })),
    vkId,
    gRoot,
    m0,
    columns: k,
    rows,
  };
}

/** Contributors of a commitment, in order: whose rows they are, how long these are, and who is paid for them. */
export async function contributorsOf({ attribution }: Pick<Protocol, "attribution">, commitmentId: string) {
  const counts = await attribution.rowCounts(commitmentId);
  const weights = await attribution.baseWeights(commitmentId);
  return Promise.all(
    counts.map(async (rows, contributor) => ({
      contributor,
      contribution: await attribution.contributionOf(commitmentId, contributor),
      account: await attribution.accountOf(commitmentId, contributor),
      rows,
      baseWeight: weights[contributor]!,
    })),
  );
}
