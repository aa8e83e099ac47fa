import { getAddress, isHexString } from "ethers";
import { ROLES } from "../deploy/modules/OpenLedger.ts";
import { accessManager } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, readDeployment, requireAddress, requireAtLeast } from "./deployment.ts";
import { functionRoles, heldRoles, roleName, scheduledOperations } from "./roles-view.ts";
import { action, type Context, type Options } from "./run.ts";
import { date } from "./time.ts";

export const show = action<Options>(async (args, context) => {
  const { addresses } = await readDeployment(args, context);
  const contracts = await openProtocol(args, context);
  return {
    message: "What no role is set for is the admin's.",
    manager: addresses.manager,
    holders: (await heldRoles(contracts)).map(({ role, account, delay, words }) => ({
      role: roleName(role),
      account,
      delaySeconds: delay,
      delay: words,
    })),
    functions: (await functionRoles(contracts, addresses)).map(({ key: _, ...one }) => one),
    scheduled: await scheduledOperations(contracts, addresses),
  };
});

type OfRole = Options & { role: string };
type OfHolder = OfRole & { holder: string };

/** A role's number, from its name or itself. */
function parseRole(text: string): bigint {
  const role = ROLES[text as keyof typeof ROLES] ?? (/^\d+$/.test(text) ? BigInt(text) : undefined);
  if (role !== undefined) return role;
  const names = Object.keys(ROLES).join(", ");
  throw new OpenLedgerError("ROLE_UNKNOWN", `role: there is no ${text}. Choose one of ${names}, or give its number.`);
}

export const grant = action<OfHolder & { delay: number }>(async (args, context) => {
  const role = parseRole(args.role);
  const account = requireAddress("holder", args.holder);
  requireAtLeast("delay", args.delay, 0);
  const manager = await accessManager(await ownProtocol(args, context));
  const named = { role: roleName(role), account, delaySeconds: args.delay };
  const [member, delay] = await manager.hasRole(role, account);
  if (member && Number(delay) === args.delay)
    return { message: "It has the role with this delay, nothing sent.", ...named };
  const receipt = await mined(manager.grantRole(role, account, args.delay));
  const change = member && args.delay < Number(delay) ? " A shorter delay holds once the longer one is over." : "";
  return { message: `Granted.${change}`, ...named, transaction: receipt.hash };
});

export const revoke = action<OfHolder>(async (args, context) => {
  const role = parseRole(args.role);
  const account = getAddress(requireAddress("holder", args.holder));
  const own = await ownProtocol(args, context);
  const manager = await accessManager(own);
  const named = { role: roleName(role), account };
  const { since } = await manager.getAccess(role, account);
  if (since === 0n) return { message: "It has not got the role, nothing sent.", ...named };
  // Whoever holds a role may always lay it down himself.
  const sent = account === own.account ? manager.renounceRole(role, account) : manager.revokeRole(role, account);
  const receipt = await mined(sent);
  return { message: account === own.account ? "Renounced." : "Revoked.", ...named, transaction: receipt.hash };
});

/** A call that waits for a delay, as a dry run prints it. */
type Operation = Options & { contract: string; calldata: string };

async function operationOf(args: Operation, context: Context) {
  const { addresses } = await readDeployment(args, context);
  const named = addresses[args.contract as keyof typeof addresses];
  if (!isHexString(args.calldata) || args.calldata.length < 10)
    throw new OpenLedgerError(
      "CALLDATA_INVALID",
      "calldata: it is no call. Give what a task prints with --dry-run as data.",
    );
  return { target: getAddress(named ?? requireAddress("contract", args.contract)), data: args.calldata };
}

export const schedule = action<Operation>(async (args, context) => {
  const { target, data } = await operationOf(args, context);
  const own = await ownProtocol(args, context);
  const manager = await accessManager(own);
  const operationId = await manager.hashOperation(own.account, target, data);
  const known = await manager.getSchedule(operationId);
  if (known !== 0n) return { message: "It is scheduled, nothing sent.", operationId, target, from: date(known) };
  const receipt = await mined(manager.schedule(target, data, 0));
  const from = date(await manager.getSchedule(operationId));
  return { message: "Scheduled: run `roles:execute` then.", operationId, target, from, transaction: receipt.hash };
});

export const execute = action<Operation>(async (args, context) => {
  const { target, data } = await operationOf(args, context);
  const manager = await accessManager(await ownProtocol(args, context));
  const receipt = await mined(manager.execute(target, data));
  return { message: "Executed.", target, transaction: receipt.hash };
});

export const cancel = action<Operation & { caller: string | undefined }>(async (args, context) => {
  const { target, data } = await operationOf(args, context);
  const own = await ownProtocol(args, context);
  const manager = await accessManager(own);
  const caller = requireAddress("caller", args.caller ?? own.account);
  const operationId = await manager.hashOperation(caller, target, data);
  if ((await manager.getSchedule(operationId)) === 0n)
    return {
      message: `Nothing of ${caller} is scheduled, nothing sent. --caller names who scheduled it.`,
      operationId,
      target,
    };
  const receipt = await mined(manager.cancel(caller, target, data));
  return { message: "Cancelled.", operationId, target, transaction: receipt.hash };
});
