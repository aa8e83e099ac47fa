import { type ContractRunner, formatUnits, parseUnits } from "ethers";
import { token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readDeployment, requireAddress } from "./deployment.ts";
import type { Context, Options } from "./run.ts";

/** What a token's amounts are read and written with. */
export type Token = Awaited<ReturnType<typeof openToken>>;

/**
 * The token of `--token`, or the deployment's own.
 * @throws OpenLedgerError `TOKEN_MISSING`, `TOKEN_INVALID` or `ADDRESS_INVALID`
 */
export async function openToken(
  args: Options & { token: string | undefined },
  context: Context,
  runner: ContractRunner = context.provider,
) {
  const given = args.token ?? (await readDeployment(args, context)).addresses.token;
  if (given === undefined)
    throw new OpenLedgerError(
      "TOKEN_MISSING",
      "token: this deployment has no token of its own. Name one by its address.",
    );
  const address = requireAddress("token", given);
  const contract = tokenAt(address, runner);
  const decimals = await contract.decimals().catch((cause: unknown) => {
    throw new OpenLedgerError("TOKEN_INVALID", `token: ${address} is no ERC-20 token. Name another.`, { cause });
  });
  return {
    address,
    contract,
    symbol: await contract.symbol(),
    /** An amount as people write it, such as 1.5. */
    words: (amount: bigint): string => formatUnits(amount, decimals),
    /** @throws OpenLedgerError `AMOUNT_INVALID`, naming the parameter */
    units(parameter: string, text: string): bigint {
      try {
        const amount = parseUnits(text, decimals);
        if (amount >= 0n) return amount;
      } catch {
        // Told below, as a negative amount is.
      }
      throw new OpenLedgerError(
        "AMOUNT_INVALID",
        `${parameter}: ${text} is no amount. Give a decimal number with at most ${decimals} places.`,
      );
    },
  };
}

/** What has to be sent before `spender` may take `amount` of the owner's tokens: an approval, or nothing. */
export async function approvals({ contract }: Token, owner: string, spender: string, amount: bigint) {
  const allowed = amount === 0n || (await contract.allowance(owner, spender)) >= amount;
  return allowed ? [] : [await contract.approve.populateTransaction(spender, amount)];
}
