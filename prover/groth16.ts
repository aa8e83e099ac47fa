import { type File, groth16, wtns } from "snarkjs";
import type { G1, G2 } from "../circuits/bn254.ts";
import type { ProvingKey } from "../circuits/setup/dev.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Chunk, ChunkValues } from "./witness.ts";

/** Public inputs of one chunk's proof. */
export interface ChunkStatement extends ChunkValues {
  readonly z: bigint;
  readonly x: bigint;
  readonly h: bigint;
}

/** A Groth16 proof in the EVM's order; A as it is, not negated. */
export interface ChunkProof {
  readonly a: G1;
  readonly b: G2;
  readonly c: G1;
}

/** Proves one chunk. snarkjs starts worker threads, which live until `stopProver`. */
export async function proveChunk(key: ProvingKey, chunk: Chunk, statement: ChunkStatement): Promise<ChunkProof> {
  const witness: File = { type: "mem" };
  try {
    await wtns.calculate(
      { ...statement, s: Array.from(chunk.scores), b: Array.from(chunk.flags) },
      key.circuit.wasm,
      witness,
    );
  } catch (cause) {
    throw new OpenLedgerError(
      "CHUNK_WITNESS",
      "the circuit refuses the chunk: h, y or a is not what its rows give, a score is outside [-2^16, 2^16), or a " +
        `flag is not 0 or 1; derive them again from the same rows (${(cause as Error).message.trim()})`,
      { cause },
    );
  }
  const { proof } = await groth16.prove(key.zkey, witness);
  const point = ([x, y]: readonly string[]): G1 => [BigInt(x!), BigInt(y!)];
  const [x, y] = proof.pi_b;
  return {
    a: point(proof.pi_a),
    b: [BigInt(x[1]), BigInt(x[0]), BigInt(y[1]), BigInt(y[0])],
    c: point(proof.pi_c),
  };
}

/** Ends snarkjs' worker threads, without which the process does not exit. Proving again starts new ones. */
export async function stopProver(): Promise<void> {
  await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate();
}
