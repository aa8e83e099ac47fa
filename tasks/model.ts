import { epochIds } from "../sdk/views/epochs.ts";
import { contributorsOf, modelOf } from "../sdk/views/models.ts";
import { openProtocol, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";

export const show = action<Options & { model: bigint }>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const protocol = await openProtocol(args, context);
  const { commitment, ...model } = await modelOf(protocol, args.model);
  if (commitment === undefined) return { ...model, message: "Its sketches are not registered yet." };
  const epochs = await epochIds(protocol.splitter, args.model);
  return {
    ...model,
    ...commitment,
    currentEpoch: epochs.at(-1) ?? null,
    message: epochs.length === 0 ? "No epoch is open: run `epoch:open`." : "`epoch:show` tells of its epochs.",
    contributors: await contributorsOf(protocol, commitment.commitmentId),
  };
});
