import { Interface, type Log } from "ethers";
import { abi, type ContractName } from "#abi";
import { type Addresses, CONTRACT_NAMES } from "./contracts.ts";

/** An event of one of the protocol's contracts, its arguments by name. */
export type ProtocolEvent = { contract: ContractName; name: string; args: Record<string, unknown>; log: Log };

/** The events of a deployment among `logs`, in their order; logs of other contracts, such as tokens, are passed over. */
export function decodeEvents(logs: readonly Log[], addresses: Addresses): ProtocolEvent[] {
  const contracts = new Map(
    CONTRACT_NAMES.map((name) => [addresses[name].toLowerCase(), [name, new Interface(abi(name))] as const]),
  );
  return logs.flatMap((log) => {
    const [contract, known] = contracts.get(log.address.toLowerCase()) ?? [];
    const event = known?.parseLog(log);
    return contract && event ? [{ contract, name: event.name, args: event.args.toObject(), log }] : [];
  });
}
