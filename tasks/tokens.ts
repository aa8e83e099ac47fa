import { token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, requireAddress } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";

const MAX_DECIMALS = 18n; // the splitter opens no epoch in others

type Tokens = Options & { tokens: string[] };

export const list = action<Options>(async (args, context) => {
  const { splitter } = await openProtocol(args, context);
  const set = await splitter.queryFilter(splitter.filters.TokenSet());
  const tokens = [];
  for (const address of new Set(set.map((event) => event.args.token)))
    if (await splitter.acceptsToken(address)) tokens.push(await described(address, context));
  return { message: "Models and deposits can be in these tokens.", tokens };
});

async function described(address: string, { provider }: Context) {
  const token = tokenAt(address, provider);
  try {
    return { token: address, symbol: await token.symbol(), decimals: await token.decimals() };
  } catch (cause) {
    throw new OpenLedgerError("TOKEN_INVALID", `tokens: ${address} is no ERC-20 token. Leave it out.`, { cause });
  }
}

export const allow = action<Tokens>(async (args, context) => {
  const described = await set(args, context, true);
  return { message: "Payments are taken in these tokens.", ...described };
});

export const deny = action<Tokens>(async (args, context) => {
  const described = await set(args, context, false);
  return { message: "No new payments in these tokens; all that is owed in them is paid as before.", ...described };
});

/** Sends only what is not so yet. */
async function set(args: Tokens, context: Context, accepted: boolean) {
  const { splitter } = await ownProtocol(args, context);
  const tokens = await Promise.all(args.tokens.map((one) => described(requireAddress("tokens", one), context)));
  const large = tokens.find(({ decimals }) => accepted && decimals > MAX_DECIMALS);
  if (large)
    throw new OpenLedgerError("TOKEN_DECIMALS", `tokens: ${large.token} has more than ${MAX_DECIMALS} decimals.`);
  const changed: string[] = [];
  for (const { token } of tokens) if ((await splitter.acceptsToken(token)) !== accepted) changed.push(token);
  if (changed.length === 0) return { message: "It is so already, nothing sent.", tokens };
  return { tokens, transaction: (await mined(splitter.setTokens(changed, accepted))).hash };
}
