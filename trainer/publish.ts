import { readFileSync } from "node:fs";
import path from "node:path";
import type { Content } from "../sdk/content.ts";
import type { ModelManifest } from "../sdk/models.ts";
import { METHOD_VERSION, type Sketches, saveSketches } from "./attribution/artifact.ts";
import type { Base } from "./base.ts";
import type { Adapter } from "./lora.ts";
import { saveAdapter } from "./peft.ts";

/**
 * Writes an adapter (PEFT) and its sketches below `folder`, puts their files into the content store, and returns the
 * part of the model's manifest that names them: with it anyone can run the model and check its sketches.
 */
export async function publishModel(
  folder: string,
  store: Content,
  base: Pick<Base, "name" | "hash" | "config">,
  adapter: Adapter,
  sketches: Sketches,
): Promise<Pick<ModelManifest, "methodVersion" | "base" | "adapter" | "sketches">> {
  const hash = saveAdapter(path.join(folder, "adapter"), adapter, base);
  saveSketches(path.join(folder, "sketches"), sketches);
  const put = (...name: string[]) => store.put(new Uint8Array(readFileSync(path.join(folder, ...name))));
  return {
    methodVersion: METHOD_VERSION,
    base: { name: base.name, hash: base.hash },
    adapter: {
      hash,
      config: await put("adapter", "adapter_config.json"),
      weights: await put("adapter", "adapter_model.safetensors"),
    },
    sketches: {
      rows: await put("sketches", "rows.int8"),
      basis: await put("sketches", "basis.f32"),
      description: await put("sketches", "sketches.json"),
    },
  };
}
