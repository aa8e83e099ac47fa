import { type Content, canonicalJson, manifestHash } from "./content.ts";
import type { ModelNFT } from "./contracts.ts";
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

/** Stores a model's manifest and mints its token to the runner of `models`. */
export async function mintModel(models: ModelNFT, store: Content, manifest: ModelManifest, terms: ModelTerms) {
  const bytes = canonicalJson(manifest);
  const receipt = await mined(
    models.mint(
      {
        manifestHash: manifestHash(bytes),
        manifestCid: await store.put(bytes),
        baseHash: manifest.base.hash,
        adapterHash: manifest.adapter.hash,
        methodVersion: manifest.methodVersion,
      },
      manifest.versions,
      terms,
    ),
  );
  return { receipt, modelId: emitted(models, "ModelMinted", receipt).modelId as bigint };
}

/**
 * A minted model's manifest from the content store, held against the chain.
 * @throws OpenLedgerError `MODEL_MANIFEST`, `CONTENT_…`; the contract's `ModelUnknown`
 */
export async function fetchManifest(models: ModelNFT, store: Content, modelId: bigint): Promise<ModelManifest> {
  const minted = await models.manifest(modelId);
  const bytes = await store.get(minted.manifestCid);
  if (manifestHash(bytes) !== minted.manifestHash)
    throw new OpenLedgerError(
      "MODEL_MANIFEST",
      `The manifest of model ${modelId} is not the one minted. Do not use it.`,
    );
  return JSON.parse(new TextDecoder().decode(bytes)) as ModelManifest;
}
