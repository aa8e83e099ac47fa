import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { ModelNFT } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type FetchedManifest, fetchManifest, type ModelManifest } from "../sdk/models.ts";
import { loadSketches, type Sketches } from "../trainer/attribution/artifact.ts";
import type { Base } from "../trainer/base.ts";
import { encodeLora } from "../trainer/gguf.ts";
import type { Adapter } from "../trainer/lora.ts";
import type { PackedTensor } from "../trainer/packed.ts";
import { loadAdapter } from "../trainer/peft.ts";

/** A release of a minted model whose adapter is on this machine, checked against the chain. */
export type Release = {
  modelId: bigint;
  /** Counted from 1; each retraining makes the next. */
  number: bigint;
  manifest: ModelManifest;
  adapter: Adapter;
  /** The adapter as a GGUF file; named by the adapter's hash, so that it never changes. */
  gguf: string;
};

/**
 * Takes a model's release from chain to disk: manifest by content id, adapter files by content id, each checked against
 * its hash.
 * @param folder Keeps the adapters, by hash.
 * @param number The model's last release unless told.
 * @throws OpenLedgerError `MODEL_UNKNOWN`, `MODEL_BASE`, `MODEL_MANIFEST`, `MODEL_ADAPTER`, `CONTENT_…`, `TRAINER_ADAPTER`.
 */
export async function fetchRelease(
  models: ModelNFT,
  store: Content,
  base: Base<PackedTensor>,
  modelId: bigint,
  folder: string,
  number?: bigint,
): Promise<Release> {
  const fetched = await fetchManifest(models, store, modelId, number);
  const own = join(folder, fetched.minted.adapterHash);
  const adapter = await fetchAdapter(store, base, modelId, fetched, own);
  return { modelId, number: fetched.number, manifest: fetched.manifest, adapter, gguf: ggufOf(own, base, adapter) };
}

/**
 * The adapter that a release's manifest names, kept in a folder.
 * @throws OpenLedgerError `MODEL_BASE`, `MODEL_ADAPTER`, `CONTENT_…`, `TRAINER_ADAPTER`.
 */
export async function fetchAdapter(
  store: Content,
  base: Base<PackedTensor>,
  modelId: bigint,
  { minted, manifest }: FetchedManifest,
  folder: string,
): Promise<Adapter> {
  if (minted.baseHash !== base.hash)
    throw new OpenLedgerError(
      "MODEL_BASE",
      `Model ${modelId} is made for base ${minted.baseHash}; this is ${base.hash} (${base.name}). Load that base.`,
    );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "adapter_config.json"), await store.get(manifest.adapter.config));
  writeFileSync(join(folder, "adapter_model.safetensors"), await store.get(manifest.adapter.weights));
  const { adapter, hash } = loadAdapter(folder, base);
  if (hash !== minted.adapterHash)
    throw new OpenLedgerError(
      "MODEL_ADAPTER",
      `The adapter of model ${modelId} has hash ${hash}, minted is ${minted.adapterHash}. Do not use it.`,
    );
  return adapter;
}

/** The sketches that a manifest names, kept in a folder. */
export async function fetchSketches(
  store: Content,
  { sketches: { rows, basis, description } }: ModelManifest,
  folder: string,
): Promise<Sketches> {
  mkdirSync(folder, { recursive: true });
  for (const [name, id] of Object.entries({ "rows.int8": rows, "basis.f32": basis, "sketches.json": description }))
    writeFileSync(join(folder, name), await store.get(id));
  return loadSketches(folder);
}

/** An adapter as GGUF file in its folder, written once; the folder is named by, or belongs to, this adapter alone. */
export function ggufOf(folder: string, base: Base<PackedTensor>, adapter: Adapter): string {
  const gguf = join(folder, "adapter.gguf");
  if (!existsSync(gguf)) {
    writeFileSync(`${gguf}.partial`, encodeLora(base, adapter));
    renameSync(`${gguf}.partial`, gguf);
  }
  return gguf;
}
