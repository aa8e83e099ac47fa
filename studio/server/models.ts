import { hexlify } from "ethers";
import type { FastifyInstance } from "fastify";
import { modelFacts, type RegistrationArguments } from "../../prover/register.ts";
import type { Protocol } from "../../sdk/contracts.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Stack } from "../stack.ts";
import { apart } from "./apart.ts";
import { idOf } from "./fields.ts";
import type { Job } from "./jobs/job.ts";
import type { RegistrationTask } from "./registration-child.ts";
import type { Studio } from "./studio.ts";

/** Minted models by the hash of their manifest. */
export async function modelIds({ models }: Protocol): Promise<Map<string, string>> {
  const minted = await models.queryFilter(models.filters.ModelMinted());
  return new Map(minted.map(({ args }) => [args.manifest.manifestHash, String(args.modelId)]));
}

/**
 * What its owner sends to `AttributionRegistry.register` for a minted job.
 * @param folder The job's, with its sketches.
 * @throws OpenLedgerError `JOB_NOT_MINTED`, `JOB_OTHER_CHAIN`, `SKETCH_…`
 */
export async function registration({ chain, contracts, genesis }: Stack, job: Job, folder: string) {
  if (job.genesis !== genesis)
    throw new OpenLedgerError(
      "JOB_OTHER_CHAIN",
      "This job's Datanet was on an earlier chain. Train on one of this chain.",
    );
  const modelId = (await modelIds(contracts)).get(job.manifestHash ?? "");
  if (modelId === undefined)
    throw new OpenLedgerError(
      "JOB_NOT_MINTED",
      `No model with the manifest of job ${job.id} is minted. Mint it first.`,
    );
  const task: RegistrationTask = {
    facts: await modelFacts(contracts, BigInt(modelId)),
    vkId: chain.vkId,
    sketches: `${folder}/sketches`,
  };
  const child = new URL("./registration-child.ts", import.meta.url);
  const { columns, flags, m0, opening, sums, ...args } = await apart<RegistrationArguments>(child, task);
  return {
    ...args,
    modelId,
    columns: hexlify(columns),
    flags: flags.map(String),
    m0: String(m0),
    opening: opening.map(String),
    sums: { ...sums, total: String(sums.total), opening: sums.opening.map(String) },
  };
}

/** Deploying minted models to OpenLoRA. */
export function modelRoutes(app: FastifyInstance, { stack, bases, deployments }: Studio): void {
  app.get("/api/deployments", async () => deployments.list());
  app.post<{ Params: { id: string } }>("/api/models/:id/deploy", async ({ params }) => {
    const modelId = BigInt(idOf(params.id, "id"));
    const minted = await stack.contracts.models.manifest(modelId).catch((cause: unknown) => {
      throw new OpenLedgerError("MODEL_UNKNOWN", `The chain knows no model ${modelId}. Mint it first.`, { cause });
    });
    return deployments.deploy(modelId, bases.byHash(minted.baseHash));
  });
}
