import { useQuery } from "@tanstack/react-query";
import { toUtf8String } from "ethers";
import { fetchVersion } from "../../../../sdk/datanets.ts";
import { bytesInt8 } from "../../../../sdk/hash.ts";
import { proposalOf } from "../../../../sdk/history.ts";
import { fetchManifest } from "../../../../sdk/models.ts";
import { areRecordsOf, type RowRecords } from "../../../../sdk/row-fates.ts";
import { scoreRows, signedTotals, totalsOf } from "../../../../sdk/scores.ts";
import { sketchRoot, starts } from "../../../../sdk/transcript.ts";
import { content } from "../api.ts";
import { useProtocol } from "../protocol.ts";
import { type Commitment, FOREVER } from "../reads.ts";

/**
 * Every row's score in an epoch, computed in this browser from the proposal's Q and the published sketches, which are
 * held against the registered root.
 */
export function useScores(modelId: bigint, epochId: bigint, commitment: Commitment | undefined, proposed: boolean) {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["scores", String(modelId), String(epochId)],
    queryFn: async () => {
      const { q } = await proposalOf(protocol.splitter, modelId, epochId);
      const { manifest } = await fetchManifest(protocol.models, content, modelId, commitment!.release);
      const sketches = bytesInt8(await content.get(manifest.sketches.rows));
      const counts = commitment!.accounts.map(({ rows }) => Number(rows));
      const scores = scoreRows(sketches, q);
      return {
        scores,
        totals: totalsOf(scores, counts),
        signed: signedTotals(scores, counts),
        isCommitted: sketchRoot(sketches, q.length) === commitment!.gRoot,
      };
    },
    enabled: proposed && commitment !== undefined,
    ...FOREVER,
  });
}

/** What a release's sketches say of each row and why it counts as it does. */
export function useRowRecords(modelId: bigint, { commitmentId, release, accounts }: Commitment) {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["row records", commitmentId],
    queryFn: async () => {
      const { manifest } = await fetchManifest(protocol.models, content, modelId, release);
      const records: RowRecords = JSON.parse(toUtf8String(await content.get(manifest.sketches.description)));
      const count = accounts.reduce((sum, { rows }) => sum + Number(rows), 0);
      if (!areRecordsOf(count, records))
        throw new Error(`The sketches of release ${release} do not say why rows count as they do.`);
      return records;
    },
    ...FOREVER,
  });
}

/** Where each contributor's rows begin, and whose a row is. */
export function rowsByOwner({ accounts }: Commitment) {
  const first = starts(accounts.map(({ rows }) => Number(rows)));
  return { first, ownerOf: (row: number) => accounts[first.findLastIndex((start) => start <= row)]! };
}

/** Rows of the versions that a release was trained on, in the order of its sketches. */
export function useTrainingRows({ commitmentId, versions }: Commitment) {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["training rows", commitmentId],
    queryFn: async () => {
      const parts = [];
      for (const { datanetId, version } of versions)
        parts.push(...(await fetchVersion(protocol.datanets, content, datanetId, version)).rows);
      return parts;
    },
    ...FOREVER,
  });
}
