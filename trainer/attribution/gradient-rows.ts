import { closeSync, mkdtempSync, openSync, readSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import { sharedMatrix } from "./blocks.ts";

/** The rows' gradients [N, P], in memory or on disk. */
export interface GradientRows {
  shape: [count: number, width: number];
  set(row: number, gradient: Float32Array): void;
  /** Rows from..to−1, columns first..last−1 of them (all unless told), as memory that threads can share. */
  block(from: number, to: number, first?: number, last?: number): Matrix;
  /** Gives the disk space back. */
  close(): void;
}

/** Gradients of up to this size stay in memory. */
export const IN_MEMORY = 1 << 28;

/**
 * Room for the gradients of `count` rows: in memory, or where they are many in a file.
 * @param folder for the file; the system's own for temporary files unless told
 * @throws OpenLedgerError `TRAINER_DISK` where the file would not fit
 */
export function gradientRows(count: number, width: number, folder = tmpdir(), inMemory = IN_MEMORY): GradientRows {
  const bytes = 4 * count * width;
  if (bytes <= inMemory) return heldGradients({ data: new Float32Array(count * width), shape: [count, width] });
  const { bavail, bsize } = statfsSync(folder);
  if (bytes > bavail * bsize) {
    const sizes = `the gradients of ${count} rows take ${gigabytes(bytes)}, and ${folder} has ${gigabytes(bavail * bsize)} left`;
    const advice = "name a scratch folder on a larger disk, or adapt fewer modules or a lower rank";
    throw new OpenLedgerError("TRAINER_DISK", `sketch: ${sizes}; ${advice}`);
  }
  return new GradientFile(count, width, folder);
}

/** Gradients that are in memory already. */
export function heldGradients({ data, shape }: Matrix): GradientRows {
  const [, width] = shape;
  return {
    shape,
    set: (row, gradient) => data.set(gradient, row * width),
    block(from, to, first = 0, last = width) {
      const out = sharedMatrix(to - from, last - first);
      for (let row = from; row < to; row++)
        out.data.set(data.subarray(row * width + first, row * width + last), (row - from) * (last - first));
      return out;
    },
    close: () => {},
  };
}

class GradientFile implements GradientRows {
  readonly shape: [number, number];
  readonly #folder: string;
  readonly #file: number;
  #closed = false;

  constructor(count: number, width: number, folder: string) {
    this.shape = [count, width];
    this.#folder = mkdtempSync(path.join(folder, "openledger-gradients-"));
    this.#file = openSync(path.join(this.#folder, "gradients.f32"), "w+");
  }

  set(row: number, gradient: Float32Array): void {
    if (this.#closed) return; // a late answer after a failure: the number may belong to another file by now
    const bytes = new Uint8Array(gradient.buffer, gradient.byteOffset, gradient.byteLength);
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done, row * bytes.length + done);
  }

  block(from: number, to: number, first = 0, last = this.shape[1]): Matrix {
    const [, width] = this.shape;
    const out = sharedMatrix(to - from, last - first);
    const whole = last - first === width;
    const pieces = whole ? 1 : to - from;
    const size = out.data.byteLength / pieces;
    for (let piece = 0; piece < pieces; piece++)
      this.#read(new Uint8Array(out.data.buffer, piece * size, size), 4 * ((from + piece) * width + first));
    return out;
  }

  /** What was never written is zero, as in memory. */
  #read(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#file, bytes, done, bytes.length - done, at + done);
      if (count === 0) return;
      done += count;
    }
  }

  close(): void {
    this.#closed = true;
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true });
  }
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
