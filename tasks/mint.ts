import { existsSync, readFileSync } from "node:fs";
import { keccak256, ZeroHash } from "ethers";
import { stopProver } from "../prover/groth16.ts";
import { provingKey } from "../prover/keys.ts";
import { registerSketches } from "../prover/register.ts";
import { ContentStore } from "../sdk/content-store.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { fetchManifest, type ModelTerms, mintModel, parseManifest } from "../sdk/models.ts";
import { mined } from "../sdk/transactions.ts";
import { ownProtocol, readDeployment, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, type Options } from "./run.ts";

type Mint = Options & {
  manifest: string;
  token: string | undefined;
  inputPrice: bigint;
  outputPrice: bigint;
  split: string;
  store: string;
};

export const mint = action<Mint>(async (args, context) => {
  const store = new ContentStore(args.store);
  const bytes = existsSync(args.manifest) ? readFileSync(args.manifest) : await store.get(args.manifest);
  const manifest = parseManifest(bytes);
  const weights = await store.get(manifest.adapter.weights);
  if (keccak256(weights) !== manifest.adapter.hash)
    throw new OpenLedgerError(
      "MODEL_ADAPTER",
      `manifest: adapter.hash is ${manifest.adapter.hash}, of adapter.weights it is ${keccak256(weights)}. Correct one.`,
    );
  for (const id of [manifest.adapter.config, ...Object.values(manifest.sketches)]) await store.get(id);
  requireAtLeast("inputPrice", args.inputPrice, 0);
  requireAtLeast("outputPrice", args.outputPrice, 0);
  const own = await ownProtocol(args, context);
  const token = requireAddress("token", args.token ?? (await readDeployment(args, context)).addresses.token ?? "none");
  const { inputPrice, outputPrice } = args;
  const terms = { token, inputPrice, outputPrice, split: parseSplit(args.split) };
  const { modelId, receipt } = await mintModel(own.models, store, manifest, terms);
  const { manifestCid } = await own.models.manifest(modelId);
  return {
    message: `Minted model ${modelId}, ${manifest.name}. Next: \`model:register ${modelId}\`.`,
    modelId,
    owner: own.account,
    name: manifest.name,
    manifestCid,
    ...terms,
    transaction: receipt.hash,
  };
});

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

type Register = Options & { model: bigint; vk: string | undefined; store: string; keys: string };

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

async function commit(own: Protocol, { model, vk, store, keys }: Register): Promise<string> {
  const content = new ContentStore(store);
  const { manifest } = await fetchManifest(own.models, content, model);
  const rows = Int8Array.from(await content.get(manifest.sketches.rows));
  const { k, m0, count } = JSON.parse(Buffer.from(await content.get(manifest.sketches.description)).toString());
  const vkId = vk ?? (await lastKey(own));
  const { srs } = await provingKey(own, vkId, count, keys);
  try {
    return (await registerSketches(own, model, vkId, { rows, k, m0 }, srs)).receipt.hash;
  } finally {
    await stopProver();
  }
}

/** The verifying key that was registered last. */
async function lastKey({ verifier }: Protocol): Promise<string> {
  const registered = await verifier.queryFilter(verifier.filters.VerifyingKeyRegistered());
  const last = registered.at(-1);
  if (!last)
    throw new OpenLedgerError("KEY_MISSING", "vk: no verifying key is registered. The admin runs `key:register`.");
  return last.args.vkId;
}
