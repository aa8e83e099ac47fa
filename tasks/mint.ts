import { existsSync, readFileSync } from "node:fs";
import { keccak256, ZeroHash } from "ethers";
import { chooseInstance, INSTANCES } from "../circuits/instances.ts";
import { stopProver } from "../prover/groth16.ts";
import { provingKey } from "../prover/keys.ts";
import { registerSketches } from "../prover/register.ts";
import { memoryOf } from "../prover/workers.ts";
import type { Content } from "../sdk/content.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import {
  fetchManifest,
  type ModelManifest,
  type ModelParent,
  type ModelTerms,
  mintModel,
  parseManifest,
  retrainModel,
  storeManifest,
} from "../sdk/models.ts";
import { mined } from "../sdk/transactions.ts";
import { ownProtocol, readDeployment, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, contentOf, type Options } from "./run.ts";

type Mint = Options & {
  manifest: string;
  token: string | undefined;
  inputPrice: bigint;
  outputPrice: bigint;
  split: string;
  parents: string;
  store: string;
};

/** The same manifest of the same owner is not minted twice. */
export const mint = action<Mint>(async (args, context) => {
  const store = contentOf(args);
  const manifest = await readManifest(args.manifest, store);
  requireAtLeast("inputPrice", args.inputPrice, 0);
  requireAtLeast("outputPrice", args.outputPrice, 0);
  const own = await ownProtocol(args, context);
  const { models, account } = own;
  const token = requireAddress("token", args.token ?? (await readDeployment(args, context)).addresses.token ?? "none");
  const { inputPrice, outputPrice } = args;
  const terms = { token, inputPrice, outputPrice, split: parseSplit(args.split) };
  const parents = parseParents(args.parents);
  const { manifestHash, manifestCid } = await storeManifest(store, manifest);
  const minted = await models.queryFilter(models.filters.ModelMinted(undefined, account));
  const known = minted.find((event) => event.args.manifest.manifestHash === manifestHash)?.args.modelId;
  if (known !== undefined)
    return { message: `Model ${known} has this manifest, nothing sent.`, modelId: known, manifestCid };
  const { modelId, receipt } = await mintModel(models, store, manifest, terms, parents);
  return {
    message: `Minted model ${modelId}, ${manifest.name}. Next: \`model:register ${modelId}\`.`,
    modelId,
    owner: account,
    name: manifest.name,
    manifestCid,
    ...terms,
    ...(parents.length > 0 && { parents }),
    transaction: receipt.hash,
  };
});

type Retrain = Options & { model: bigint; manifest: string; store: string };

export const retrain = action<Retrain>(async (args, context) => {
  const { model } = args;
  requireAtLeast("model", model, 1);
  const store = contentOf(args);
  const manifest = await readManifest(args.manifest, store);
  const { models } = await ownProtocol(args, context);
  const { manifestHash, manifestCid } = await storeManifest(store, manifest);
  const { manifestHash: current } = await models.manifest(model);
  const told = { modelId: model, name: manifest.name, manifestCid };
  if (manifestHash === current)
    return { message: "It is the model's last release, nothing sent.", release: await models.releases(model), ...told };
  const { release, receipt } = await retrainModel(models, store, model, manifest);
  return {
    message: `Release ${release}. Next: \`model:register ${model}\`; it earns from the epoch that opens after that.`,
    release,
    ...told,
    transaction: receipt.hash,
  };
});

/** A manifest, from its file or content id, once everything that it names is in the store and fits. */
async function readManifest(named: string, store: Content): Promise<ModelManifest> {
  const manifest = parseManifest(existsSync(named) ? readFileSync(named) : await store.get(named));
  const weights = await store.get(manifest.adapter.weights);
  if (keccak256(weights) !== manifest.adapter.hash)
    throw new OpenLedgerError(
      "MODEL_ADAPTER",
      `manifest: adapter.hash is ${manifest.adapter.hash}, of adapter.weights it is ${keccak256(weights)}. Correct one.`,
    );
  for (const id of [manifest.adapter.config, ...Object.values(manifest.sketches)]) await store.get(id);
  return manifest;
}

