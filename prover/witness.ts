import { BLOCK_ROWS } from "../circuits/instances.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { FIELD, mod } from "../sdk/hash.ts";
import { CHUNK_TAG, ROWS_PER_ELEMENT, SCORE_BITS } from "../sdk/transcript.ts";
import { contributorStarts } from "./counts.ts";
import { loadPoseidon } from "./poseidon.ts";

/** Bits of a packed row: the score with its sign, and the flag. */
const ROW_BITS = SCORE_BITS + 2;

/** Rows tR .. tR+R-1 of the score vector, padded with zeros: the private inputs of one proof. */
export interface Chunk {
  /** s_i, in [-2^16, 2^16) */
  readonly scores: Int32Array;
  /** b_i: 1 on the first row of every contributor but the first, and on row N where there is padding */
  readonly flags: Uint8Array;
}

/** Everything the circuit hands back for one chunk. */
export interface ChunkValues {
  /** Σ_i (s_i + b_i (x-1)) z^i */
  readonly y: bigint;
  /** Σ_i max(s_i, 0) x^(flags in 0..i) */
  readonly a: bigint;
}

/** Cuts scores and flags into ceil(N/R) chunks of R rows. */
export function buildWitness(scores: Int32Array, counts: number[], chunkRows: number): Chunk[] {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (rows !== scores.length) {
    throw new OpenLedgerError(
      "ROW_COUNT",
      `counts add up to ${rows} but there are ${scores.length} scores. Give one score for each committed row.`,
    );
  }
  const limit = 2 ** SCORE_BITS;
  const bad = scores.findIndex((score) => score < -limit || score >= limit);
  if (bad >= 0) {
    throw new OpenLedgerError(
      "SCORE_RANGE",
      `The score of row ${bad} is ${scores[bad]}, outside [-${limit}, ${limit}). ` +
        "Bring the row (Σ g² ≤ 136²) or Q (Σ Q² ≤ 480²) back within its norm bound.",
    );
  }
  const chunks = Math.ceil(rows / chunkRows);
  const paddedScores = new Int32Array(chunks * chunkRows);
  const paddedFlags = new Uint8Array(chunks * chunkRows);
  paddedScores.set(scores);
  for (const start of contributorStarts(counts).slice(1)) paddedFlags[start] = 1;
  // The end flag makes padding a contributor of its own, whose total the contract takes as zero.
  if (rows < paddedFlags.length) paddedFlags[rows] = 1;
  return Array.from({ length: chunks }, (_, t) => ({
    scores: paddedScores.slice(t * chunkRows, (t + 1) * chunkRows),
    flags: paddedFlags.slice(t * chunkRows, (t + 1) * chunkRows),
  }));
}

/** h: Poseidon chain over the packed rows of a chunk, blocks and rows ascending. */
export async function hashChunk({ scores, flags }: Chunk): Promise<bigint> {
  const poseidon = await loadPoseidon();
  let hash = CHUNK_TAG;
  for (let block = 0; block < scores.length; block += BLOCK_ROWS) {
    const inputs = [hash];
    for (let first = block; first < block + BLOCK_ROWS; first += ROWS_PER_ELEMENT) {
      let element = 0n;
      for (let row = first + ROWS_PER_ELEMENT - 1; row >= first; row--) {
        const field = scores[row]! + 2 ** SCORE_BITS + flags[row]! * 2 ** (SCORE_BITS + 1);
        element = (element << BigInt(ROW_BITS)) | BigInt(field);
      }
      inputs.push(element);
    }
    hash = poseidon(inputs);
  }
  return hash;
}

/** y and a of a chunk under the challenges. */
export function evaluateChunk({ scores, flags }: Chunk, z: bigint, x: bigint): ChunkValues {
  let y = 0n;
  let a = 0n;
  for (let i = scores.length - 1; i >= 0; i--) {
    const flag = flags[i] === 1;
    y = (y * z + BigInt(scores[i]!) + (flag ? x - 1n : 0n)) % FIELD;
    a += BigInt(Math.max(scores[i]!, 0));
    if (flag) a = (a * x) % FIELD;
  }
  return { y: mod(y), a: mod(a) };
}
