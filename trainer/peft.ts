import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { keccak256 } from "ethers";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { LlamaConfig } from "./config.ts";
import { type Adapter, type LoraConfig, type LoraLayout, loraLayout } from "./lora.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "./safetensors.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";

/** Writes an adapter as a PEFT folder and returns its hash: keccak256 of the safetensors file. */
export function saveAdapter(folder: string, adapter: Adapter, base: { name: string; config: LlamaConfig }): string {
  const { rank, alpha, targetModules } = adapter.lora;
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base.name,
    r: rank,
    lora_alpha: alpha,
    target_modules: targetModules,
    lora_dropout: 0,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    modules_to_save: null,
    use_rslora: false,
    use_dora: false,
    rank_pattern: {},
    alpha_pattern: {},
  };
  const bytes = encodeAdapter(adapter, base.config);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`);
  writeFileSync(path.join(folder, WEIGHTS), bytes);
  return keccak256(bytes);
}

/** Reads a PEFT LoRA folder for this base; refuses what this trainer would compute differently. */
export function loadAdapter(folder: string, base: { config: LlamaConfig }): { adapter: Adapter; hash: string } {
  let json: Record<string, unknown>;
  let bytes: Uint8Array;
  try {
    json = JSON.parse(readFileSync(path.join(folder, CONFIG), "utf8"));
    bytes = readFileSync(path.join(folder, WEIGHTS));
  } catch (cause) {
    throw bad(`${folder} cannot be read; name a folder with ${CONFIG} and ${WEIGHTS}`, cause);
  }
  const lora = readConfig(json);
  const layout = loraLayout(base.config, lora);
  const params = new Float32Array(layout.size);
  const tensors = readSafetensors(bytes);
  for (const { key, shape, offset, size } of peftTensors(layout)) {
    const tensor = tensors.get(key);
    if (tensor === undefined || JSON.stringify(tensor.shape) !== JSON.stringify(shape)) {
      throw bad(`${WEIGHTS}: ${key} must have shape [${shape}], not ${tensor ? `[${tensor.shape}]` : "be missing"}`);
    }
    if (!tensor.data.every(Number.isFinite)) throw bad(`${WEIGHTS}: ${key} has values that are not finite`);
    params.set(tensor.data, offset);
    tensors.delete(key);
    if (size !== tensor.data.length) throw bad(`${WEIGHTS}: ${key} has ${tensor.data.length} values, not ${size}`);
  }
  const [extra] = tensors.keys();
  if (extra !== undefined) throw bad(`${WEIGHTS}: ${extra} is not a weight of the target modules`);
  return { adapter: { lora, params }, hash: keccak256(bytes) };
}

/** Settings of PEFT that change the computation, or the base, in ways this trainer does not follow. */
const UNSUPPORTED = [
  ...["use_dora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out", "alora_invocation_tokens", "arrow_config"],
  ...["modules_to_save", "target_parameters", "trainable_token_indices", "layers_to_transform", "layer_replication"],
  ...["rank_pattern", "alpha_pattern", "velora_config", "monteclora_config"],
];
/** Ways to start that leave the base's weights as they are; the others train what remains of them. */
const STARTS: unknown[] = [undefined, true, false, "gaussian", "orthogonal", "eva"];

function readConfig(json: Record<string, unknown>): LoraConfig {
  const { peft_type: type, bias, init_lora_weights: start, r, lora_alpha: alpha, target_modules: targets } = json;
  const wrong = (field: string, problem: string) => bad(`${CONFIG}: ${field} ${problem}`);
  if (type !== "LORA") throw wrong("peft_type", `is ${type}; only LORA is supported`);
  const given = (value: unknown) => (typeof value === "object" ? Object.keys(value ?? {}).length > 0 : Boolean(value));
  for (const field of UNSUPPORTED) {
    if (given(json[field])) throw wrong(field, "is set, which is not supported; train without it");
  }
  if ((bias ?? "none") !== "none") throw wrong("bias", `is ${bias}; only "none" is supported`);
  if (!STARTS.includes(start))
    throw wrong("init_lora_weights", `is ${start}, which changes the base; train without it`);
  if (!Array.isArray(targets)) throw wrong("target_modules", "must be a list of module names");
  // "all-linear" lists every module by its full name; one of another layer that is not listed lacks its tensors.
  const targetModules = [...new Set(targets.map((name) => String(name).split(".").at(-1)))];
  // rsLoRA scales by alpha / √r in place of alpha / r.
  const scaled = json.use_rslora ? (alpha as number) * Math.sqrt(r as number) : alpha;
  return { rank: r, alpha: scaled, targetModules } as LoraConfig;
}

/** keccak256 of the adapter's safetensors bytes, as saveAdapter would write them. */
export function adapterHash(adapter: Adapter, config: LlamaConfig): string {
  return keccak256(encodeAdapter(adapter, config));
}

function encodeAdapter(adapter: Adapter, config: LlamaConfig): Uint8Array {
  const layout = loraLayout(config, adapter.lora);
  const tensors = new Map<string, StoredTensor>();
  for (const { key, shape, offset, size } of peftTensors(layout)) {
    tensors.set(key, { shape, data: adapter.params.slice(offset, offset + size) });
  }
  return writeSafetensors(tensors, "F32");
}

/** Where PEFT keeps each part of the flat vector. */
function peftTensors({ lora: { rank }, modules }: LoraLayout) {
  return modules.flatMap(({ name, in: input, out, offset }) => [
    { key: `base_model.model.${name}.lora_A.weight`, shape: [rank, input], offset, size: rank * input },
    {
      key: `base_model.model.${name}.lora_B.weight`,
      shape: [out, rank],
      offset: offset + rank * input,
      size: rank * out,
    },
  ]);
}

function bad(problem: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError("TRAINER_ADAPTER", `adapter: ${problem}`, { cause });
}
