import { formatUnits } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import { stakeFor } from "../sdk/epoch.ts";
import { OpenLedgerError } from "../sdk/errors.ts";

/**
 * Checks that `account` has bonded something, and what proposals for the given epochs of a model lock.
 * @param epochIds one or more
 * @returns what it has free and what the proposals lock, in words
 * @throws OpenLedgerError `OPERATOR_BOND`, naming what is missing.
 */
export async function requireBond(
  { splitter, operators }: Protocol,
  modelId: bigint,
  epochIds: bigint[],
  account: string,
): Promise<string> {
  const epochs = await Promise.all(epochIds.map((epochId) => splitter.epoch(modelId, epochId)));
  const { token, decimals } = epochs[0]!;
  const bondFactor = await splitter.bondFactor();
  const needed = epochs.reduce((sum, { held }) => sum + stakeFor(held, bondFactor), 0n);
  const free = await operators.freeOf(account, token);
  const amount = (value: bigint) => formatUnits(value, decimals);
  const found = `${account} has ${amount(free)} of token ${token} free in the operator registry, and proposals of model ${modelId} lock ${amount(needed)} now`;
  if (free < needed || free === 0n)
    throw new OpenLedgerError(
      "OPERATOR_BOND",
      `${found}. Bond ${amount(needed - free)} or more with the task operator:bond.`,
    );
  return found;
}
