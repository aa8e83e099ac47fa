import { Contract, type Provider } from "ethers";
import type { Protocol } from "../../sdk/contracts.ts";

const MANAGER = ["function canCall(address, address, bytes4) view returns (bool, uint32)"];

/** Whether the protocol's access manager lets `account` propose. */
export async function mayPropose({ splitter }: Protocol, account: string, provider: Provider): Promise<boolean> {
  const manager = new Contract(await splitter.authority(), MANAGER, provider);
  const { selector } = splitter.interface.getFunction("propose");
  return (await manager.getFunction("canCall")(account, await splitter.getAddress(), selector))[0] as boolean;
}
