import { getAddress } from "ethers";
import { chainTime } from "../sdk/clock.ts";
import { attributionDomain, signChangePayout } from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, requireAddress } from "./deployment.ts";
import { action, type Options } from "./run.ts";
import { date } from "./time.ts";

const HOUR = 3600n;

export const show = action<Options & { contributor: string }>(async (args, context) => {
  const { attribution } = await openProtocol(args, context);
  const account = requireAddress("contributor", args.contributor);
  const [payout, readyAt] = await attribution.pendingPayout(account);
  return {
    account,
    paid: await attribution.payoutOf(account),
    ...(readyAt !== 0n && { next: payout, from: date(readyAt) }),
    nonce: await attribution.nonces(account),
  };
});

type Change = Options & {
  payout: string;
  of: string | undefined;
  signature: string | undefined;
  deadline: bigint;
};

/** Who is paid for the account now signs, here or, as a contract wallet, with `--signature`; anybody sends. */
export const change = action<Change>(async (args, context) => {
  const { attribution, account: own, sender, addresses } = await ownProtocol(args, context);
  const account = getAddress(requireAddress("of", args.of ?? own));
  const payout = getAddress(requireAddress("payout", args.payout));
  const paid = await attribution.payoutOf(account);
  const [pending, readyAt] = await attribution.pendingPayout(account);
  const next = readyAt === 0n ? paid : pending;
  const told = { account, paid, next: payout };
  if (next === payout) return { message: "It is so already, or on its way; nothing sent.", ...told };
  if (args.signature === undefined && paid !== own)
    throw new OpenLedgerError(
      "PAYOUT_OTHER",
      `account: ${paid} is paid for ${account}, and only it may change that. Sign with it, or give --signature.`,
    );
  if (args.signature !== undefined && args.deadline === 0n)
    throw new OpenLedgerError("DEADLINE_MISSING", "deadline: give the one that was signed, in seconds since 1970.");
  const deadline = args.signature === undefined ? (await chainTime(context.provider)) + HOUR : args.deadline;
  const signed = { account, payout, nonce: await attribution.nonces(account), deadline };
  const domain = attributionDomain(BigInt(context.chainId), addresses.attribution);
  const signature = args.signature ?? (await signChangePayout(sender, domain, signed));
  const receipt = await mined(attribution.changePayout(account, payout, deadline, signature));
  const [, from] = await attribution.pendingPayout(account);
  return {
    message: "Changed: it holds from then on, and can be stopped until then by changing back.",
    ...told,
    from: date(from),
    transaction: receipt.hash,
  };
});
