import type { JsonRpcApiProvider } from "ethers";
import { Interface } from "ethers";
import { ROLES } from "../deploy/modules/OpenLedger.ts";
import { abi, CONTRACTS, type ContractName } from "../sdk/abi.ts";
import { chainTime } from "../sdk/clock.ts";
import { accessManager, type Protocol } from "../sdk/contracts.ts";
import { date } from "./time.ts";

/** A role's name, or its number where it has none. */
export const roleName = (role: bigint): string =>
  Object.entries(ROLES).find(([, id]) => id === role)?.[0] ?? String(role);

/** Who holds which role now, from what was ever granted; `words` tell its delay and what is about to change. */
export async function heldRoles(contracts: Protocol) {
  const manager = await accessManager(contracts);
  const now = await chainTime(manager.runner!.provider as JsonRpcApiProvider);
  const granted = await manager.queryFilter(manager.filters.RoleGranted());
  const pairs = new Map(granted.map(({ args: { roleId, account } }) => [`${roleId} ${account}`, { roleId, account }]));
  const held: { role: bigint; account: string; delay: bigint; words: string }[] = [];
  for (const { roleId: role, account } of pairs.values()) {
    const { since, currentDelay, pendingDelay, effect } = await manager.getAccess(role, account);
    if (since === 0n) continue; // revoked
    const words = [
      `${currentDelay} s`,
      ...(since > now ? [`from ${date(since)}`] : []),
      ...(effect > now ? [`${pendingDelay} s from ${date(effect)}`] : []),
    ];
    held.push({ role, account, delay: currentDelay, words: words.join(", ") });
  }
  return held;
}

/** Functions that were ever opened to a role, and to which they are now. */
export async function functionRoles(contracts: Protocol, addresses: Record<string, string>) {
  const manager = await accessManager(contracts);
  const describe = describer(addresses);
  const set = await manager.queryFilter(manager.filters.TargetFunctionRoleUpdated());
  const functions = new Map(
    set.map(({ args: { target, selector } }) => [`${target} ${selector}`, { target, selector }]),
  );
  return Promise.all(
    [...functions.values()].map(async ({ target, selector }) => {
      const { contract, function: name } = describe(target, selector);
      const role = roleName(await manager.getTargetFunctionRole(target, selector));
      return { key: `${contract} ${selector}`, contract, function: name, role };
    }),
  );
}

/** Operations that were scheduled and neither executed nor cancelled. */
export async function scheduledOperations(contracts: Protocol, addresses: Record<string, string>) {
  const manager = await accessManager(contracts);
  const describe = describer(addresses);
  const now = await chainTime(manager.runner!.provider as JsonRpcApiProvider);
  const scheduled = await manager.queryFilter(manager.filters.OperationScheduled());
  const open = new Map<string, { caller: string; contract: string; function: string; state: string; data: string }>();
  for (const { args } of scheduled) {
    const { operationId, caller, target, data } = args;
    const at = await manager.getSchedule(operationId); // 0 once it is gone
    if (at === 0n) continue;
    const { contract, function: name } = describe(target, data);
    const state = at <= now ? "can be executed" : `can be executed from ${date(at)}`;
    open.set(operationId, { caller, contract, function: name, state, data });
  }
  return [...open.values()];
}

/** Names of a deployment's contract and function, where they are known. */
function describer(addresses: Record<string, string>) {
  const names = new Map(Object.entries(addresses).map(([name, address]) => [address.toLowerCase(), name]));
  return (target: string, data: string) => {
    const contract = names.get(target.toLowerCase()) ?? target;
    const known = (CONTRACTS as string[]).includes(contract);
    const fragment = known ? new Interface(abi(contract as ContractName)).getFunction(data.slice(0, 10)) : null;
    return { contract, function: fragment?.name ?? data.slice(0, 10) };
  };
}
