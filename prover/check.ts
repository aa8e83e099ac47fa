import { Bn254 } from "../circuits/bn254.ts";
import { evaluate, power } from "../circuits/field.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type G1, type G2, mod } from "../sdk/hash.ts";
import {
  type ChunkProof,
  decodeTotals,
  flagsBefore,
  foldingChallenge,
  type SettlementProof,
  type SettlementStatement,
  settlementChallenges,
  type VerifyingKey,
} from "../sdk/transcript.ts";
import type { ChunkStatement } from "./groth16.ts";
import { linearCombination } from "./kzg.ts";

/** What the chain knows about a settlement, besides the proof. */
export interface SettlementClaim {
  readonly statement: SettlementStatement;
  /** n_c, in contributor order */
  readonly counts: number[];
  /** C_b */
  readonly flags: G1;
  readonly key: VerifyingKey;
  readonly tauG2: G2;
}

/** Equation (2): Y = Σ_t y_t z^(tR) - pad·(x-1)·z^N, the value at z that the chunks claim for S(X) + (x-1)·B(X). */
export function combinedValue(
  values: readonly bigint[],
  counts: number[],
  chunkRows: number,
  z: bigint,
  x: bigint,
): bigint {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  // The end flag after the last row is in the witness but not in C_b.
  const padding = rows < values.length * chunkRows ? (x - 1n) * power(z, BigInt(rows)) : 0n;
  return mod(evaluate(values, power(z, BigInt(chunkRows))) - padding);
}

/**
 * Equations (1) to (3) of a settlement (docs/protocol.md), as the contract checks them.
 * @throws OpenLedgerError `SETTLEMENT_CHUNKS`, `SETTLEMENT_TOTALS` (1), or `SETTLEMENT_PROOF` (3).
 */
export async function checkSettlement(claim: SettlementClaim, proof: SettlementProof): Promise<void> {
  const { statement, counts, flags, key, tauG2 } = claim;
  const { chunks, opening } = proof;
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const expected = Math.ceil(rows / key.chunkRows);
  const hashed = statement.h.length === expected && statement.h.every((h, t) => h === chunks[t]?.h);
  if (chunks.length !== expected || !hashed) {
    throw new OpenLedgerError(
      "SETTLEMENT_CHUNKS",
      `The proof must have ${expected} chunks for ${rows} rows, with the hashes of the statement; it has ` +
        `${chunks.length}. Build it again from the committed sketches.`,
    );
  }
  const { sd, z, x } = settlementChallenges(statement);

  // (1) Both sides as polynomials in x.
  const before = flagsBefore(counts, key.chunkRows, expected);
  const found = chunks.reduce((sum, { a }, t) => mod(sum + a * power(x, BigInt(before[t]!))), 0n);
  if (found !== evaluate(decodeTotals(statement.totals), x)) {
    throw new OpenLedgerError(
      "SETTLEMENT_TOTALS",
      "Equation (1) fails: the chunks' sums are not the claimed totals. Compute the totals from the same scores.",
    );
  }

  // (2) and (3), all proofs and the opening folded with powers of λ.
  const lambda = foldingChallenge(sd, proof);
  const weights = chunks.map((_, t) => power(lambda, BigInt(t)));
  const u = power(lambda, BigInt(expected));
  const weighted = (values: bigint[]) => values.reduce((sum, value, t) => mod(sum + value * weights[t]!), 0n);
  const sum = weighted(chunks.map(() => 1n));
  const y = combinedValue(
    chunks.map((chunk) => chunk.y),
    counts,
    key.chunkRows,
    z,
    x,
  );

  const generator: G1 = [1n, 2n];
  const left = await linearCombination(
    [...key.ic, statement.scoreCommitment, flags, generator, opening],
    [
      ...[sum, z * sum, x * sum],
      ...[chunks.map((c) => c.h), chunks.map((c) => c.y), chunks.map((c) => c.a)].map(weighted),
      ...[u, u * (x - 1n), -u * y, u * z],
    ],
  );
  const pairs: [G1, G2][] = [
    [await linearCombination([key.alpha1], [sum]), key.beta2],
    [left, key.gamma2],
    [
      await linearCombination(
        chunks.map(({ pC }) => pC),
        weights,
      ),
      key.delta2,
    ],
    [await linearCombination([opening], [-u]), tauG2],
  ];
  for (const [t, { pA, pB }] of chunks.entries()) pairs.push([await linearCombination([pA], [-weights[t]!]), pB]);

  if (!(await productIsOne(pairs))) {
    throw new OpenLedgerError(
      "SETTLEMENT_PROOF",
      "Equation (3) fails: a chunk's proof or the opening does not hold. Check that sketches, columns, flags and the " +
        "proving key are those of the commitment.",
    );
  }
}

/** Groth16's equation for one chunk: e(-A, B) · e(α1, β2) · e(U, γ2) · e(C, δ2) = 1. */
export async function holdsChunk(key: VerifyingKey, statement: ChunkStatement, proof: ChunkProof): Promise<boolean> {
  const { z, x, h, y, a } = statement;
  return productIsOne([
    [await linearCombination([proof.pA], [-1n]), proof.pB],
    [key.alpha1, key.beta2],
    [await linearCombination(key.ic, [1n, z, x, h, y, a]), key.gamma2],
    [proof.pC, key.delta2],
  ]);
}

async function productIsOne(pairs: [G1, G2][]): Promise<boolean> {
  const bn254 = await Bn254.load();
  return bn254.curve.pairingEq(...pairs.flatMap(([first, second]) => [bn254.rawG1(first), bn254.rawG2(second)]));
}
