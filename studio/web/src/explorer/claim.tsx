import { useQuery } from "@tanstack/react-query";
import { useAccount } from "wagmi";
import { mined } from "../../../../sdk/transactions.ts";
import { claimsOf } from "../../../../sdk/views/money.ts";
import { useOwn, useProtocol } from "../protocol.ts";
import { useStack } from "../stack.ts";

/** What the connected account has to its credit: claims as a contributor, and shares as owner, server or operator. */
export function useEarned(modelIds: bigint[] | undefined) {
  const { protocol } = useProtocol();
  const { token } = useStack();
  const { address } = useAccount();
  return useQuery({
    queryKey: ["earned", address, modelIds?.join()],
    queryFn: async () => ({
      due: (await claimsOf(protocol, modelIds!, address!)).due,
      shares: await protocol.splitter.balance(token.address, address!),
    }),
    enabled: address !== undefined && modelIds !== undefined,
  });
}

/** Claims all that the connected account earned from some models, in one transaction. */
export function useClaim(modelIds: bigint[]): () => Promise<unknown> {
  const own = useOwn();
  return async () => {
    const { protocol, address } = await own();
    const { claims } = await claimsOf(protocol, modelIds, address);
    await mined(protocol.splitter.claim(claims));
  };
}

/** Pays the connected account its shares of fees. */
export function useWithdraw(): () => Promise<unknown> {
  const own = useOwn();
  const { token } = useStack();
  return async () => {
    const { protocol } = await own();
    await mined(protocol.splitter.withdraw(token.address));
  };
}
