import { type File, type Groth16Proof, groth16, wtns } from "snarkjs";
import type { CompiledCircuit } from "../circuits/compile.ts";
import type { ProvingKey } from "../circuits/setup/zkey.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { G1 } from "../sdk/hash.ts";
import type { ChunkProof } from "../sdk/transcript.ts";
import type { Chunk, ChunkValues } from "./witness.ts";

/** Public inputs of one chunk's proof. */
export interface ChunkStatement extends ChunkValues {
  readonly z: bigint;
  readonly x: bigint;
  readonly h: bigint;
}

/** Proves one chunk; A as it is, not negated. snarkjs starts worker threads, which live until `stopProver`. */
export async function proveChunk(key: ProvingKey, chunk: Chunk, statement: ChunkStatement): Promise<ChunkProof> {
  const { proof } = await groth16.prove(key.zkey, await solveChunk(key.circuit, chunk, statement));
  return proofOf(proof, statement);
}

/** A proof of snarkjs or rapidsnark beside the public values that it is for. */
export function proofOf({ pi_a, pi_b, pi_c }: Groth16Proof, { h, y, a }: ChunkStatement): ChunkProof {
  const point = ([first, second]: readonly string[]): G1 => [BigInt(first!), BigInt(second!)];
  const [u, v] = pi_b;
  return {
    ...{ h, y, a },
    ...{ pA: point(pi_a), pB: [BigInt(u[1]), BigInt(u[0]), BigInt(v[1]), BigInt(v[0])], pC: point(pi_c) },
  };
}

/** All signals of the circuit for one chunk, in `witness`; refuses what the circuit refuses. */
export async function solveChunk(
  circuit: Pick<CompiledCircuit, "wasm">,
  chunk: Chunk,
  statement: ChunkStatement,
  witness: File = { type: "mem" },
): Promise<File> {
  try {
    await wtns.calculate(
      { ...statement, s: Array.from(chunk.scores), b: Array.from(chunk.flags) },
      circuit.wasm,
      witness,
    );
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes("Assert Failed"))) throw cause;
    throw new OpenLedgerError(
      "CHUNK_WITNESS",
      "The circuit refuses the chunk: h, y or a is not what its rows give, a score is outside [-2^16, 2^16), or a " +
        "flag is not 0 or 1. Derive them again from the same rows.",
      { cause },
    );
  }
  return witness;
}

/** Ends snarkjs' worker threads, without which the process does not exit. Proving again starts new ones. */
export async function stopProver(): Promise<void> {
  await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate();
}
