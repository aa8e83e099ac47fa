import { buildBn128, type Curve } from "ffjavascript";
import type { G1, G2 } from "../sdk/hash.ts";

export const G1_BYTES = 64;
export const G2_BYTES = 128;

const PAGE = 65_536;

/**
 * BN254 on one thread, with direct access to the WebAssembly routines for loops that would drown in copying.
 *
 * "Raw" points are affine, two coordinates, each little-endian in Montgomery form: the format of the WebAssembly
 * module itself and of .ptau and .zkey files. Infinity is all zeros.
 */
export class Bn254 {
  readonly curve: Curve;
  readonly wasm: Record<string, (...pointers: number[]) => number>;
  static #shared: Promise<Bn254> | undefined;

  private constructor(curve: Curve) {
    this.curve = curve;
    this.wasm = curve.tm.instance.exports;
  }

  /** The one instance of this process. It holds no worker threads, so there is nothing to shut down. */
  static load(): Promise<Bn254> {
    Bn254.#shared ??= buildBn128(true).then((curve) => new Bn254(curve));
    return Bn254.#shared;
  }

  /** Runs `use` with memory it can take from; all of it is free again afterwards. Synchronous work only. */
  withMemory<T>(use: (allocate: (bytes: number) => number) => T): T {
    const { tm } = this.curve;
    const mark = tm.u32[0]!;
    try {
      return use((bytes) => {
        const pointer = (tm.u32[0]! + 7) & ~7;
        const top = pointer + bytes;
        // The module takes scratch space beyond the top without asking for memory: leave it as much again.
        const missing = 2 * top + PAGE - tm.memory.buffer.byteLength;
        if (missing > 0) {
          tm.memory.grow(Math.ceil(missing / PAGE));
          tm.u8 = new Uint8Array(tm.memory.buffer);
          tm.u32 = new Uint32Array(tm.memory.buffer);
        }
        tm.u32[0] = top;
        return pointer;
      });
    } finally {
      tm.u32[0] = mark;
    }
  }

  /** Copy of memory. */
  read(pointer: number, bytes: number): Uint8Array {
    return this.curve.tm.u8.slice(pointer, pointer + bytes);
  }

  write(pointer: number, bytes: Uint8Array): void {
    this.curve.tm.u8.set(bytes, pointer);
  }

  rawG1([x, y]: G1): Uint8Array {
    return x === 0n && y === 0n ? this.curve.G1.zeroAffine : this.curve.G1.fromObject([x, y]);
  }

  /** From raw or Jacobian bytes. */
  g1(point: Uint8Array): G1 {
    const { G1 } = this.curve;
    if (G1.isZero(point)) return [0n, 0n];
    const [x, y] = G1.toObject(G1.toAffine(point));
    return [x, y];
  }

  rawG2([xImaginary, xReal, yImaginary, yReal]: G2): Uint8Array {
    return this.curve.G2.fromObject([
      [xReal, xImaginary],
      [yReal, yImaginary],
    ]);
  }

  /** From raw or Jacobian bytes; not for infinity. */
  g2(point: Uint8Array): G2 {
    const { G2 } = this.curve;
    const [x, y] = G2.toObject(G2.toAffine(point));
    return [x[1], x[0], y[1], y[0]];
  }
}
