import { readFileSync } from "node:fs";
import { type ContractName, qualifiedName } from "../sdk/abi.ts";
import { describeError, OpenLedgerError } from "../sdk/errors.ts";
import { codes, holds } from "./check.ts";
import { type Deployment, deploymentFile, readDeployment } from "./deployment.ts";
import { type Sources, verifySources } from "./explorer.ts";
import { action, type Context, type Options } from "./run.ts";

type Verify = Options & {
  api: string | undefined;
  apiKey: string | undefined;
  contracts: string | undefined;
  poll: number;
};

/** One contract that fails does not keep the others from being verified. */
export const verify = action<Verify>(async (args, context) => {
  if (args.api === undefined || !URL.canParse(args.api))
    throw new OpenLedgerError(
      "API_MISSING",
      "api: give the explorer's address, such as https://eth.blockscout.com/api.",
    );
  const deployment = await readDeployment(args, context);
  const { constructors } = deployment;
  if (constructors === undefined)
    throw new OpenLedgerError(
      "CONSTRUCTORS_MISSING",
      `addresses: ${deploymentFile(args, context)} has no constructors' arguments. Name a file that \`deploy\` wrote with --network.`,
    );
  const wanted = args.contracts?.split(",").map((name) => name.trim()) ?? Object.keys(constructors);
  const unknown = wanted.find((name) => constructors[name] === undefined);
  if (unknown !== undefined)
    throw new OpenLedgerError(
      "CONTRACT_UNKNOWN",
      `contracts: there is no ${unknown}. Choose from ${Object.keys(constructors).join(", ")}.`,
    );
  const different = (await codes(deployment, context)).filter((one) => !holds(one));
  if (different.length > 0)
    throw new OpenLedgerError(
      "CODE_DIFFERS",
      `The ${different.map(({ check }) => check).join(", the ")} is not what is compiled here. Check out and build what was deployed.`,
    );
  const explorer = { api: args.api, apiKey: args.apiKey, chainId: context.chainId, pollSeconds: args.poll };
  const contracts: { contract: string; address: string; result: string; ok: boolean }[] = [];
  for (const name of wanted as ContractName[]) {
    const sources = await sourcesOf(name, deployment, context);
    const one = { contract: name, address: sources.address };
    try {
      contracts.push({ ...one, result: await verifySources(explorer, sources), ok: true });
    } catch (error) {
      contracts.push({ ...one, result: describeError(error).message, ok: false });
    }
  }
  const failed = contracts.filter(({ ok }) => !ok).map(({ contract }) => contract);
  return {
    contracts,
    message: `${contracts.length - failed.length} of ${contracts.length} contracts are verified.`,
    ...(failed.length > 0 && {
      failure: new OpenLedgerError(
        "VERIFICATION_FAILED",
        `Not verified: ${failed.join(", ")}. Run it again with --contracts ${failed.join(",")}.`,
      ),
    }),
  };
});

/** What was compiled to a contract, from the build that its artifact is of. */
async function sourcesOf(
  name: ContractName,
  { addresses, constructors }: Deployment,
  { hre: { artifacts } }: Context,
): Promise<Sources> {
  const id = await artifacts.getBuildInfoId(qualifiedName(name));
  const path = id && (await artifacts.getBuildInfoPath(id));
  if (!path)
    throw new OpenLedgerError("CONTRACTS_NOT_BUILT", `There is no build of ${name}. Run \`npm run build\` first.`);
  const { input, solcLongVersion } = JSON.parse(readFileSync(path, "utf8"));
  const { inputSourceName, contractName } = await artifacts.readArtifact(qualifiedName(name));
  return {
    address: addresses[name as keyof typeof addresses]!,
    contract: `${inputSourceName}:${contractName}`,
    input: JSON.stringify(input),
    compilerVersion: `v${solcLongVersion}`,
    constructorArguments: constructors![name]!,
  };
}
