import type { Chunk } from "../../prover/witness.ts";
import { FIELD } from "../../sdk/hash.ts";

/** A small seeded generator of numbers in [0, 1), so that a failure can be seen again. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Integers in [-bound, bound]. */
export function integers(random: () => number, length: number, bound: number): number[] {
  return Array.from({ length }, () => Math.floor(random() * (2 * bound + 1)) - bound);
}

/** A field element. */
export function element(random: () => number): bigint {
  let value = 0n;
  for (let i = 0; i < 8; i++) value = (value << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  return value % FIELD;
}

/** A chunk with scores of the whole range and flags on every eighth row or so. */
export function randomChunk(random: () => number, rows: number): Chunk {
  return {
    scores: Int32Array.from({ length: rows }, () => Math.floor(random() * 2 ** 17) - 2 ** 16),
    flags: Uint8Array.from({ length: rows }, () => (random() < 0.125 ? 1 : 0)),
  };
}

/** "accepted", or the code of the error. Quiet, because the witness generator prints every refusal. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  const print = console.error;
  console.error = () => {};
  try {
    await work;
    return "accepted";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    console.error = print;
  }
}
