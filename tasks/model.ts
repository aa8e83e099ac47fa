import { ZeroHash } from "ethers";
import { openProtocol, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";

export const show = action<Options & { model: bigint }>(async (args, context) => {
  const { model } = args;
  requireAtLeast("model", model, 1);
  const { models, attribution, splitter } = await openProtocol(args, context);
  const { manifestHash, manifestCid, baseHash, adapterHash, methodVersion } = await models.manifest(model);
  const { token, inputPrice, outputPrice, split } = await models.terms(model);
  const { parents, ancestors } = await models.lineage(model);
  const commitmentId = await attribution.commitmentOf(model);
  const result = {
    modelId: model,
    owner: await models.ownerOf(model),
    manifestCid,
    manifestHash,
    baseHash,
    adapterHash,
    methodVersion,
    token,
    inputPrice,
    outputPrice,
    splitBps: {
      data: split.data,
      owner: split.owner,
      server: split.server,
      operator: split.operator,
      protocol: split.protocol,
    },
    release: await models.releases(model),
    stale: await models.isStale(model),
    parents: parents.map(({ modelId, royaltyBps }) => ({ modelId, royaltyBps })),
    ancestors: ancestors.map(({ modelId, parts }) => ({ modelId, partsOfABillion: parts })),
    versions: (await models.versions(model)).map(({ datanetId, version }) => ({ datanetId, version })),
  };
  if (commitmentId === ZeroHash) return { ...result, message: "Its sketches are not registered yet." };
  const { vkId, k, rows, contributors, gRoot } = await attribution.commitment(commitmentId);
  const counts = await attribution.rowCounts(commitmentId);
  const opened = await splitter.queryFilter(splitter.filters.EpochOpened(model));
  return {
    ...result,
    commitmentId,
    vkId,
    gRoot,
    columns: k,
    rows,
    currentEpoch: opened.at(-1)?.args.epochId ?? null,
    message: opened.length === 0 ? "No epoch is open: run `epoch:open`." : "`epoch:show` tells of its epochs.",
    contributors: await Promise.all(
      Array.from({ length: Number(contributors) }, async (_, c) => ({
        contributor: c,
        contribution: await attribution.contributionOf(commitmentId, c),
        account: await attribution.accountOf(commitmentId, c),
        rows: counts[c],
      })),
    ),
  };
});
