import { OpenLedgerError } from "../sdk/errors.ts";
import type { BackendName } from "./backends.ts";
import { ONNX_PROVIDERS } from "./backends.ts";
import { type LlamaConfig, weightShapes } from "./config.ts";
import { paddedLength, type Reduce } from "./engine.ts";
import { type LoraConfig, loraLayout } from "./lora.ts";
import { packedBytes, WEIGHT_FORMATS, type WeightFormat } from "./packed.ts";

/** What one gradient task works on, on each of the threads at once. */
export interface GradientWork {
  lora: LoraConfig;
  /** Examples of a task. */
  batch: number;
  /** Tokens of the longest example. */
  length: number;
  reduce: Reduce;
}

/** Where it runs. */
export interface Workplace {
  config: LlamaConfig;
  weightFormat: WeightFormat;
  backend: BackendName;
  threads: number;
}

/** The program itself, and each thread of it. */
const [PROGRAM, THREAD] = [150e6, 50e6];
/**
 * Memory taken over the values that the backward pass needs, for those of the passes themselves and for gaps; measured, see
 * docs/trainer-speed.md. tfjs keeps far more than is needed, and a copy of the weights on each thread.
 */
const OVERHEAD = { onnx: 1.2, tfjs: 6 };

/** Bytes that this process may come to: what it has, and what the machine has left. */
export const memoryHere = (): number => process.memoryUsage().rss + process.availableMemory();

/** Bytes of a model's weights. */
function weightBytes(config: LlamaConfig, format: WeightFormat): number {
  return [...weightShapes(config)].reduce((sum, [name, shape]) => sum + packedBytes(name, shape, format), 0);
}

/**
 * Refuses a base whose weights alone would not fit, before they are read.
 * @throws OpenLedgerError `TRAINER_MEMORY`, with the formats that would fit
 */
export function requireWeightMemory(
  name: string,
  config: LlamaConfig,
  format: WeightFormat,
  memory = memoryHere(),
): void {
  // While they are read the largest is there twice besides: as the file has it, and in float32.
  const largest = Math.max(...[...weightShapes(config).values()].map((shape) => shape.reduce((a, b) => a * b, 1)));
  const need = (format: WeightFormat) => PROGRAM + weightBytes(config, format) + 8 * largest;
  if (need(format) <= memory) return;
  const fitting = WEIGHT_FORMATS.filter((other) => need(other) <= memory);
  const advice = fitting.length > 0 ? `they fit as ${fitting.join(" or ")}` : "choose a smaller base";
  throw new OpenLedgerError(
    "TRAINER_MEMORY",
    `the weights of ${name} would take about ${gigabytes(need(format))} of memory as ${format}, and there are ${gigabytes(memory)}; ${advice}`,
  );
}

/** Bytes that gradients will take at their peak: the weights, and what each thread works with. */
export function predictMemory({ config, weightFormat, backend, threads }: Workplace, work: GradientWork) {
  const onnx = backend in ONNX_PROVIDERS;
  const stored = weightBytes(config, weightFormat);
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers, vocabSize } = config;
  const length = paddedLength(config, work.length);
  const { rank, targetModules } = work.lora;
  // Values of a token that wait for the backward pass: of a layer, and of the loss.
  const attention = 2 * (heads + kvHeads) * headDim + heads * length;
  const layer = 4 * hiddenSize + attention + 5 * intermediateSize + targetModules.length * rank;
  const tokens = work.batch * length * (layers * layer + 3 * vocabSize);
  const gradients = 2 * (work.reduce === "none" ? work.batch : 1) * loraLayout(config, work.lora).size;
  const overhead = OVERHEAD[onnx ? "onnx" : "tfjs"];
  const thread = THREAD + overhead * 4 * (tokens + gradients) + (onnx ? 0 : stored);
  return { weights: stored, thread, total: PROGRAM + stored + threads * thread };
}

/**
 * Refuses work that would not fit into memory, before it begins.
 * @param what is to be done, for the message
 * @param extra bytes that it needs besides
 * @throws OpenLedgerError `TRAINER_MEMORY`, with what would fit
 */
export function requireMemory(
  place: Workplace & { memory: number },
  what: string,
  work: GradientWork,
  { extra = 0, adjustableBatch }: { extra?: number; adjustableBatch?: string } = {},
): void {
  const need = predictMemory(place, work);
  const { memory, threads, backend } = place;
  if (need.total + extra <= memory) return;
  const fits = (other: Partial<GradientWork & Workplace>) =>
    predictMemory({ ...place, ...other }, { ...work, ...other }).total + extra <= memory;
  const advice: string[] = [];
  const smaller = Array.from({ length: work.batch - 1 }, (_, n) => work.batch - 1 - n).find((batch) => fits({ batch }));
  if (adjustableBatch !== undefined && smaller !== undefined) advice.push(`a ${adjustableBatch} of ${smaller}`);
  const fewer = Array.from({ length: threads - 1 }, (_, n) => threads - 1 - n).find((count) =>
    fits({ threads: count }),
  );
  if (fewer !== undefined) advice.push(`${fewer === 1 ? "one thread" : `${fewer} threads`}`);
  const onnx = backend in ONNX_PROVIDERS;
  if (!onnx && fits({ backend: "onnx" })) advice.push("the backend onnx");
  const packed = WEIGHT_FORMATS.slice(WEIGHT_FORMATS.indexOf(place.weightFormat) + 1);
  const enough = packed.find((weightFormat) => fits({ weightFormat, ...(!onnx && { backend: "onnx" }) }));
  if (enough !== undefined) advice.push(`the base's weights as ${enough}`);
  const rest = "shorter rows, a lower rank, or a smaller base";
  const parts = `weights ${gigabytes(need.weights)}, ${threads} × ${gigabytes(need.thread)} a thread`;
  const more = extra > 0 ? `, sketches ${gigabytes(extra)}` : "";
  throw new OpenLedgerError(
    "TRAINER_MEMORY",
    `${what} would take about ${gigabytes(need.total + extra)} of memory (${parts}${more}), and there are ${gigabytes(memory)}; ` +
      (advice.length > 0 ? `it fits with ${advice.join(", or with ")}` : `try ${rest}`),
  );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
