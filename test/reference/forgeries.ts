import { type Point1, type Point2, p, r, times1, times2, words1, words2 } from "./curve.ts";
import { bytes, hex, words } from "./encoding.ts";
import type { ChunkProof, SettlementInput } from "./settlement.ts";

export interface Forgery {
  name: string;
  input: SettlementInput;
  reason: string;
}

/** On the twist, but not in the group of order r. */
export const outsideGroup: Point2 = [
  0n,
  1n,
  15975588672102553735566230729081043132501226101599136527557730645158523614371n,
  3610091866386166428467545612961983990332663701371483510632385378352395651980n,
];

/** Each value that the caller of `verify` gives, changed in each way that makes sense for it. */
export function* forgeries(honest: SettlementInput): Generator<Forgery> {
  const { proof, commitment } = honest;
  const changed = (name: string, change: Partial<SettlementInput>, reason: string): Forgery => ({
    name,
    input: { ...honest, ...change },
    reason,
  });
  // Another transcript means another x, and by that other totals; a single contributor's total has no x in it.
  const unbound = commitment.counts.length > 1 ? "VerifierTotalsMismatch" : "VerifierProofInvalid";

  yield changed("epochId", { epochId: BigInt(honest.epochId) + 1n }, unbound);
  yield changed("floorUnits", { floorUnits: BigInt(honest.floorUnits) + 1n }, unbound);
  yield changed("prover", { prover: honest.verifier }, unbound);
  yield changed("vkId", { vkId: words(5) }, "VerifierUnknownKey");

  const q = bytes(honest.q);
  for (const entry of [0, 1, 127, 255]) {
    if (q[1] !== entry) yield changed(`entry ${entry} of q`, { q: hex(q.with(1, entry)) }, unbound);
  }
  yield changed("entry −128 of q", { q: hex(q.with(q.length - 1, 128)) }, "VerifierQueryEntry");
  yield changed("q too short", { q: hex(q.slice(1)) }, "VerifierQueryLength");
  yield changed("q too long", { q: `${hex(q)}00` }, "VerifierQueryLength");
  yield changed("q zero", { q: hex(q.map(() => 0)) }, "VerifierZeroScores");
  yield changed("q too large", { q: hex(q.map(() => 127)) }, "VerifierQueryNorm");
  const columns = bytes(commitment.columns);
  const zeroColumn = q.findIndex((_, j) => columns.slice(64 * j, 64 * (j + 1)).every((byte) => byte === 0));
  if (zeroColumn >= 0) {
    const alone = q.map((_, j) => (j === zeroColumn ? 1 : 0));
    yield changed("q of a zero column alone", { q: hex(alone) }, "VerifierZeroScores");
  }

  const totals = bytes(honest.totals);
  for (const at of [0, totals.length - 1]) {
    const other = hex(totals.with(at, totals[at]! ^ 1));
    yield changed(`byte ${at} of the totals`, { totals: other }, "VerifierTotalsMismatch");
  }
  yield changed("a total less", { totals: hex(totals.slice(8)) }, "VerifierTotalsLength");
  yield changed("a total more", { totals: `${hex(totals)}${"00".repeat(8)}` }, "VerifierTotalsLength");
  yield changed("a byte of total more", { totals: `${hex(totals)}00` }, "VerifierTotalsLength");

  const { chunks } = proof;
  const withChunks = (name: string, other: readonly ChunkProof[], reason: string): Forgery =>
    changed(name, { proof: { ...proof, chunks: other } }, reason);
  yield withChunks("no chunks", [], "VerifierChunkCount");
  yield withChunks("a chunk less", chunks.slice(1), "VerifierChunkCount");
  yield withChunks("a chunk more", [...chunks, chunks[0]!], "VerifierChunkCount");
  if (chunks.length > 1) yield withChunks("chunks reversed", chunks.toReversed(), unbound);

  for (const [t, chunk] of chunks.entries()) {
    const withChunk = (name: string, change: Partial<ChunkProof>, reason: string): Forgery =>
      withChunks(`${name} of chunk ${t}`, chunks.with(t, { ...chunk, ...change }), reason);
    const reasons = { h: unbound, y: "VerifierProofInvalid", a: "VerifierTotalsMismatch" };
    for (const part of ["h", "y", "a"] as const) {
      const value = BigInt(chunk[part]);
      for (const other of [0n, (value + 1n) % r]) {
        if (other !== value) yield withChunk(`${part} ${other}`, { [part]: other }, reasons[part]);
      }
      for (const other of [r, value + r]) {
        yield withChunk(`${part} ${other}`, { [part]: other }, "VerifierNotCanonical");
      }
    }
    for (const [pA, reason] of otherPoints(chunk.pA)) yield withChunk(`A ${pA}`, { pA }, reason);
    for (const [pB, reason] of otherPoints2(chunk.pB)) yield withChunk(`B ${pB}`, { pB }, reason);
    for (const [pC, reason] of otherPoints(chunk.pC)) yield withChunk(`C ${pC}`, { pC }, reason);
  }
  for (const [opening, reason] of otherPoints(proof.opening)) {
    yield changed(`W ${opening}`, { proof: { ...proof, opening } }, reason);
  }
}

const wrong = "VerifierProofInvalid";
const none = "VerifierPrecompileFailed";

function otherPoints(point: Point1): [Point1, string][] {
  const [x, y] = [BigInt(point[0]), BigInt(point[1])];
  return [
    [words1(times1(99n)), wrong],
    [[x, p - y], wrong],
    [[0, 0], wrong],
    [[x, (y + 1n) % p], none],
    [[y, x], none],
    [[x + p, y], none],
    [[x, y + p], none],
    [[0, p], none],
  ];
}

function otherPoints2([xi, xr, yi, yr]: Point2): [Point2, string][] {
  return [
    [words2(times2(99n)), wrong],
    [[xi, xr, p - BigInt(yi), p - BigInt(yr)], wrong],
    [[0, 0, 0, 0], wrong],
    [[xr, xi, yr, yi], none],
    [[BigInt(xi) + p, xr, yi, yr], none],
    [outsideGroup, none],
  ];
}
