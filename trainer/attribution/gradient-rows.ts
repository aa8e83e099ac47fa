import { mkdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import { gigabytes } from "../memory.ts";
import { sharedMatrix } from "./blocks.ts";
import { GradientFile } from "./gradient-file.ts";

/** The rows' gradients [N, P], in memory or on disk. */
export interface StoredGradients {
  shape: [count: number, width: number];
  /**
   * Rows from..to−1, columns first..last−1 of them (all unless told), as memory that threads can share.
   * @param into where they are put, memory of their own unless told: the collector is in no hurry to give back what threads share
   */
  block(from: number, to: number, first?: number, last?: number, into?: Float32Array): Matrix;
  /** Every row in order, in memory that the next ones take. */
  each(use: (gradient: Float32Array) => void): void;
}

export interface GradientRows extends StoredGradients {
  set(row: number, gradient: Float32Array): void;
  /** Whether a run before this one set it. */
  has(row: number): boolean;
  /** Gives the disk space back; gradients that may be gone on with stay unless all was done that they are for. */
  close(done: boolean): void;
}

export interface GradientPlace {
  /** Where gradients that do not fit into memory are kept meanwhile; the system's folder for temporary files unless told. */
  scratch?: string;
  /** Keeps them in this folder, whatever their size, so that the same work goes on with them after a crash. */
  run?: { folder: string; hash: string };
}

/** Gradients of up to this size stay in memory. */
export const IN_MEMORY = 1 << 28;

/**
 * Room for the gradients of `count` rows: in memory, or where they are many in a file.
 * @throws OpenLedgerError `TRAINER_DISK` where the file would not fit, `TRAINER_CHECKPOINT` for gradients of another run
 */
export function gradientRows(
  count: number,
  width: number,
  { scratch = tmpdir(), run }: GradientPlace = {},
  inMemory = IN_MEMORY,
): GradientRows {
  const bytes = 4 * count * width;
  if (run === undefined && bytes <= inMemory)
    return heldGradients({ data: new Float32Array(count * width), shape: [count, width] });
  const folder = run?.folder ?? scratch;
  mkdirSync(folder, { recursive: true });
  const there = run === undefined ? 0 : GradientFile.sizeIn(folder);
  const { bavail, bsize } = statfsSync(folder);
  const room = there + bavail * bsize;
  if (bytes > room) {
    const sizes = `the gradients of ${count} rows take ${gigabytes(bytes)}, and ${folder} has ${gigabytes(room)} left`;
    const advice = "name a folder on a larger disk, or adapt fewer modules or a lower rank";
    throw new OpenLedgerError("TRAINER_DISK", `sketch: ${sizes}; ${advice}`);
  }
  return new GradientFile(count, width, folder, run?.hash);
}

/** Gradients that are in memory already. */
export function heldGradients({ data, shape }: Matrix): GradientRows {
  const [, width] = shape;
  return {
    shape,
    set: (row, gradient) => data.set(gradient, row * width),
    has: () => false,
    block(from, to, first = 0, last = width, into) {
      const out = matrixIn(into, to - from, last - first);
      for (let row = from; row < to; row++)
        out.data.set(data.subarray(row * width + first, row * width + last), (row - from) * (last - first));
      return out;
    },
    each(use) {
      for (let at = 0; at < data.length; at += width) use(data.subarray(at, at + width));
    },
    close: () => {},
  };
}

/** A matrix at the start of memory that is there, or in its own. */
export function matrixIn(memory: Float32Array | undefined, rows: number, columns: number): Matrix {
  if (memory === undefined) return sharedMatrix(rows, columns);
  return { data: memory.subarray(0, rows * columns), shape: [rows, columns] };
}
