import type { JsonRpcApiProvider } from "ethers";

/** The time by which the chain would judge a transaction sent now, in seconds. */
export async function chainTime(rpc: JsonRpcApiProvider): Promise<bigint> {
  // Asked as it stands: ethers takes no block without a number, and a pending one has none.
  const next: { timestamp: string } =
    (await rpc.send("eth_getBlockByNumber", ["pending", false])) ??
    (await rpc.send("eth_getBlockByNumber", ["latest", false]));
  return BigInt(next.timestamp);
}
