import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Local from "../deploy/modules/Local.ts";
import OpenLedger from "../deploy/modules/OpenLedger.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type Deployment, deploymentFile, readDeployment, writeDeployment } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";

const MODULES = { Local, OpenLedger };
const LOCAL_CHAIN = 31337;

type Parameters = Record<string, Record<string, number>>;
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
  const parameters = readParameters(args.parameters, local, hre.config.paths.root);
  const path = deploymentFile(args, context);
  const known = await alreadyDeployed(args, context, path, local);
  if (known) return { message: `Already deployed, nothing sent: ${path}.`, deployed: false, file: path, ...known };

  await hre.tasks.getTask("build").run({ quiet: true });
  // Ignition resumes from its journal. A local chain starts empty each time, so an old journal would mislead it.
  const journal: { deploymentId?: string } = local ? { deploymentId: `local-${Date.now()}` } : {};
  const contracts = await connection.ignition
    .deploy(MODULES[name] as typeof OpenLedger, { parameters, ...journal })
    .finally(() => {
      if (journal.deploymentId)
        rmSync(join(hre.config.paths.ignition, "deployments", journal.deploymentId), { recursive: true, force: true });
    });
  const addresses = Object.fromEntries(
    await Promise.all(Object.entries(contracts).map(async ([key, contract]) => [key, await contract.getAddress()])),
  );
  const deployment = { chainId, addresses } as Deployment;
  writeDeployment(path, deployment);
  const passing = connection.networkConfig.type === "edr-simulated";
  return {
    message: passing
      ? "Deployed in this process only, gone with it: choose a network with --network."
      : `Deployed ${name} on ${connection.networkName}: ${path}.`,
    deployed: true,
    file: path,
    ...deployment,
  };
});

/** What the file says is deployed, if it still is. */
async function alreadyDeployed(args: Options, context: Context, path: string, local: boolean) {
  if (!existsSync(path)) return undefined;
  try {
    return await readDeployment(args, context);
  } catch (error) {
    // A local chain that was started again has lost its contracts. Elsewhere such a file is for a person to look at.
    if (local && error instanceof OpenLedgerError && error.code === "DEPLOYMENT_MISSING") return undefined;
    throw error;
  }
}

function readParameters(given: string | undefined, local: boolean, root: string): Parameters {
  const path = given ?? (local ? join(root, "deploy/parameters/local.json") : undefined);
  if (path === undefined) return {};
  try {
    const parameters: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parameters === "object" && parameters !== null && "OpenLedger" in parameters)
      return parameters as Parameters;
    throw new Error("it has no key OpenLedger");
  } catch (cause) {
    throw new OpenLedgerError(
      "PARAMETERS_INVALID",
      `parameters: ${path} cannot be used: ${(cause as Error).message}. deploy/parameters/local.json is an example.`,
      { cause },
    );
  }
}
