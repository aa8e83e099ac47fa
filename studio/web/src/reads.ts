import { useQuery } from "@tanstack/react-query";
import { commitmentsOf, fetchManifest } from "../../../sdk/models.ts";
import { datanetIds, datanetOf } from "../../../sdk/views/datanets.ts";
import { epochIds, epochOf } from "../../../sdk/views/epochs.ts";
import { commitmentOf, modelIds, modelOf } from "../../../sdk/views/models.ts";
import { accountsOf, creditsOf, royaltiesOf, settlementsOf } from "../../../sdk/views/money.ts";
import { content } from "./api.ts";
import { useProtocol } from "./protocol.ts";

/** What never changes once it was read. */
export const FOREVER = { staleTime: Number.POSITIVE_INFINITY, refetchInterval: false } as const;

/** All Datanets with their contributions and versions. */
export function useDatanets() {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["datanets"],
    queryFn: async () =>
      Promise.all((await datanetIds(protocol.datanets)).map((id) => datanetOf(protocol.datanets, id))),
  });
}

/** One Datanet with its contributions and versions. */
export function useDatanet(id: bigint) {
  const { protocol } = useProtocol();
  return useQuery({ queryKey: ["datanet", String(id)], queryFn: () => datanetOf(protocol.datanets, id) });
}

/** Text of a content id; nothing of none. */
export const useText = (cid: string | undefined) =>
  useQuery({
    queryKey: ["text", cid],
    queryFn: async () => new TextDecoder().decode(await content.get(cid!)),
    enabled: Boolean(cid),
    ...FOREVER,
  });

/** A model's manifest, held against the chain. */
export function useManifest(modelId: bigint) {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["manifest", String(modelId)],
    queryFn: async () => (await fetchManifest(protocol.models, content, modelId)).manifest,
    ...FOREVER,
  });
}

/** The chain's clock, in seconds. */
export function useNow(): bigint | undefined {
  const { provider } = useProtocol();
  return useQuery({
    queryKey: ["now"],
    // A pending block has the time of now; the latest one that of the last transaction.
    queryFn: async () => BigInt((await provider.send("eth_getBlockByNumber", ["pending", false])).timestamp),
    refetchInterval: 1000,
  }).data;
}

export type ModelMoney = Awaited<ReturnType<typeof moneyOf>>;

/** One commitment of a model, with what its contributors earned under it. */
export type Commitment = ModelMoney["commitments"][number];

/** A model with all that was paid for it and to whom. */
async function moneyOf(protocol: ReturnType<typeof useProtocol>["protocol"], modelId: bigint) {
  const model = await modelOf(protocol, modelId);
  const settlements = await settlementsOf(protocol.splitter, modelId);
  const credits = await creditsOf(protocol.splitter, modelId);
  const royalties = await royaltiesOf(protocol.splitter, modelId);
  const commitments = await Promise.all(
    (await commitmentsOf(protocol.attribution, modelId)).map(async (id) => ({
      ...(await commitmentOf(protocol, id)),
      accounts: await accountsOf(protocol, id),
    })),
  );
  return {
    ...model,
    settlements,
    credits,
    royalties,
    /** Oldest first; each is that of one release. */
    commitments,
    /** Of all commitments. */
    accounts: commitments.flatMap(({ accounts }) => accounts),
  };
}

/** One model with its money. */
export function useModel(modelId: bigint) {
  const { protocol } = useProtocol();
  return useQuery({ queryKey: ["model", String(modelId)], queryFn: () => moneyOf(protocol, modelId) });
}

/** All models with their money. */
export function useModels() {
  const { protocol } = useProtocol();
  return useQuery({
    queryKey: ["models"],
    queryFn: async () => Promise.all((await modelIds(protocol.models)).map((id) => moneyOf(protocol, id))),
  });
}

/** A model's epochs, where each stands, the open one last. */
export function useEpochs(modelId: bigint) {
  const { protocol } = useProtocol();
  const now = useNow();
  return useQuery({
    queryKey: ["epochs", String(modelId), String(now)],
    queryFn: async () => {
      const ids = await epochIds(protocol.splitter, modelId);
      return Promise.all(ids.map((id) => epochOf(protocol.splitter, modelId, id, now!)));
    },
    enabled: now !== undefined,
    placeholderData: (before) => before,
    refetchInterval: false,
    gcTime: 5000,
  });
}
