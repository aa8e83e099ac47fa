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
  /** Whether each layer's values are computed again on the way back, which onnx can. */
  recompute?: boolean;
}

/** Where it runs. */
export interface Workplace {
  config: LlamaConfig;
  weightFormat: WeightFormat;
  backend: BackendName;
  threads: number;
}

/** The same, and the memory there. */
export interface Place extends Workplace {
  /** Bytes in all. */
  memory: number;
  /** Sets bytes aside for other things than gradients. */
  reserve(bytes: number): void;
}

/** The program itself, and each thread of it. */
const [PROGRAM, THREAD] = [150e6, 50e6];
/**
 * Memory taken over the values that the backward pass needs, for those of the passes themselves and for gaps; measured, see
 * docs/trainer-speed.md. tfjs keeps far more than is needed, and a copy of the weights on each thread.
 */
const OVERHEAD = { onnx: 1.2, q4: 1.5, tfjs: 6 };
/** Where values are computed again: those there are at a time of a layer, over those that would wait; measured, too. */
const BACKWARD = 5;

/** Bytes that this process may come to: what it has, and what the machine has left. */
export const memoryHere = (): number => process.memoryUsage().rss + process.availableMemory();

/** Values of a model's largest weight. */
const largestWeight = (config: LlamaConfig): number =>
  Math.max(...[...weightShapes(config).values()].map((shape) => shape.reduce((product, n) => product * n, 1)));

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
  const need = (format: WeightFormat) => PROGRAM + weightBytes(config, format) + 8 * largestWeight(config);
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
  const loss = 3 * vocabSize;
  const all = layers * layer + loss;
  const waiting = work.recompute ? Math.min(all, layers * hiddenSize + Math.max(BACKWARD * layer, loss)) : all;
  const tokens = work.batch * length * waiting;
  const gradients = 2 * (work.reduce === "none" ? work.batch : 1) * loraLayout(config, work.lora).size;
  const overhead = OVERHEAD[!onnx ? "tfjs" : weightFormat === "q4" ? "q4" : "onnx"];
  const unpacked = weightFormat === "f32" ? 0 : largestWeight(config);
  const thread = THREAD + overhead * 4 * (tokens + gradients) + 4 * unpacked + (onnx ? 0 : stored);
  return { weights: stored, thread, total: PROGRAM + stored + threads * thread };
}

/** What is said of a run's memory before it begins, in bytes. */
export interface MemoryForecast {
  predicted: number;
  limit: number;
  /** Whether each layer's values have to be computed again on the way back, so that it fits. */
  recompute: boolean;
}

/**
 * Refuses work that would not fit into memory, before it begins. What fits only with each layer's values computed again is not refused: the
 * pool does that by itself.
 * @param what is to be done, for the message
 * @param extra bytes that it needs besides
 * @throws OpenLedgerError `TRAINER_MEMORY`, with what would fit
 */
export function requireMemory(
  place: Place,
  what: string,
  work: GradientWork,
  { extra = 0, adjustableBatch }: { extra?: number; adjustableBatch?: string } = {},
): MemoryForecast {
  place.reserve(extra);
  const { memory, threads, backend, weightFormat } = place;
  const plain = predictMemory(place, work).total + extra;
  if (plain <= memory) return { predicted: plain, limit: memory, recompute: false };
  const least = (other: Partial<GradientWork & Workplace> = {}) => {
    const there = { ...place, ...other };
    return predictMemory(there, { ...work, recompute: there.backend in ONNX_PROVIDERS, ...other });
  };
  const fits = (other: Partial<GradientWork & Workplace>) => least(other).total + extra <= memory;
  const need = least();
  if (fits({})) return { predicted: need.total + extra, limit: memory, recompute: true };
  const onnx = backend in ONNX_PROVIDERS;
  const below = (most: number) => Array.from({ length: most - 1 }, (_, n) => most - 1 - n);
  const advice: string[] = [];
  const batch = below(work.batch).find((batch) => fits({ batch }));
  if (adjustableBatch !== undefined && batch !== undefined) advice.push(`a ${adjustableBatch} of ${batch}`);
  const fewer = below(threads).find((threads) => fits({ threads }));
  if (fewer !== undefined) advice.push(fewer === 1 ? "one thread" : `${fewer} threads`);
  if (!onnx && fits({ backend: "onnx" })) advice.push("the backend onnx");
  const format = WEIGHT_FORMATS.slice(WEIGHT_FORMATS.indexOf(weightFormat) + 1).find((weightFormat) =>
    fits({ weightFormat, ...(!onnx && { backend: "onnx" }) }),
  );
  if (format !== undefined) advice.push(`the base's weights as ${format}`);
  const parts = `weights ${gigabytes(need.weights)}, ${threads} × ${gigabytes(need.thread)} a thread`;
  const more = extra > 0 ? `, sketches ${gigabytes(extra)}` : "";
  throw new OpenLedgerError(
    "TRAINER_MEMORY",
    `${what} would take about ${gigabytes(need.total + extra)} of memory (${parts}${more}), and there are ${gigabytes(memory)}; ` +
      (advice.length > 0
        ? `it fits with ${advice.join(", or with ")}`
        : "try shorter rows, a lower rank, or a smaller base"),
  );
}

export const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
