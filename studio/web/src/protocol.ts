import { BrowserProvider, type Eip1193Provider, JsonRpcProvider } from "ethers";
import { useMemo } from "react";
import { useAccount, useConnectorClient } from "wagmi";
import { type Protocol, protocol, type TestToken, token } from "../../../sdk/contracts.ts";
import { OpenLedgerError } from "../../../sdk/errors.ts";
import { type Stack, useStack } from "./stack.ts";

const reader = new JsonRpcProvider(new URL("/rpc", location.href).href, undefined, {
  cacheTimeout: -1,
  pollingInterval: 500,
  batchMaxCount: 20,
});

/** The protocol and its token, as the chain tells; nothing can be sent. */
export function useProtocol(): { provider: JsonRpcProvider; protocol: Protocol; token: TestToken } {
  const { addresses, token: paid } = useStack();
  return useMemo(
    () => ({ provider: reader, protocol: protocol(addresses, reader), token: token(paid.address, reader) }),
    [addresses, paid.address],
  );
}

/** What the connected account sends and signs with. */
export type Own = Awaited<ReturnType<typeof ownProtocol>>;

async function ownProtocol(stack: Stack, wallet: Eip1193Provider, address: string) {
  const provider = new BrowserProvider(wallet, undefined, { cacheTimeout: -1, pollingInterval: 500 });
  const signer = await provider.getSigner(address);
  return { address, signer, protocol: protocol(stack.addresses, signer), token: token(stack.token.address, signer) };
}

/**
 * Access to the protocol as the connected account, for event handlers.
 * @throws OpenLedgerError `WALLET_MISSING`, `WALLET_CHAIN`
 */
export function useOwn(): () => Promise<Own> {
  const stack = useStack();
  const { address, chainId } = useAccount();
  const { data: client } = useConnectorClient();
  return async () => {
    if (address === undefined || client === undefined)
      throw new OpenLedgerError("WALLET_MISSING", "No account is connected. Choose one at the top right.");
    if (chainId !== stack.chainId)
      throw new OpenLedgerError(
        "WALLET_CHAIN",
        `The wallet is on chain ${chainId}, the Studio on ${stack.chainId} at ${stack.rpcUrl}. Switch the wallet's network.`,
      );
    return ownProtocol(stack, client as unknown as Eip1193Provider, address); // it has EIP-1193's `request`
  };
}
