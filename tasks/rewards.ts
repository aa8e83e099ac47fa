import { formatUnits } from "ethers";
import { token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { commitmentsOf } from "../sdk/models.ts";
import { mined } from "../sdk/transactions.ts";
import { claimsOf } from "../sdk/views/money.ts";
import { ownProtocol, readDeployment, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";

type For = Options & { for: string | undefined };

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
  const receipt = await mined(splitter.claim(claims));
  const claimed = await Promise.all(
    due.map(async (one) => {
      const decimals = await tokenAt(one.token, splitter.runner!).decimals();
      return { ...one, amount: formatUnits(one.amount, decimals) };
    }),
  );
  return { message: `Claimed for ${account}.`, account, claimed, transaction: receipt.hash };
});

export const withdraw = action<For & { token: string | undefined }>(async (args, context) => {
  const { splitter, account } = await ownProtocol(args, context);
  const given = args.token ?? (await readDeployment(args, context)).addresses.token;
  if (given === undefined)
    throw new OpenLedgerError(
      "TOKEN_MISSING",
      "token: this deployment has no token of its own. Name one by its address.",
    );
  const token = requireAddress("token", given);
  const receiver = requireAddress("for", args.for ?? account);
  const amount = await splitter.balance(token, receiver);
  const receipt = await mined(splitter.withdrawFor(token, receiver));
  const contract = tokenAt(token, splitter.runner!);
  return {
    message: `Withdrawn for ${receiver}.`,
    account: receiver,
    token,
    amount: formatUnits(amount, await contract.decimals()),
    transaction: receipt.hash,
  };
});
