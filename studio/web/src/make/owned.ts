import { useQuery } from "@tanstack/react-query";
import { isError } from "ethers";
import { modelOf } from "../../../../sdk/views/models.ts";
import { api } from "../api.ts";
import { useProtocol } from "../protocol.ts";
import type { Job } from "./jobs.ts";

/** A model that OpenLoRA serves. */
export type Deployment = { modelId: string; name: string; gateway: string; server: string };

export const listDeployments = () => api<Deployment[]>("deployments");

/** How far a trained job is on its way to customers; what is not there has not happened yet. */
export type Owned = {
  model?: Awaited<ReturnType<typeof modelOf>>;
  /** What the registration of its sketches used. */
  gas?: bigint;
  /** The open epoch. */
  epoch?: bigint;
  deployed?: Deployment;
};

/** Reads that from the chain and from the servers. */
export function useOwned(job: Job) {
  const { protocol, provider } = useProtocol();
  const { attribution, splitter } = protocol;
  return useQuery({
    queryKey: ["owned", job.id],
    queryFn: async (): Promise<Owned> => {
      const { modelId } = await api<Job>(`jobs/${job.id}`);
      if (modelId === undefined) return {};
      const model = await modelOf(protocol, BigInt(modelId));
      if (!model.commitment) return { model };
      const { commitmentId } = model.commitment;
      const [registered] = await attribution.queryFilter(
        attribution.filters.CommitmentRegistered(modelId, commitmentId),
      );
      const { gasUsed: gas } = (await provider.getTransactionReceipt(registered!.transactionHash))!;
      const epoch = await splitter.currentEpoch(modelId).catch((error: unknown) => {
        if (!isError(error, "CALL_EXCEPTION")) throw error;
        return undefined; // none is open yet
      });
      if (epoch === undefined) return { model, gas };
      const deployed = (await listDeployments()).find((one) => one.modelId === modelId);
      return { model, gas, epoch, ...(deployed && { deployed }) };
    },
  });
}
