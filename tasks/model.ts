import { ZeroAddress } from "ethers";
import { sketchDisputes } from "../sdk/contracts.ts";
import { epochIds } from "../sdk/views/epochs.ts";
import { contributorsOf, modelOf } from "../sdk/views/models.ts";
import { openProtocol, ownProtocol, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { date } from "./time.ts";

export const show = action<Options & { model: bigint }>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const protocol = await openProtocol(args, context);
  const { commitment, ...model } = await modelOf(protocol, args.model);
  if (commitment === undefined) return { ...model, message: "Its sketches are not registered yet." };
  const epochs = await epochIds(protocol.splitter, args.model);
  const disputes = await sketchDisputes(protocol);
  const isActive = await disputes.isActive(commitment.commitmentId);
  const { activeAt, demands } = await disputes.trial(commitment.commitmentId);
  return {
    ...model,
    ...commitment,
    commitmentIs: isActive ? "active" : "pending",
    ...(!isActive && {
      activeFrom: date(activeAt),
      demandedRows: demands,
    }),
    currentEpoch: epochs.at(-1) ?? null,
    message: !isActive
      ? "Until its commitment is active anyone can dispute it: `model:challenge`."
      : epochs.length === 0
        ? "No epoch is open: run `epoch:open`."
        : "`epoch:show` tells of its epochs.",
    contributors: await contributorsOf(protocol, commitment.commitmentId),
  };
});

/** Whose work a model builds on, and what each gets of its owner's share. */
export const lineage = action<Options & { model: bigint }>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const { models } = await openProtocol(args, context);
  const { parents, ancestors, depth } = await models.lineage(args.model);
  const percent = (parts: bigint) => `${Number(parts) / 10_000_000} %`;
  const of = async (modelId: bigint) => ({ modelId, holder: await models.ownerOf(modelId) });
  const owed = ancestors.reduce((sum, { parts }) => sum + parts, 0n);
  return {
    modelId: args.model,
    owner: await models.ownerOf(args.model),
    generations: depth,
    ownerKeeps: percent(1_000_000_000n - owed),
    parents: await Promise.all(
      parents.map(async ({ modelId, royaltyBps }) => ({ ...(await of(modelId)), royaltyBps })),
    ),
    ancestors: await Promise.all(
      ancestors.map(async ({ modelId, parts }) => ({ ...(await of(modelId)), ofTheOwnersShare: percent(parts) })),
    ),
    message: "An ancestor's part counts every path to it, and goes to who holds it when a fee is redeemed.",
  };
});

type Terms = Options & {
  model: bigint;
  inputPrice: bigint;
  outputPrice: bigint;
  minRoyalty: number;
  saleRoyalty: number;
  saleReceiver: string | undefined;
};

/** What is not given stays, and what stands already is not sent. */
export const terms = action<Terms>(async (args, context) => {
  const { model } = args;
  requireAtLeast("model", model, 1);
  const { models, sender, account } = await ownProtocol(args, context);
  const given = <T extends bigint | number>(value: T, current: T): T => (value < 0 ? current : value);
  const now = await models.terms(model);
  const inputPrice = given(args.inputPrice, now.inputPrice);
  const outputPrice = given(args.outputPrice, now.outputPrice);
  const least = Number(await models.minRoyalty(model));
  const [receiver, bps] = await models.royaltyInfo(model, 10_000n);
  const sale = given(args.saleRoyalty, Number(bps));
  const receives =
    args.saleReceiver === undefined
      ? receiver === ZeroAddress
        ? account
        : receiver
      : requireAddress("saleReceiver", args.saleReceiver);
  const calls = [
    ...(inputPrice !== now.inputPrice || outputPrice !== now.outputPrice
      ? [await models.setPrices.populateTransaction(model, inputPrice, outputPrice)]
      : []),
    ...(given(args.minRoyalty, least) !== least
      ? [await models.setMinRoyalty.populateTransaction(model, args.minRoyalty)]
      : []),
    ...(sale !== Number(bps) || (args.saleReceiver !== undefined && receives !== receiver)
      ? [await models.setSaleRoyalty.populateTransaction(model, receives, sale)]
      : []),
  ];
  const sent =
    calls.length > 0
      ? { message: "Changed.", transaction: (await sender.sendAll(calls)).hash }
      : { message: "Nothing sent." };
  const then = await models.terms(model);
  const [saleReceiver, saleRoyaltyBps] = await models.royaltyInfo(model, 10_000n);
  const { data, owner, server, operator, protocol } = then.split;
  return {
    modelId: model,
    token: then.token,
    inputPrice: then.inputPrice,
    outputPrice: then.outputPrice,
    splitBps: { data, owner, server, operator, protocol },
    minRoyaltyBps: await models.minRoyalty(model),
    saleRoyaltyBps,
    saleReceiver,
    ...sent,
  };
});
