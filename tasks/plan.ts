import { writeFileSync } from "node:fs";
import { Interface, type ParamType, type Result as Values } from "ethers";
import { abi, CONTRACTS, type ContractName } from "../sdk/abi.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readDeployment } from "./deployment.ts";
import { inWords } from "./errors.ts";
import type { Context, Options, Result } from "./run.ts";
import { safeBatch } from "./safe.ts";
import type { Call } from "./sender.ts";

/** What a plan shows of each call; a revert that is not one of ours stands in its node's words. */
type Planned = { contract: string; function: string; returns?: unknown; gas?: bigint; reverts?: string };

/**
 * Shows what calls would do if `from` sent them now, and writes them for a multisig where `--propose` names a file.
 * The first must work; those behind it may depend on it, and are tried on the chain as it stands.
 */
export async function plan(calls: Call[], from: string, args: Options, context: Context): Promise<Result> {
  const names = await knownContracts(args, context);
  const transactions: Planned[] = [];
  let failure: unknown;
  for (const call of calls) {
    const { shown, error } = await tried(call, from, names, context);
    if (transactions.length === 0) failure = error;
    transactions.push(shown);
  }
  const told = { from, transactions };
  if (failure !== undefined) return { ...told, message: "Nothing was sent: it would revert.", failure };
  if (!args.propose) return { message: "Dry run: nothing was sent.", ...told };
  const name = transactions.map(({ contract, function: called }) => `${contract}.${called}`).join(", ");
  const batch = { chainId: context.chainId, safe: from, name, createdAt: Date.now() };
  writeFileSync(args.propose, `${JSON.stringify(safeBatch(batch, calls), null, 2)}\n`);
  return {
    message: `Nothing was sent. Load ${args.propose} in the Transaction Builder of the Safe ${from}.`,
    file: args.propose,
    ...told,
  };
}

/** The deployment's contracts by address. */
async function knownContracts(args: Options, context: Context): Promise<Map<string, ContractName>> {
  const { addresses } = await readDeployment(args, context);
  const known = Object.entries(addresses).filter(([name]) => (CONTRACTS as string[]).includes(name));
  return new Map(known.map(([name, address]) => [address.toLowerCase(), name as ContractName]));
}

async function tried(call: Call, from: string, names: Map<string, ContractName>, { provider }: Context) {
  // What is not of the deployment can only be a token.
  const name = names.get(call.to.toLowerCase()) ?? "token";
  const contract = new Interface(abi(name));
  const parsed = contract.parseTransaction(call);
  if (parsed === null)
    throw new OpenLedgerError(
      "CALLDATA_UNKNOWN",
      `data: ${name} at ${call.to} has no function ${call.data.slice(0, 10)}.`,
    );
  const shown = {
    contract: name,
    to: call.to,
    function: parsed.signature,
    arguments: named(parsed.fragment.inputs, parsed.args),
    value: call.value,
    data: call.data,
  };
  try {
    const returned = contract.decodeFunctionResult(parsed.fragment, await provider.call({ ...call, from }));
    const gas = await provider.estimateGas({ ...call, from });
    return { shown: { ...shown, returns: named(parsed.fragment.outputs, returned), gas } };
  } catch (error) {
    return { shown: { ...shown, reverts: inWords(error) ?? String(error) }, error };
  }
}

/** Decoded values under the names that the ABI gives them. */
function named(types: readonly ParamType[], values: Values): Record<string, unknown> {
  return Object.fromEntries(types.map((type, i) => [type.name || String(i), plain(type, values[i])]));
}

function plain(type: ParamType, value: unknown): unknown {
  if (type.arrayChildren) return [...(value as unknown[])].map((one) => plain(type.arrayChildren!, one));
  return type.components ? named(type.components, value as Values) : value;
}
