/// <reference lib="esnext.float16" />
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";

/** A tensor as stored: its values are always handed out as float32. */
export interface StoredTensor {
  shape: number[];
  data: Float32Array;
}
export type StoredDtype = "F32" | "F16";

const BYTES: Record<string, number> = { F32: 4, F16: 2, BF16: 2 };
/** The format's own limit on the header, which keeps a broken length from being read as gigabytes. */
const MAX_HEADER = 100_000_000;
const READ_SIZE = 1 << 30;

/** What is kept of a tensor: a copy of it in some form, since the memory that it was read into is used for the next one again. */
export type Keep<Kept> = (name: string, tensor: StoredTensor) => Kept;

/** A file's size, and what copies its bytes from a place on. */
interface Source {
  size: number;
  read(from: number, into: Uint8Array): void;
}

/**
 * Reads a safetensors file: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, raw little-endian data.
 * Refuses anything that is not exactly that, since adapters come from strangers.
 */
export function readSafetensors(bytes: Uint8Array): Map<string, StoredTensor> {
  return readTensors(inMemory(bytes), (_, { shape, data }) => ({ shape, data: data.slice() }));
}

/** What the file's `__metadata__` says: texts by name. */
export function readMetadata(bytes: Uint8Array): Record<string, string> {
  const { __metadata__: metadata = {} } = readHeader(inMemory(bytes)).header as Record<string, unknown>;
  return metadata as Record<string, string>;
}

function inMemory(bytes: Uint8Array): Source {
  return { size: bytes.length, read: (from, into) => into.set(bytes.subarray(from, from + into.length)) };
}

function readTensors<Kept>(source: Source, keep: Keep<Kept>): Map<string, Kept> {
  const { header, start } = readHeader(source);
  const tensors = new Map<string, Kept>();
  const ranges: [number, number][] = [];
  const [raw, wide] = [new Scratch(), new Scratch()];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = entry ?? {};
    const width = BYTES[dtype];
    if (width === undefined) throw bad(`tensor "${name}" has dtype ${dtype}; supported are F32, F16 and BF16`);
    const natural = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
    if (!Array.isArray(shape) || !shape.every(natural)) throw bad(`tensor "${name}" has no valid shape`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(natural)) {
      throw bad(`tensor "${name}" has no valid data_offsets`);
    }
    const [from, to] = offsets;
    const size = shape.reduce((product, n) => product * n, 1);
    if (to - from !== size * width || start + to > source.size) {
      throw bad(`tensor "${name}" does not fit its data_offsets or the file`);
    }
    ranges.push([from, to]);
    const stored = raw.of(to - from);
    source.read(start + from, stored);
    const data = dtype === "F32" ? new Float32Array(stored.buffer, 0, size) : widen(stored, dtype, wide.of(4 * size));
    tensors.set(name, keep(name, { shape: [...shape], data }));
  }
  for (const scratch of [raw, wide]) scratch.free();
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let end = 0;
  for (const [from, to] of ranges) {
    if (from !== end) throw bad("tensors overlap or leave gaps");
    end = to;
  }
  if (start + end !== source.size) throw bad("has bytes after its last tensor");
  return tensors;
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** The file's own description, and where its data start. */
function readHeader({ size, read }: Source): { header: Header; start: number } {
  if (size < 8) throw bad("is shorter than its 8-byte header length");
  const bytes = (from: number, to: number) => {
    const into = new Uint8Array(to - from);
    read(from, into);
    return into;
  };
  const length = new DataView(bytes(0, 8).buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER, size - 8))) throw bad(`header length ${length} exceeds the file`);
  const start = 8 + Number(length);
  let header: Header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes(8, start)));
  } catch (cause) {
    throw bad("header is not JSON", cause);
  }
  if (typeof header !== "object" || header === null) throw bad("header is not a JSON object");
  return { header, start };
}

/** Writes tensors in the order given. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  dtype: StoredDtype,
  metadata: Record<string, string> = { format: "pt" },
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    const size = data.length * BYTES[dtype]!;
    header[name] = { dtype, shape, data_offsets: [offset, (offset += size)] };
  }
  const json = JSON.stringify(header);
  const encoded = Buffer.from(
    json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8 - Buffer.byteLength(json) + json.length),
  );
  const out = Buffer.alloc(8 + encoded.length + offset);
  out.writeBigUInt64LE(BigInt(encoded.length), 0);
  encoded.copy(out, 8);
  let at = 8 + encoded.length;
  for (const { data } of tensors.values()) {
    const values = dtype === "F16" ? new Float16Array(data) : data;
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return out;
}

/** All weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names. */
export function readWeights<Kept>(folder: string, keep: Keep<Kept>): Map<string, Kept> {
  const index = path.join(folder, "model.safetensors.index.json");
  let shards = ["model.safetensors"];
  try {
    const { weight_map: map } = JSON.parse(readFileSync(index, "utf8")) as { weight_map: Record<string, string> };
    shards = [...new Set(Object.values(map))].map((name) => path.basename(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw bad(`index ${index} cannot be read`, error);
  }
  return new Map(shards.flatMap((name) => [...readFile(path.join(folder, name), keep)]));
}

/** Tensor by tensor, since Node reads at most 2 GiB at once and files of models are larger. */
function readFile<Kept>(file: string, keep: Keep<Kept>): Map<string, Kept> {
  const handle = openSync(file, "r");
  try {
    const read = (from: number, into: Uint8Array) => {
      for (let done = 0; done < into.length; ) {
        const count = readSync(handle, into, done, Math.min(into.length - done, READ_SIZE), from + done);
        if (count === 0) throw bad(`${file} ends while it is read`);
        done += count;
      }
    };
    return readTensors({ size: fstatSync(handle).size, read }, keep);
  } finally {
    closeSync(handle);
  }
}

/** Values of 16 bits as float32. */
function widen({ buffer, length }: Uint8Array, dtype: string, into: Uint8Array): Float32Array {
  const count = length / 2;
  const values = new Float32Array(into.buffer, 0, count);
  if (dtype === "F16") values.set(new Float16Array(buffer, 0, count));
  else {
    const bits = new Uint32Array(into.buffer, 0, count); // BF16 is the top half of float32
    bits.set(new Uint16Array(buffer, 0, count));
    for (let i = 0; i < bits.length; i++) bits[i]! <<= 16;
  }
  return values;
}

/** Memory for one tensor after another. A fresh buffer for each would pile up, as its size does not hurry the collector. */
class Scratch {
  #buffer = new ArrayBuffer(0);

  of(size: number): Uint8Array<ArrayBuffer> {
    if (this.#buffer.byteLength < size) {
      this.#buffer.transfer(0); // frees it at once
      this.#buffer = new ArrayBuffer(size);
    }
    return new Uint8Array(this.#buffer, 0, size);
  }

  free(): void {
    this.#buffer.transfer(0);
  }
}

function bad(problem: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError("TRAINER_SAFETENSORS", `safetensors file ${problem}; get the file again`, { cause });
}
