import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { ModelNFT } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { fetchManifest, type ModelManifest } from "../sdk/models.ts";
import { loadSketches, type Sketches } from "../trainer/attribution/artifact.ts";
import type { Base } from "../trainer/base.ts";
import { encodeLora } from "../trainer/gguf.ts";
import type { Adapter } from "../trainer/lora.ts";
import type { PackedTensor } from "../trainer/packed.ts";
import { loadAdapter } from "../trainer/peft.ts";

/** A minted model whose adapter is on this machine, checked against the chain. */
export type LocalModel = {
  modelId: bigint;
  manifest: ModelManifest;
  adapter: Adapter;
  /** The adapter as a GGUF file; named by the adapter's hash, so that it never changes. */
  gguf: string;
};

/**
 * Takes a model from chain to disk: manifest by content id, adapter files by content id, each checked against its hash.
 * @param folder Keeps the adapters, by hash.
 * @param release of the model, the last unless told
 * @throws OpenLedgerError `MODEL_UNKNOWN`, `MODEL_BASE`, `MODEL_MANIFEST`, `MODEL_ADAPTER`, `CONTENT_…`, `TRAINER_ADAPTER`.
 */
export async function fetchModel(
  models: ModelNFT,
  store: Content,
  base: Base<PackedTensor>,
  modelId: bigint,
  folder: string,
  release?: bigint,
): Promise<LocalModel> {
  const { minted, manifest } = await fetchManifest(models, store, modelId, release);
  if (minted.baseHash !== base.hash)
    throw new OpenLedgerError(
      "MODEL_BASE",
      `Model ${modelId} is made for base ${minted.baseHash}; this is ${base.hash} (${base.name}). Load that base.`,
    );
  const own = join(folder, minted.adapterHash);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "adapter_config.json"), await store.get(manifest.adapter.config));
  writeFileSync(join(own, "adapter_model.safetensors"), await store.get(manifest.adapter.weights));
  const { adapter, hash } = loadAdapter(own, base);
  if (hash !== minted.adapterHash)
    throw new OpenLedgerError(
      "MODEL_ADAPTER",
      `The adapter of model ${modelId} has hash ${hash}, minted is ${minted.adapterHash}. Do not use it.`,
    );
  return { modelId, manifest, adapter, gguf: ggufOf(own, base, adapter) };
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
