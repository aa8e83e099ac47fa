import { pauseSwitch } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol } from "./deployment.ts";
import { action, type Options } from "./run.ts";

/** `Group` of IPauseSwitch. */
const GROUPS = ["datanets", "contributions", "models", "epochs", "deposits"];

export const show = action<Options>(async (args, context) => {
  const pauses = await pauseSwitch(await openProtocol(args, context));
  const groups = await Promise.all(GROUPS.map(async (group, i) => ({ group, paused: await pauses.isPaused(i) })));
  return { message: "Claims, settlements and withdrawals cannot be paused.", groups };
});

export const set = action<Options & { group: string; off: boolean }>(async (args, context) => {
  const index = GROUPS.indexOf(args.group);
  if (index === -1)
    throw new OpenLedgerError("GROUP_UNKNOWN", `group: there is no ${args.group}. Choose one of ${GROUPS.join(", ")}.`);
  const pauses = await pauseSwitch(await ownProtocol(args, context));
  if ((await pauses.isPaused(index)) === !args.off)
    return { message: `${args.group}: so already, nothing sent.`, group: args.group, paused: !args.off };
  const receipt = await mined(pauses.setPaused(index, !args.off));
  return {
    message: `${args.group}: ${args.off ? "goes on" : "paused"}.`,
    group: args.group,
    paused: !args.off,
    transaction: receipt.hash,
  };
});