/** Parents with their royalties in basis points: `3:1000,4:500`. */
function parseParents(text: string): ModelParent[] {
  return text === ""
    ? []
    : text.split(",").map((one) => {
        const [, modelId, royaltyBps] = one.trim().match(/^(\d+):(\d+)$/) ?? [];
        if (modelId !== undefined) return { modelId: BigInt(modelId), royaltyBps: Number(royaltyBps) };
        throw new OpenLedgerError(
          "PARENTS_INVALID",
          `parents: ${one} is no parent. Give model:royalty in basis points of the owner's share, such as 3:1000.`,
        );
      });
}

/** Parts of a fee in basis points, as `Terms` of IModelNFT names them. */
function parseSplit(text: string): ModelTerms["split"] {
  const parts = text.split(",").map(Number);
  const [data, owner, server, operator, protocol] = parts as [number, number, number, number, number];
  if (parts.length !== 5 || !parts.every((part) => Number.isInteger(part) && part >= 0))
    throw new OpenLedgerError(
      "SPLIT_INVALID",
      `split: ${text} is not five whole numbers. Give data,owner,server,operator,protocol in basis points.`,
    );
  return { data, owner, server, operator, protocol };
}

type Register = Options & {
  model: bigint;
  instance: string | undefined;
  vk: string | undefined;
  store: string;
  keys: string;
};

/** Each of its two transactions is sent only where the chain does not have it yet, so that it can be run again. */
export const register = action<Register>(async (args, context) => {
  const { model } = args;
  requireAtLeast("model", model, 1);
  const own = await ownProtocol(args, context);
  const { attribution, splitter } = own;
  const result: { registration?: string; opening?: string } = {};
  const last = await attribution.commitmentOf(model);
  const isRegistered =
    last !== ZeroHash && (await attribution.commitment(last)).release === (await own.models.releases(model));
  if (!isRegistered) result.registration = await commit(own, args);
  const opened = await splitter.queryFilter(splitter.filters.EpochOpened(model));
  const isActive = (await attribution.activeCommitmentOf(model)) !== ZeroHash;
  if (opened.length === 0 && isActive) result.opening = (await mined(splitter.openEpoch(model))).hash;
  return {
    message: !isActive
      ? "Registered. Until its activation window is over anyone can dispute it: then run this again to open epoch 0."
      : result.opening !== undefined
        ? "Registered, and epoch 0 takes fees."
        : result.registration !== undefined
          ? "Registered the retrained adapter, which earns from the next epoch that opens once it is active."
          : "It was registered before, and its epochs run.",
    modelId: model,
    commitmentId: await attribution.commitmentOf(model),
    ...result,
  };
});

async function commit(own: Protocol, args: Register): Promise<string> {
  const { model, instance, vk, keys } = args;
  const content = contentOf(args);
  const { manifest } = await fetchManifest(own.models, content, model);
  const rows = Int8Array.from(await content.get(manifest.sketches.rows));
  const { k, m0, count } = JSON.parse(Buffer.from(await content.get(manifest.sketches.description)).toString());
  const vkId = vk ?? (await keyFor(own, count, instance));
  const { srs } = await provingKey(own, vkId, count, keys);
  try {
    return (await registerSketches(own, model, vkId, { rows, k, m0 }, srs)).receipt.hash;
  } finally {
    await stopProver();
  }
}

/** The registered key of the named instance, else of the one that suits so many rows best. */
async function keyFor({ verifier }: Protocol, rows: number, named: string | undefined): Promise<string> {
  const registered = await verifier.queryFilter(verifier.filters.VerifyingKeyRegistered());
  const keys = new Map(registered.map(({ args }) => [Number(args.chunkRows), args.vkId]));
  const instances = Object.values(INSTANCES).filter((one) => keys.has(one.rows));
  if (instances.length === 0)
    throw new OpenLedgerError("KEY_MISSING", "vk: no verifying key is registered. The admin runs `verifier:register`.");
  const instance =
    named === undefined ? chooseInstance(rows, memoryOf({}), instances) : instances.find(({ name }) => name === named);
  if (!instance)
    throw new OpenLedgerError(
      "INSTANCE_UNFIT",
      named === undefined
        ? `instance: a chunk of none of ${instances.map(({ name }) => name).join(", ")} can be proven in this machine's memory. Name one that another machine proves.`
        : `instance: no key of ${named} is registered, only of ${instances.map(({ name }) => name).join(", ")}. Choose one of these, or have the admin run \`verifier:register\`.`,
    );
  return keys.get(instance.rows)!;
}
