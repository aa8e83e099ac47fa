import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HardhatError } from "@nomicfoundation/hardhat-errors";
import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import { getVerificationInformation, type IgnitionModule, wipe } from "@nomicfoundation/ignition-core";
import { Interface } from "ethers";
import Local from "../deploy/modules/Local.ts";
import OpenLedger from "../deploy/modules/OpenLedger.ts";
import Production from "../deploy/modules/Production.ts";
import { LOCAL_PARAMETERS, readParameters } from "../deploy/parameters.ts";
import { abi, type ContractName } from "../sdk/abi.ts";
import { protocol, sketchDisputes } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type Deployment, deploymentFile, readDeployment, writeDeployment } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";

const MODULES = { Local, OpenLedger, Production };
const LOCAL_CHAIN = 31337;

const isModule = (name: string): name is keyof typeof MODULES => name in MODULES;

type Deploy = Options & { module: string | undefined; parameters: string | undefined };

export const deploy = action<Deploy>(async (args, context) => {
  const { hre, connection, chainId } = context;
  const local = chainId === LOCAL_CHAIN;
  const name = args.module ?? (local ? "Local" : "OpenLedger");
  if (!isModule(name))
    throw new OpenLedgerError(
      "MODULE_UNKNOWN",
      `module: there is no ${name}. Choose ${Object.keys(MODULES).join(" or ")}.`,
    );
  const file = args.parameters ?? (local ? LOCAL_PARAMETERS : undefined);
  const { OpenLedger: shared, Production: production } = file ? readParameters(file) : { OpenLedger: {} };
  const parameters = { OpenLedger: shared, ...(name === "Production" && { Production: production ?? {} }) };
  const path = deploymentFile(args, context);
  const known = await alreadyDeployed(args, context, path, local);
  if (known) return { message: `Already deployed, nothing sent: ${path}.`, deployed: false, file: path, ...known };
  if (args.dryRun)
    return {
      message: `Dry run: nothing was sent. These are the steps of ${name}; a step that is done is not repeated.`,
      parameters,
      steps: stepsOf(MODULES[name]),
    };

  await hre.tasks.getTask("build").run({ quiet: true });
  const deploymentId = await journalOf(context);
  const journal = join(hre.config.paths.ignition, "deployments", deploymentId);
  const send = () => connection.ignition.deploy(MODULES[name] as typeof OpenLedger, { parameters, deploymentId });
  const contracts = await send().catch(async (error: unknown) => {
    await forgetUnsent(error, journal, context);
    return send();
  });
  const addresses = Object.fromEntries(
    await Promise.all(Object.entries(contracts).map(async ([key, contract]) => [key, await contract.getAddress()])),
  ) as Deployment["addresses"];
  const constructors = existsSync(journal) ? await constructorsOf(addresses, journal, context) : undefined;
  const deployment: Deployment = { chainId, addresses, ...(constructors && { constructors }) };
  writeDeployment(path, deployment);
  if (local) rmSync(journal, { recursive: true, force: true });
  const passing = connection.networkConfig.type === "edr-simulated";
  return {
    message: passing
      ? "Deployed in this process only, gone with it: choose a network with --network."
      : `Deployed ${name} on ${connection.networkName}: ${path}.`,
    deployed: true,
    file: path,
    chainId,
    addresses,
  };
});

/** What the file says is deployed, if it still is. */
async function alreadyDeployed(args: Options, context: Context, path: string, local: boolean) {
  if (!existsSync(path)) return undefined;
  try {
    const { chainId, addresses } = await readDeployment(args, context);
    return { chainId, addresses };
  } catch (error) {
    // A local chain that was started again has lost its contracts. Elsewhere such a file is for a person to look at.
    if (local && error instanceof OpenLedgerError && error.code === "DEPLOYMENT_MISSING") return undefined;
    throw error;
  }
}

/**
 * Name of Ignition's journal, from which it resumes what stopped halfway. A local chain starts empty each time, and is
 * told from the last one by its first block.
 */
async function journalOf({ chainId, provider }: Context): Promise<string> {
  if (chainId !== LOCAL_CHAIN) return `chain-${chainId}`;
  const { hash } = (await provider.getBlock(0))!;
  return `local-${hash!.slice(2, 14)}`;
}

/**
 * Ignition will not go on behind a transaction that it was about to send when it stopped: it cannot tell whether it was
 * sent. The account's nonce tells; where it is not used, the step can be done again.
 * @throws `error`, where it is about anything else
 */
async function forgetUnsent(error: unknown, journal: string, { hre, provider }: Context): Promise<void> {
  if (!HardhatError.isHardhatError(error, HardhatError.ERRORS.IGNITION.EXECUTION.TRANSACTION_LOST)) throw error;
  const { futureId, nonce, sender } = error.messageArguments as { futureId: string; nonce: number; sender: string };
  if ((await provider.getTransactionCount(sender, "pending")) > nonce) throw error;
  await wipe(journal, new HardhatArtifactResolver(hre.artifacts), futureId);
}

/** A module's steps, those of the modules that it builds on first. */
function stepsOf({ submodules, futures }: IgnitionModule): { step: string; does: string }[] {
  const own = [...futures].map(({ id, type }) => ({ step: id, does: type.toLowerCase().replaceAll("_", " ") }));
  return [...[...submodules].flatMap(stepsOf), ...own];
}

/** Encoded arguments of the constructors, which explorers ask for, by the names of the contracts. */
async function constructorsOf(addresses: Deployment["addresses"], journal: string, { provider }: Context) {
  const names = new Map(Object.entries(addresses).map(([name, address]) => [address, name]));
  const constructors: Record<string, string> = {};
  const encode = (name: string, values: readonly unknown[]) => {
    constructors[name] = new Interface(abi(name as ContractName)).encodeDeploy(values);
  };
  for await (const deployed of getVerificationInformation(journal))
    if (typeof deployed !== "string") {
      const name = names.get(deployed.address);
      if (name !== undefined) encode(name, deployed.constructorArgs);
    }
  const contracts = protocol(addresses, provider);
  const { splitter, escrow, operators } = contracts; // what contracts made themselves is not in the journal
  encode("escrow", [await escrow.thawPeriod(), await splitter.pauses()]);
  encode("judge", [splitter.target]);
  encode("sketchDisputes", [operators.target, await (await sketchDisputes(contracts)).activation()]);
  return constructors;
}
