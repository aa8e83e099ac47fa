import { formatUnits } from "ethers";
import { token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { commitmentsOf } from "../sdk/models.ts";
import { mined } from "../sdk/transactions.ts";
import { claimsOf } from "../sdk/views/money.ts";
import { ownProtocol, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { openToken } from "./token.ts";

type For = Options & { for: string | undefined; to: string | undefined };

export const claim = action<For & { models: bigint[] }>(async (args, context) => {
  for (const model of args.models) requireAtLeast("models", model, 1);
  const own = await ownProtocol(args, context);
  const { splitter, attribution } = own;
  const account = requireAddress("for", args.for ?? own.account);
  const named = [...new Set(args.models)];
  for (const model of named) {
    await own.models.terms(model); // refuses an unknown model
    if ((await commitmentsOf(attribution, model)).length === 0)
      throw new OpenLedgerError(
        "MODEL_UNREGISTERED",
        `models: model ${model} has no commitment yet, so nobody earned.`,
      );
  }
  const { claims, due } = await claimsOf(own, named, account);
  if (claims.length === 0)
    throw new OpenLedgerError(
      "CLAIM_NOTHING",
      `for: ${account} has nothing to claim from model ${args.models.join(", ")}. Wait for a settlement, or name other models.`,
    );
  const to = args.to === undefined ? undefined : requireAddress("to", args.to);
  const receipt = await mined(to === undefined ? splitter.claim(claims) : splitter.claimTo(claims, to));
  const claimed = await Promise.all(
    due.map(async (one) => {
      const decimals = await tokenAt(one.token, splitter.runner!).decimals();
      return { ...one, amount: formatUnits(one.amount, decimals) };
    }),
  );
  return { message: `Claimed for ${account}.`, account, ...(to && { paidTo: to }), claimed, transaction: receipt.hash };
});

export const withdraw = action<For & { token: string | undefined }>(async (args, context) => {
  const { splitter, account } = await ownProtocol(args, context);
  const token = await openToken(args, context);
  const receiver = requireAddress("for", args.for ?? account);
  const amount = await splitter.balance(token.address, receiver);
  const to = args.to === undefined ? undefined : requireAddress("to", args.to);
  const receipt = await mined(
    to === undefined ? splitter.withdrawFor(token.address, receiver) : splitter.withdrawTo(token.address, receiver, to),
  );
  return {
    message: `Withdrawn for ${receiver}.`,
    account: receiver,
    ...(to && { paidTo: to }),
    token: token.address,
    amount: token.words(amount),
    transaction: receipt.hash,
  };
});

export const setClaimer = action<Options & { claimer: string; off: boolean }>(async (args, context) => {
  const { splitter, account } = await ownProtocol(args, context);
  const claimer = requireAddress("claimer", args.claimer);
  const allowed = !args.off;
  if ((await splitter.isClaimer(account, claimer)) === allowed)
    return { message: "It is so already, nothing sent.", account, claimer, allowed };
  const receipt = await mined(splitter.setClaimer(claimer, allowed));
  return {
    message: allowed
      ? "It may have the account's claims and balances paid where it wants."
      : "It may no longer say where the account's money goes.",
    account,
    claimer,
    allowed,
    transaction: receipt.hash,
  };
});
