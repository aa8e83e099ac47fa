import { getAddress } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, readDeployment, requireAddress } from "./deployment.ts";
import { accountOf, thaw } from "./escrow.ts";
import { action, type Options } from "./run.ts";
import { approvals, openToken } from "./token.ts";

type Money = Options & { token: string | undefined };
type For = Money & { for: string | undefined };

/** A second bond is a second one: this adds to what is there. */
export const bond = action<For & { amount: string }>(async (args, context) => {
  const { operators, sender, account, addresses } = await ownProtocol(args, context);
  const token = await openToken(args, context, sender);
  const holder = requireAddress("for", args.for ?? account);
  const amount = token.units("amount", args.amount);
  // Known before the approval is sent.
  if (!(await operators.bound()))
    throw new OpenLedgerError("LOCKERS_UNBOUND", "No bonds are taken before the admin bound who may lock them.");
  const { hash } = await sender.sendAll([
    ...(await approvals(token, account, addresses.operators, amount)),
    await operators.bond.populateTransaction(holder, token.address, amount),
  ]);
  const free = token.words(await operators.freeOf(holder, token.address));
  return {
    message: `Bonded for ${holder}.`,
    holder,
    token: token.address,
    amount: args.amount,
    free,
    transaction: hash,
  };
});

/** In the place of any start before; 0 stops it. */
export const unbond = action<Money & { amount: string }>(async (args, context) => {
  const { operators, account } = await ownProtocol(args, context);
  const token = await openToken(args, context);
  const of = { holder: account, token: token.address };
  const amount = token.units("amount", args.amount);
  const [thawing, readyAt] = await operators.thawing(account, token.address);
  if (amount === thawing)
    return { message: "It is on its way already, nothing sent.", ...of, ...thaw(amount, readyAt, token.words) };
  const receipt = await mined(operators.startWithdrawal(token.address, amount));
  const [, then] = await operators.thawing(account, token.address);
  const message = amount === 0n ? "Stopped." : "Started: run `operator:withdraw` once it is ready.";
  return { message, ...of, ...thaw(amount, then, token.words), transaction: receipt.hash };
});

/** What has thawed, or, with `--credit`, what was slashed to the account. */
export const withdraw = action<Money & { credit: boolean }>(async (args, context) => {
  const { operators, account } = await ownProtocol(args, context);
  const token = await openToken(args, context);
  const of = { holder: account, token: token.address };
  const [thawing] = await operators.thawing(account, token.address);
  const amount = args.credit ? await operators.credits(token.address, account) : thawing;
  const receipt = await mined(
    args.credit ? operators.withdrawCredit(token.address) : operators.withdraw(token.address),
  );
  return { message: "Paid.", ...of, amount: token.words(amount), transaction: receipt.hash };
});

export const status = action<For>(async (args, context) => {
  const { operators } = await openProtocol(args, context);
  const token = await openToken(args, context);
  const holder = await accountOf(args, context);
  const [thawing, readyAt] = await operators.thawing(holder, token.address);
  const bound = (await operators.queryFilter(operators.filters.LockersBound())).flatMap((event) => [
    ...event.args.lockers,
  ]);
  const { addresses } = await readDeployment(args, context);
  const names = new Map(Object.entries(addresses).map(([name, address]) => [getAddress(address), name]));
  const bonded = await operators.bondOf(holder, token.address);
  const free = await operators.freeOf(holder, token.address);
  return {
    message:
      bound.length === 0
        ? "No bonds are taken yet: no contract is bound to lock them."
        : "Only what is free can be locked.",
    holder,
    token: token.address,
    symbol: token.symbol,
    bonded: token.words(bonded),
    free: token.words(free),
    locked: token.words(bonded - free - thawing),
    ...thaw(thawing, readyAt, token.words),
    credit: token.words(await operators.credits(token.address, holder)),
    thawPeriodSeconds: await operators.thawPeriod(),
    lockers: await Promise.all(
      bound.map(async (locker) => ({
        locker: names.get(locker) ?? locker,
        locked: token.words(await operators.lockedOf(holder, token.address, locker)),
      })),
    ),
  };
});
