import { createPublicClient, defineChain, type EIP1193Provider, getAddress } from "viem";
import { createConfig, createConnector, http } from "wagmi";
import { injected } from "wagmi/connectors";
import type { Stack } from "./stack.ts";

/** Where the choice of a ready-made account outlives a reload. */
const CHOSEN = "openledger.account";

/**
 * The node's own ready-made accounts as a wallet: the chosen one's transactions and signatures are asked of the node,
 * which holds its worthless key. On local chains only.
 */
export const localAccounts = (stack: Stack) =>
  createConnector<EIP1193Provider>((config) => {
    const rpc = createPublicClient({ transport: http(new URL("/rpc", location.href).href) });
    let chosen = localStorage.getItem(CHOSEN) ?? undefined;
    const accounts = () => (chosen ? [getAddress(chosen)] : []);
    const provider = {
      request: ({ method, params }: { method: string; params?: unknown }) =>
        method === "eth_accounts" || method === "eth_requestAccounts"
          ? Promise.resolve(accounts())
          : rpc.request({ method, params } as never),
      on() {},
      removeListener() {},
    } as unknown as EIP1193Provider;
    return {
      id: "local",
      name: "Ready-made account",
      type: "local",
      // biome-ignore lint/suspicious/noExplicitAny: wagmi's own signature has a conditional type no value can have.
      async connect(): Promise<any> {
        return { accounts: accounts(), chainId: stack.chainId };
      },
      async disconnect() {
        localStorage.removeItem(CHOSEN);
        chosen = undefined;
      },
      async getAccounts() {
        return accounts();
      },
      async getChainId() {
        return stack.chainId;
      },
      async getProvider() {
        return provider;
      },
      async isAuthorized() {
        return chosen !== undefined;
      },
      onAccountsChanged([account]) {
        chosen = account;
        if (account) localStorage.setItem(CHOSEN, account);
        config.emitter.emit("change", { accounts: accounts() });
      },
      onChainChanged() {},
      onDisconnect() {},
    };
  });

/** Wallets that can be used on the stack's chain. */
export function walletConfig(stack: Stack) {
  const chain = defineChain({
    id: stack.chainId,
    name: "OpenLedger local",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [stack.rpcUrl] } },
    testnet: true,
  });
  return createConfig({
    chains: [chain],
    connectors: [localAccounts(stack), injected()],
    transports: { [chain.id]: http("/rpc") },
  });
}
