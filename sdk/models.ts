import { toUtf8String } from "ethers";
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
 * What the chain says of a model, and its manifest from the content store, checked against that.
 * @throws OpenLedgerError `MODEL_UNKNOWN`, `MODEL_MANIFEST`, `CONTENT_…`
 */
export async function fetchManifest(models: ModelNFT, store: Content, modelId: bigint) {
  const minted = await models.manifest(modelId).catch((cause: unknown) => {
    throw new OpenLedgerError("MODEL_UNKNOWN", `The chain knows no model ${modelId}. Check the id and the addresses.`, {
      cause,
    });
  });
  const bytes = await store.get(minted.manifestCid);
  if (manifestHash(bytes) !== minted.manifestHash)
    throw new OpenLedgerError(
      "MODEL_MANIFEST",
      `The manifest of model ${modelId} is not the one minted. Do not use it.`,
    );
  return { minted, manifest: JSON.parse(toUtf8String(bytes)) as ModelManifest };
}
