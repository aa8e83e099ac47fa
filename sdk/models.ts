import { toUtf8String } from "ethers";
import { type Content, canonicalJson, manifestHash } from "./content.ts";
import type { AttributionRegistry, ModelNFT } from "./contracts.ts";
import { OpenLedgerError } from "./errors.ts";
import { emitted, mined } from "./transactions.ts";

/** What a model is made of, as its manifest states it. Everything here is needed to run or to audit it. */
export type ModelManifest = {
  name: string;
  methodVersion: number;
  base: { name: string; hash: string };
  adapter: { hash: string; config: string; weights: string };
  /** Content ids, as of the adapter's files above. */
  sketches: { rows: string; basis: string; description: string };
  versions: { datanetId: string; version: string }[];
  training: Record<string, unknown>;
};

/** Price, token and split of a model; see `Terms` of IModelNFT. */
export type ModelTerms = {
  token: string;
  inputPrice: bigint;
  outputPrice: bigint;
  split: { data: number; owner: number; server: number; operator: number; protocol: number };
};

/**
 * Reads a manifest from JSON.
 * @throws OpenLedgerError `MANIFEST_INVALID`, naming the field.
 */
export function parseManifest(bytes: Uint8Array): ModelManifest {
  const wrong = (what: string, cause?: unknown) =>
    new OpenLedgerError("MANIFEST_INVALID", `manifest: ${what}. docs/tasks.md shows how one is made.`, { cause });
  let manifest: ModelManifest;
  try {
    manifest = JSON.parse(toUtf8String(bytes));
  } catch (cause) {
    throw wrong("it is not JSON", cause);
  }
  const { name, methodVersion, base, adapter, sketches, versions, training } = manifest ?? {};
  const texts = {
    name,
    "base.name": base?.name,
    "base.hash": base?.hash,
    "adapter.hash": adapter?.hash,
    "adapter.config": adapter?.config,
    "adapter.weights": adapter?.weights,
    "sketches.rows": sketches?.rows,
    "sketches.basis": sketches?.basis,
    "sketches.description": sketches?.description,
  };
  for (const [field, value] of Object.entries(texts))
    if (typeof value !== "string" || value === "") throw wrong(`${field} must be a text`);
  if (!Number.isInteger(methodVersion)) throw wrong("methodVersion must be a whole number");
  const isVersion = (one: { datanetId?: unknown; version?: unknown }) =>
    [one?.datanetId, one?.version].every((id) => /^\d+$/.test(String(id)));
  if (!Array.isArray(versions) || versions.length === 0 || !versions.every(isVersion))
    throw wrong("versions must be a list of datanetId and version");
  if (typeof training !== "object" || training === null) throw wrong("training must be an object");
  return manifest;
}

/** A model that another was made from, and the part of the owner's share that goes to it, in basis points. */
export type ModelParent = { modelId: bigint; royaltyBps: number };

/** Stores a model's manifest; gives what the chain is told of it (`Manifest` of IModelNFT). */
export async function storeManifest(store: Content, manifest: ModelManifest) {
  const bytes = canonicalJson(manifest);
  return {
    manifestHash: manifestHash(bytes),
    manifestCid: await store.put(bytes),
    baseHash: manifest.base.hash,
    adapterHash: manifest.adapter.hash,
    methodVersion: manifest.methodVersion,
  };
}

/** Stores a model's manifest and mints its token to the runner of `models`; with parents, as derived from them. */
export async function mintModel(
  models: ModelNFT,
  store: Content,
  manifest: ModelManifest,
  terms: ModelTerms,
  parents: ModelParent[] = [],
) {
  const told = await storeManifest(store, manifest);
  const receipt = await mined(
    parents.length > 0
      ? models.mintDerived(told, manifest.versions, terms, parents)
      : models.mint(told, manifest.versions, terms),
  );
  return { receipt, modelId: emitted(models, "ModelMinted", receipt).modelId as bigint };
}

/** Stores the manifest of a retrained adapter and names it as the model's next release. */
export async function retrainModel(models: ModelNFT, store: Content, modelId: bigint, manifest: ModelManifest) {
  const receipt = await mined(models.retrain(modelId, await storeManifest(store, manifest), manifest.versions));
  return { receipt, release: emitted(models, "ModelRetrained", receipt).release as bigint };
}

/** Every commitment that a model ever had, oldest first: one for each release whose sketches were registered. */
export async function commitmentsOf(attribution: AttributionRegistry, modelId: bigint): Promise<string[]> {
  const events = await attribution.queryFilter(attribution.filters.CommitmentRegistered(modelId));
  return events.map(({ args }) => args.commitmentId);
}

/** A model's release as the chain has it, with its manifest. */
export type FetchedManifest = Awaited<ReturnType<typeof fetchManifest>>;

/**
 * What the chain says of a model's release, its last unless told, and its manifest from the content store, checked against
 * that.
 * @throws OpenLedgerError `MODEL_UNKNOWN`, `MODEL_MANIFEST`, `CONTENT_…`
 */
export async function fetchManifest(models: ModelNFT, store: Content, modelId: bigint, release?: bigint) {
  const unknown = (cause: unknown) => {
    throw new OpenLedgerError("MODEL_UNKNOWN", `The chain knows no model ${modelId}. Check the id and the addresses.`, {
      cause,
    });
  };
  const number = release ?? (await models.releases(modelId).catch(unknown));
  const [minted, versions] = await models.release(modelId, number).catch(unknown);
  const bytes = await store.get(minted.manifestCid);
  const wrong = (what: string) =>
    new OpenLedgerError("MODEL_MANIFEST", `The manifest of model ${modelId} ${what}. Do not use it.`);
  if (manifestHash(bytes) !== minted.manifestHash) throw wrong("is not the one minted");
  const manifest = JSON.parse(toUtf8String(bytes)) as ModelManifest;
  // Whoever contributed to the versions that the chain names is paid: rows of others must not pass for theirs.
  const named = (all: readonly { datanetId: unknown; version: unknown }[]) =>
    all.map(({ datanetId, version }) => `${datanetId}/${version}`).join();
  if (!Array.isArray(manifest.versions) || named(manifest.versions) !== named(versions))
    throw wrong("names other versions than the chain");
  return { number, minted, manifest };
}
