import { formatEther, formatUnits, type Interface } from "ethers";
import { pauseSwitch, protocol, token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readDeployment } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";

export const accounts = action<Options>(async (args, context) => {
  const token = await localToken(args, context);
  const list = await Promise.all(
    context.accounts.map(async (address, index) => ({
      index,
      address,
      ETH: formatEther(await context.provider.getBalance(address)),
      ...(token && { [token.symbol]: formatUnits(await token.contract.balanceOf(address), token.decimals) }),
    })),
  );
  return { message: "Choose one with --account and its index.", accounts: list };
});

/** The test token of the deployment, if there is one on this chain. */
async function localToken(args: Options, context: Context) {
  try {
    const { addresses } = await readDeployment(args, context);
    if (!addresses.token) return undefined;
    const contract = tokenAt(addresses.token, context.provider);
    return { contract, symbol: await contract.symbol(), decimals: await contract.decimals() };
  } catch (error) {
    // Accounts are there before anything is deployed; but a file that was named must be right.
    if (args.addresses === undefined && error instanceof OpenLedgerError) return undefined;
    throw error;
  }
}

const NAMES: Record<string, string> = { "0": "admin", "1": "operator", "2": "guardian", "3": "auditor", "4": "cases" };
const name = (role: bigint) => NAMES[String(role)] ?? String(role);

export const roles = action<Options>(async (args, context) => {
  const { connection, provider } = context;
  const { addresses } = await readDeployment(args, context);
  const manager = await connection.ethers.getContractAt("AccessManager", addresses.manager);
  const granted = await manager.queryFilter(manager.filters.RoleGranted());
  const pairs = new Map(granted.map(({ args: { roleId, account } }) => [`${roleId} ${account}`, { roleId, account }]));
  const holders = [];
  for (const { roleId, account } of pairs.values()) {
    const [member, delay] = await manager.hasRole(roleId, account); // grants may have been revoked since
    if (member) holders.push({ role: name(roleId), account, delaySeconds: delay });
  }
  const targets = new Map(Object.entries(addresses).map(([key, address]) => [address.toLowerCase(), key]));
  const set = await manager.queryFilter(manager.filters.TargetFunctionRoleUpdated());
  const contracts = protocol(addresses, provider);
  const { splitter, verifier, committee, disputes } = contracts;
  const interfaces: Interface[] = [splitter, verifier, committee, disputes, await pauseSwitch(contracts)].map(
    (one) => one.interface,
  );
  const nameOf = (selector: string) =>
    interfaces.map((known) => known.getFunction(selector)?.name).find(Boolean) ?? selector;
  const functions = set.map(({ args: { target, selector, roleId } }) => ({
    contract: targets.get(target.toLowerCase()) ?? target,
    function: nameOf(selector),
    role: name(roleId),
  }));
  return { message: "What no role is set for is the admin's.", manager: addresses.manager, holders, functions };
});
