import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type ContractRunner, getAddress, isAddress, ZeroAddress } from "ethers";
import { type Addresses, CONTRACT_NAMES, type Protocol, protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Context, Options } from "./run.ts";
import type { Sender } from "./sender.ts";

/** One chain's deployment, as `deploy` writes it. */
export type Deployment = {
  chainId: number;
  addresses: Addresses & { manager: string; pauses: string; judge: string; sketchDisputes: string; token?: string };
  /** Encoded arguments of the contracts' constructors; not of chains that are gone with their process. */
  constructors?: Record<string, string>;
};

const REQUIRED = ["manager", "pauses", "judge", "sketchDisputes", ...CONTRACT_NAMES] as const;

/** Where a chain's addresses stand. */
export const deploymentFile = ({ addresses }: Options, { chainId }: Context): string =>
  addresses ?? `deployments/${chainId}.json`;

/** Writes aside and renames, so that no half a file is ever read. */
export function writeDeployment(path: string, deployment: Deployment): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, `${JSON.stringify(deployment, null, 2)}\n`);
  renameSync(`${path}.partial`, path);
}

/**
 * The deployment of the network's chain.
 * @throws OpenLedgerError `DEPLOYMENT_MISSING` or `DEPLOYMENT_INVALID`, naming the file.
 */
export async function readDeployment(options: Options, context: Context): Promise<Deployment> {
  const path = deploymentFile(options, context);
  const { chainId, connection, provider } = context;
  const missing = (what: string) =>
    new OpenLedgerError(
      "DEPLOYMENT_MISSING",
      `addresses: ${what}. Choose the network with --network, then run the task \`deploy\` there, or name the right file.`,
    );
  if (!existsSync(path)) throw missing(`there is no ${path}`);
  let deployment: Deployment;
  try {
    deployment = JSON.parse(readFileSync(path, "utf8"));
    const wrong = REQUIRED.find((name) => !isAddress(deployment.addresses[name]));
    if (wrong) throw new Error(`addresses.${wrong} is no address`);
    if (deployment.chainId !== chainId) throw new Error(`it is for chain ${deployment.chainId}, not for ${chainId}`);
  } catch (cause) {
    throw new OpenLedgerError(
      "DEPLOYMENT_INVALID",
      `addresses: ${path} cannot be used: ${(cause as Error).message}. Name a file that \`deploy\` wrote.`,
      { cause },
    );
  }
  if ((await provider.getCode(deployment.addresses.splitter)) === "0x")
    throw missing(`network ${connection.networkName} (chain ${chainId}) has no contracts where ${path} says`);
  return deployment;
}

/** The deployed contracts, to read from unless a signer is given. */
export async function openProtocol(options: Options, context: Context, runner: ContractRunner = context.provider) {
  const { addresses } = await readDeployment(options, context);
  return protocol(addresses, runner);
}

/** The deployed contracts as the account of `--account` uses them. */
export async function ownProtocol(
  options: Options,
  context: Context,
): Promise<Protocol & { account: string; sender: Sender }> {
  const sender = await context.signer();
  return { ...(await openProtocol(options, context, sender)), account: sender.address, sender };
}

/** @throws OpenLedgerError `ADDRESS_INVALID`, naming the parameter. */
export function requireAddress(parameter: string, value: string): string {
  if (!isAddress(value) || value === ZeroAddress)
    throw new OpenLedgerError(
      "ADDRESS_INVALID",
      `${parameter}: ${value} is no account's address. Give 0x and 40 digits.`,
    );
  return value;
}

/**
 * The addresses of a list with commas; none if it is not given.
 * @throws OpenLedgerError `ADDRESS_INVALID`, naming the parameter.
 */
export const requireAddresses = (parameter: string, list: string | undefined): string[] =>
  list === undefined ? [] : list.split(",").map((one) => getAddress(requireAddress(parameter, one.trim())));

/** @throws OpenLedgerError `NUMBER_INVALID`, naming the parameter. */
export function requireAtLeast(parameter: string, value: bigint | number, least: number): void {
  if (value < least)
    throw new OpenLedgerError("NUMBER_INVALID", `${parameter}: ${value} is too small. Give ${least} or more.`);
}
