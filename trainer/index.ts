/** Fine-tuning and attribution: what the rest of the project and its users call. */
export * from "./attribution/accuracy.ts";
export * from "./attribution/artifact.ts";
export { type AuditOptions, auditSketches, type ClaimedQuery } from "./attribution/audit.ts";
export { Bm25 } from "./attribution/bm25.ts";
export * from "./attribution/build.ts";
export { fitSketch, project, SKETCH_SIZES, type SketchBasis } from "./attribution/sketch.ts";
export { type IntRows, leastMovement, movement, queryWeight, scores } from "./attribution/weights.ts";
export { BACKENDS, type BackendName, selectBackend } from "./backends.ts";
export { type Base, loadBase, loadPackedBase, type Model } from "./base.ts";
export { LINEARS, type LinearName, type LlamaConfig } from "./config.ts";
export type { Scored } from "./examples.ts";
export { EXPORTS, type ExportKind, exportModel } from "./export.ts";
export {
  type FinetuneOptions,
  type FinetuneProgress,
  type FinetuneReport,
  finetune,
  meanTokenLoss,
} from "./finetune.ts";
export { type Completion, type GenerateOptions, generate } from "./generate.ts";
export { encodeBase, encodeLora } from "./gguf.ts";
export type { Adapter, LoraConfig } from "./lora.ts";
export { mergeAdapter } from "./merge.ts";
export { WEIGHT_FORMATS, type WeightFormat } from "./packed.ts";
export { adapterHash, loadAdapter, saveAdapter } from "./peft.ts";
export { Pool, type PoolOptions } from "./pool.ts";
export { PRESET_NOTES, PRESETS, type PresetName } from "./presets.ts";
export { publishModel } from "./publish.ts";
export {
  type Reproduction,
  type RunHooks,
  type RunManifest,
  readManifest,
  reproduceRun,
  type TrainingPlan,
  trainRun,
} from "./run.ts";
export { readSample, type Sample, type SampleKind } from "./samples.ts";
export { holdOutGroups } from "./split.ts";
