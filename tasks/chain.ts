import { formatEther, formatUnits } from "ethers";
import { token as tokenAt } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readDeployment } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";

export const accounts = action<Options>(async (args, context) => {
  const token = await localToken(args, context);
  const list = await Promise.all(
    context.accounts.map(async (address, index) => ({
      index,
      address,
      ETH: formatEther(await context.provider.getBalance(address)),
      ...(token && { [token.symbol]: formatUnits(await token.contract.balanceOf(address), token.decimals) }),
    })),
  );
  return { message: "Choose one with --account and its index.", accounts: list };
});

/** The test token of the deployment, if there is one on this chain. */
async function localToken(args: Options, context: Context) {
  try {
    const { addresses } = await readDeployment(args, context);
    if (!addresses.token) return undefined;
    const contract = tokenAt(addresses.token, context.provider);
    return { contract, symbol: await contract.symbol(), decimals: await contract.decimals() };
  } catch (error) {
    // Accounts are there before anything is deployed; but a file that was named must be right.
    if (args.addresses === undefined && error instanceof OpenLedgerError) return undefined;
    throw error;
  }
}
