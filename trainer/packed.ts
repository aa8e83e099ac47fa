/// <reference lib="esnext.float16" />
import { OpenLedgerError } from "../sdk/errors.ts";
import type { StoredTensor } from "./safetensors.ts";

/**
 * How a frozen weight is kept in memory: as it is; halved; or in 4 bits (the linears of the layers; embeddings and head are halved), as QLoRA
 * trains over. Norms and biases stay float32.
 */
export const WEIGHT_FORMATS = ["f32", "f16", "q4"] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

export interface HalfTensor {
  format: "f16";
  shape: number[];
  /** Bits of float16, which threads share. */
  data: Uint16Array;
}

/**
 * A matrix [out, in] in blocks of 32 values of a row: each value is (q − 8)·scale of its block with q of 4 bits, and two of them are a byte,
 * the earlier in its low half. This is what ONNX Runtime's MatMulNBits reads.
 */
export interface QuantisedTensor {
  format: "q4";
  shape: number[];
  /** [out, blocks, 16], which threads share; a row's last block is filled up with zeros. */
  data: Uint8Array;
  /** [out, blocks]. */
  scales: Float32Array;
}
export type PackedTensor = StoredTensor | HalfTensor | QuantisedTensor;

export const formatOf = (tensor: PackedTensor): WeightFormat => ("format" in tensor ? tensor.format : "f32");
/** The format that a whole model was packed in. */
export function formatOfAll(tensors: Iterable<PackedTensor>): WeightFormat {
  const found = new Set(Array.from(tensors, formatOf));
  return found.has("q4") ? "q4" : found.has("f16") ? "f16" : "f32";
}

/** Values of a block, and its bytes. */
export const BLOCK = 32;
const BLOCK_BYTES = BLOCK / 2;
/** What q stands for the value 0. */
const ZERO = 8;

/** How a weight of a model is kept in a format of the whole. */
function formatIn(format: WeightFormat, name: string, shape: readonly number[]): WeightFormat {
  if (format === "f32" || shape.length !== 2) return "f32";
  return format === "q4" && /^model\.layers\.\d+\.(self_attn|mlp)\./.test(name) ? "q4" : "f16";
}

/** A copy of a weight in a format, in memory that threads can share. */
export function packTensor(name: string, { shape, data }: StoredTensor, format: WeightFormat): PackedTensor {
  switch (formatIn(format, name, shape)) {
    case "f32": {
      const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
      copy.set(data);
      return { shape, data: copy };
    }
    case "f16":
      return halve(name, { shape, data });
    case "q4":
      return quantiseWeight({ shape, data });
  }
}

/** Bytes that it takes so. */
export function packedBytes(name: string, shape: readonly number[], format: WeightFormat): number {
  const size = shape.reduce((product, n) => product * n, 1);
  switch (formatIn(format, name, shape)) {
    case "f32":
      return 4 * size;
    case "f16":
      return 2 * size;
    case "q4":
      return shape[0]! * Math.ceil(shape[1]! / BLOCK) * (BLOCK_BYTES + 4);
  }
}

function halve(name: string, { shape, data }: StoredTensor): HalfTensor {
  const buffer = new SharedArrayBuffer(2 * data.length);
  const values = new Float16Array(buffer);
  values.set(data);
  if (!values.every(Number.isFinite)) {
    const message = `base weights: ${name} has values that 16 bits cannot hold; keep this base in float32`;
    throw new OpenLedgerError("TRAINER_BASE", message);
  }
  return { format: "f16", shape, data: new Uint16Array(buffer) };
}

/** Each block's value of largest size becomes −8 exactly, as in GGUF's Q4_0. */
function quantiseWeight({ shape, data }: StoredTensor): QuantisedTensor {
  const [rows, columns] = shape as [number, number];
  const blocks = Math.ceil(columns / BLOCK);
  const packed = new Uint8Array(new SharedArrayBuffer(rows * blocks * BLOCK_BYTES)).fill(ZERO | (ZERO << 4));
  const scales = new Float32Array(new SharedArrayBuffer(4 * rows * blocks));
  for (let row = 0; row < rows; row++)
    for (let block = 0; block < blocks; block++) {
      const values = data.subarray(
        row * columns + block * BLOCK,
        row * columns + Math.min(columns, (block + 1) * BLOCK),
      );
      const largest = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
      if (largest === 0) continue;
      const at = row * blocks + block;
      scales[at] = largest / -ZERO;
      const scale = scales[at]!;
      values.forEach((value, i) => {
        const q = Math.min(15, Math.round(value / scale) + ZERO);
        const byte = at * BLOCK_BYTES + (i >> 1);
        packed[byte] = i % 2 === 0 ? (packed[byte]! & 0xf0) | q : (packed[byte]! & 0x0f) | (q << 4);
      });
    }
  return { format: "q4", shape, data: packed, scales };
}

/** What a packed tensor stands for, in float32. */
export function unpackTensor(tensor: PackedTensor): StoredTensor {
  if (!("format" in tensor)) return tensor;
  const { shape } = tensor;
  if (tensor.format === "f16")
    return { shape, data: Float32Array.from(new Float16Array(tensor.data.buffer as SharedArrayBuffer)) };
  const [rows, columns] = shape as [number, number];
  const blocks = tensor.scales.length / rows;
  const data = Float32Array.from({ length: rows * columns }, (_, n) => {
    const [row, column] = [Math.floor(n / columns), n % columns];
    const at = row * blocks + Math.floor(column / BLOCK);
    const byte = tensor.data[at * BLOCK_BYTES + ((column % BLOCK) >> 1)]!;
    return ((column % 2 === 0 ? byte & 15 : byte >> 4) - ZERO) * tensor.scales[at]!;
  });
  return { shape, data };
}
