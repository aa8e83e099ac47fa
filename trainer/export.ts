import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type Base, loadPackedBase } from "./base.ts";
import { encodeBase, encodeLora } from "./gguf.ts";
import type { Adapter } from "./lora.ts";
import { mergeAdapter } from "./merge.ts";
import { unpackTensor, type WeightFormat } from "./packed.ts";
import { loadAdapter } from "./peft.ts";
import { writeSafetensors } from "./safetensors.ts";

/** What can be written, and for whom. */
export const EXPORTS = {
  gguf: "the base, as a GGUF file for llama.cpp",
  "gguf-lora": "the adapter, as a GGUF file for llama.cpp (--lora)",
  "gguf-merged": "the base with the adapter in its weights, as one GGUF file",
  merged: "the base with the adapter in its weights, as a Hugging Face folder (safetensors)",
} as const;
export type ExportKind = keyof typeof EXPORTS;

/**
 * Writes a base (Hugging Face folder), an adapter over it (PEFT folder) or both as one, all in float32.
 * @param adapterFolder not needed for `gguf` alone
 * @param weights the base's weights as they were learned over: then what is written computes what the trainer did
 * @param out file, or folder for `merged`; must not exist, and exists only when it is whole
 * @throws OpenLedgerError `EXPORT_OUT`, `EXPORT_ADAPTER`, `GGUF_UNSUPPORTED`, `TRAINER_…`
 */
export function exportModel(
  kind: ExportKind,
  baseFolder: string,
  adapterFolder: string | undefined,
  out: string,
  weights: WeightFormat = "f32",
): void {
  if (existsSync(out)) throw new OpenLedgerError("EXPORT_OUT", `${out} exists already; name another place`);
  const packed = loadPackedBase(baseFolder, weights);
  const base = { ...packed, weights: new Map([...packed.weights].map(([name, one]) => [name, unpackTensor(one)])) };
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true }); // of a run that was stopped
  try {
    if (kind === "gguf") writeLarge(partial, encodeBase(base));
    else write(kind, base, baseFolder, adapterOf(kind, adapterFolder, base), partial);
    renameSync(partial, out);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

function write(kind: Exclude<ExportKind, "gguf">, base: Base, baseFolder: string, adapter: Adapter, to: string): void {
  if (kind === "gguf-lora") writeLarge(to, encodeLora(base, adapter));
  else if (kind === "gguf-merged") writeLarge(to, encodeBase(mergeAdapter(base, adapter)));
  else writeMerged(base, baseFolder, adapter, to);
}

function adapterOf(kind: ExportKind, folder: string | undefined, base: Base): Adapter {
  if (folder !== undefined) return loadAdapter(folder, base).adapter;
  throw new OpenLedgerError("EXPORT_ADAPTER", `adapter: ${kind} needs one; name its PEFT folder`);
}

/** Files of a base that hold true for it with an adapter merged in, where it has them. */
const KEPT = [
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"],
  ...["generation_config.json", "LICENSE"],
];

function writeMerged(base: Base, baseFolder: string, adapter: Adapter, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of KEPT) {
    const from = path.join(baseFolder, name);
    if (existsSync(from)) copyFileSync(from, path.join(folder, name));
  }
  const { dtype: _, ...config } = JSON.parse(readFileSync(path.join(baseFolder, "config.json"), "utf8"));
  const written = { ...config, torch_dtype: "float32" };
  writeFileSync(path.join(folder, "config.json"), `${JSON.stringify(written, null, 2)}\n`);
  const { weights } = mergeAdapter(base, adapter);
  writeLarge(path.join(folder, "model.safetensors"), writeSafetensors(weights, "F32"));
}

/** In pieces, since Node writes at most 2 GiB at once. */
function writeLarge(file: string, bytes: Uint8Array): void {
  const handle = openSync(file, "w");
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(handle, bytes, done, Math.min(bytes.length - done, 1 << 30));
    }
  } finally {
    closeSync(handle);
  }
}
