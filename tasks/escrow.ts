import { Signature } from "ethers";
import { chainTime } from "../sdk/clock.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { signPermit } from "../sdk/permit.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, requireAddress } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";
import { date } from "./time.ts";
import { approvals, openToken } from "./token.ts";

type Money = Options & { token: string | undefined };
type For = Money & { for: string | undefined };

/** A second deposit is a second one: this adds to what is there. */
export const deposit = action<For & { amount: string; permit: boolean }>(async (args, context) => {
  const { escrow, splitter, sender, account, addresses } = await ownProtocol(args, context);
  const token = await openToken(args, context, sender);
  const customer = requireAddress("for", args.for ?? account);
  const amount = token.units("amount", args.amount);
  // Known before the approval is sent.
  if (!(await splitter.acceptsToken(token.address)))
    throw new OpenLedgerError(
      "TOKEN_REFUSED",
      `token: no payments are taken in ${token.address}. See \`tokens:list\`.`,
    );
  const { hash } = args.permit ? await withPermit() : await withApproval();
  const available = token.words(await escrow.available(customer, token.address));
  return {
    message: `Deposited for ${customer}.`,
    customer,
    token: token.address,
    amount: args.amount,
    available,
    transaction: hash,
  };

  async function withApproval() {
    return sender.sendAll([
      ...(await approvals(token, account, addresses.escrow, amount)),
      await escrow.deposit.populateTransaction(customer, token.address, amount),
    ]);
  }

  async function withPermit() {
    const deadline = (await chainTime(context.provider)) + 3600n;
    const permit = { owner: account, spender: addresses.escrow, value: amount, deadline };
    const { v, r, s } = Signature.from(await signPermit(sender, token.contract, permit));
    return mined(escrow.depositWithPermit(customer, token.address, amount, deadline, v, r, s));
  }
});

/** With an amount it starts, in the place of any start before; without one it pays what is ready. */
export const withdraw = action<Money & { amount: string | undefined }>(async (args, context) => {
  const { escrow, account } = await ownProtocol(args, context);
  const token = await openToken(args, context);
  const of = { customer: account, token: token.address };
  const [thawing, readyAt] = await escrow.thawing(account, token.address);
  if (args.amount === undefined) {
    const receipt = await mined(escrow.withdraw(token.address));
    return { message: "Paid.", ...of, amount: token.words(thawing), transaction: receipt.hash };
  }
  const amount = token.units("amount", args.amount);
  if (amount === thawing)
    return { message: "It is on its way already, nothing sent.", ...of, ...thaw(amount, readyAt, token.words) };
  const receipt = await mined(escrow.startWithdrawal(token.address, amount));
  const [, then] = await escrow.thawing(account, token.address);
  const message = amount === 0n ? "Stopped." : "Started: run it again without --amount once it is ready.";
  return { message, ...of, ...thaw(amount, then, token.words), transaction: receipt.hash };
});

/** What is on its way out of a deposit or bond, and from when it can be taken. */
export const thaw = (amount: bigint, readyAt: bigint, words: (amount: bigint) => string) => ({
  thawing: words(amount),
  readyAt: amount === 0n ? null : date(readyAt),
});

export const status = action<For>(async (args, context) => {
  const { escrow } = await openProtocol(args, context);
  const token = await openToken(args, context);
  const customer = await accountOf(args, context);
  const [thawing, readyAt] = await escrow.thawing(customer, token.address);
  return {
    message: "Servers count on what is available; vouchers can be redeemed up to what is deposited.",
    customer,
    token: token.address,
    symbol: token.symbol,
    deposited: token.words(await escrow.deposited(customer, token.address)),
    available: token.words(await escrow.available(customer, token.address)),
    ...thaw(thawing, readyAt, token.words),
    thawPeriodSeconds: await escrow.thawPeriod(),
    accepted: await (await openProtocol(args, context)).splitter.acceptsToken(token.address),
  };
});

/** The account of `--for`, or the signer's. */
export const accountOf = async (args: Options & { for: string | undefined }, context: Context): Promise<string> =>
  requireAddress("for", args.for ?? (await context.signer()).address);
