import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import type { Matrix } from "../engine.ts";
import { rowBlocks } from "./blocks.ts";
import { type GradientRows, matrixIn } from "./gradient-rows.ts";

/** The values; a byte a row, 1 where its values are on disk for sure; and what they are of. */
const [VALUES, DONE, RUN] = ["gradients.f32", "gradients.done", "gradients.run"];
/** Rows after which what was written is made sure and noted. */
const NOTED = 512;

/** Gradients [N, P] in a file: in a temporary folder of its own, or for a run that may be gone on with. */
export class GradientFile implements GradientRows {
  readonly shape: [number, number];
  readonly #folder: string;
  readonly #temporary: boolean;
  readonly #file: number;
  readonly #done: Uint8Array;
  #written: number[] = [];
  #closed = false;

  /** @param run hash of all that decides the gradients; those of another are refused */
  constructor(count: number, width: number, folder: string, run: string | undefined) {
    this.shape = [count, width];
    this.#temporary = run === undefined;
    this.#folder = run === undefined ? mkdtempSync(path.join(folder, "openledger-gradients-")) : folder;
    this.#done = new Uint8Array(count);
    const known = run !== undefined && existsSync(this.#at(RUN));
    if (known && readFileSync(this.#at(RUN), "utf8") !== run) {
      const problem = `${folder} holds gradients of another run (other rows, adapter, base or backend)`;
      throw new OpenLedgerError("TRAINER_CHECKPOINT", `sketch: ${problem}; name another folder`);
    }
    if (run !== undefined && !known) writeFileSync(this.#at(RUN), run);
    if (known && existsSync(this.#at(DONE))) this.#done.set(readFileSync(this.#at(DONE)).subarray(0, count));
    this.#file = openSync(this.#at(VALUES), known && existsSync(this.#at(VALUES)) ? "r+" : "w+");
  }

  /** Bytes of the gradients that a run left in a folder. */
  static sizeIn(folder: string): number {
    return statSync(path.join(folder, VALUES), { throwIfNoEntry: false })?.size ?? 0;
  }

  set(row: number, gradient: Float32Array): void {
    if (this.#closed) return; // a late answer after a failure: the number may belong to another file by now
    const bytes = new Uint8Array(gradient.buffer, gradient.byteOffset, gradient.byteLength);
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done, row * bytes.length + done);
    this.#written.push(row);
    if (this.#written.length >= NOTED) this.#note();
  }

  has(row: number): boolean {
    return this.#done[row] === 1;
  }

  block(from: number, to: number, first = 0, last = this.shape[1], into?: Float32Array): Matrix {
    const [, width] = this.shape;
    const out = matrixIn(into, to - from, last - first);
    out.data.fill(0);
    const pieces = last - first === width ? 1 : to - from;
    const size = out.data.byteLength / pieces;
    for (let piece = 0; piece < pieces; piece++)
      this.#read(
        new Uint8Array(out.data.buffer, out.data.byteOffset + piece * size, size),
        4 * ((from + piece) * width + first),
      );
    return out;
  }

  each(use: (gradient: Float32Array) => void): void {
    const [, width] = this.shape;
    const blocks = rowBlocks(this.shape);
    const read = new Float32Array((blocks[0]?.[1] ?? 0) * width);
    for (const [from, to] of blocks) {
      const rows = read.subarray(0, (to - from) * width).fill(0);
      this.#read(new Uint8Array(read.buffer, 0, rows.byteLength), 4 * from * width);
      for (let at = 0; at < rows.length; at += width) use(rows.subarray(at, at + width));
    }
  }

  close(done: boolean): void {
    if (!done) this.#note();
    this.#closed = true;
    closeSync(this.#file);
    if (this.#temporary) rmSync(this.#folder, { recursive: true });
    else if (done) for (const name of [DONE, VALUES, RUN]) rmSync(this.#at(name), { force: true });
  }

  /** The values first, so that no crash leaves a row noted that is not there. */
  #note(): void {
    if (this.#temporary) return;
    fdatasyncSync(this.#file);
    for (const row of this.#written) this.#done[row] = 1;
    this.#written = [];
    writeFileSync(this.#at(DONE), this.#done);
  }

  /** What was never written is zero, as in memory. */
  #read(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#file, bytes, done, bytes.length - done, at + done);
      if (count === 0) return;
      done += count;
    }
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }
}
