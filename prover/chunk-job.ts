import { readFileSync, writeFileSync } from "node:fs";
import type { Groth16Proof } from "snarkjs";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { ChunkProof } from "../sdk/transcript.ts";
import { type ChunkStatement, proofOf } from "./groth16.ts";
import type { Chunk } from "./witness.ts";

/*
 * One chunk's proof as a pure function of files: zkey, witness generator and inputs in, proof out (chunk-worker.ts). A
 * queue could hand such jobs to any machines that have these files.
 */

/** One proof to make. */
export interface ChunkJob {
  readonly chunk: Chunk;
  readonly statement: ChunkStatement;
}

/** What a worker took for a proof. Of a rapidsnark that it called, time only. */
export interface ChunkUsage {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMB: number;
}

/** The circuit's input signals, as circom's tools read them. */
export function writeInputs(path: string, { chunk, statement }: ChunkJob): void {
  const decimal = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  writeFileSync(path, JSON.stringify({ ...statement, s: [...chunk.scores], b: [...chunk.flags] }, decimal));
}

export function readInputs(path: string): ChunkJob {
  type Inputs = { s: number[]; b: number[] } & Record<keyof ChunkStatement, string>;
  const { s, b, z, x, h, y, a } = JSON.parse(readFileSync(path, "utf8")) as Inputs;
  return {
    chunk: { scores: Int32Array.from(s), flags: Uint8Array.from(b) },
    statement: { z: BigInt(z), x: BigInt(x), h: BigInt(h), y: BigInt(y), a: BigInt(a) },
  };
}

/**
 * A proof file of snarkjs or rapidsnark.
 * @throws OpenLedgerError `CHUNK_FILE`
 */
export function readProof(path: string, statement: ChunkStatement): ChunkProof {
  try {
    return proofOf(JSON.parse(readFileSync(path, "utf8")) as Groth16Proof, statement);
  } catch (cause) {
    throw new OpenLedgerError("CHUNK_FILE", `${path} is not a Groth16 proof. Delete it and prove the chunk again.`, {
      cause,
    });
  }
}
