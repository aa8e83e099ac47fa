import { Contract, type Provider } from "ethers";
import type { Protocol } from "../../sdk/contracts.ts";
import type { OperatorConfig } from "./config.ts";
import type { Role } from "./look.ts";
import type { ProofStore } from "./proofs.ts";
import type { ReceiptsStore } from "./receipts.ts";

const MANAGER = ["function canCall(address, address, bytes4) view returns (bool, uint32)"];

/** Whether the protocol's access manager lets `account` propose. */
export async function mayPropose({ splitter }: Protocol, account: string, provider: Provider): Promise<boolean> {
  const manager = new Contract(await splitter.authority(), MANAGER, provider);
  const { selector } = splitter.interface.getFunction("propose");
  return (await manager.getFunction("canCall")(account, await splitter.getAddress(), selector))[0] as boolean;
}

/** What decides the operator's steps, now. */
export async function roleOf(
  protocol: Protocol,
  account: string,
  provider: Provider,
  { openEpochs, servers }: Pick<OperatorConfig, "openEpochs" | "servers">,
  proofs: ProofStore,
  receipts: ReceiptsStore,
): Promise<Role> {
  return {
    account,
    openEpochs,
    proofs,
    mayPropose: await mayPropose(protocol, account, provider),
    // Without servers there is nothing to hold another's proposal against.
    trusts: (root) => servers.length === 0 || receipts.treeFile(root) !== undefined,
  };
}
