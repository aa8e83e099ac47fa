import { keccak256 } from "ethers";
import { challenge, type G1, type G2, int8Bytes, keccak, tag } from "../../sdk/hash.ts";
import type { SettlementStatement } from "../../sdk/transcript.ts";

/*
 * EXPERIMENTAL: the transcript of docs/experimental-proof.md. `contracts/experimental/PlonkTranscript.sol` is the same.
 */

/** What is proven: a settlement's statement without the chunks' hashes; `vkId` is the domain's id. */
export type PlonkStatement = Omit<SettlementStatement, "h">;

/** 1,088 bytes whatever N, K and k are. */
export type PlonkProof = {
  /** low, high, positive, flags, multiplicity */
  columns: [G1, G1, G1, G1, G1];
  /** lookups, shares, totals, link */
  sums: [G1, G1, G1, G1];
  /** value of C_s + μ·C_b at z */
  combined: bigint;
  /** two halves of n coefficients */
  quotient: [G1, G1];
  /** low, high, positive and table at ζ, lookups, totals and link at ωζ */
  values: [bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  /** W and W' */
  openings: [G1, G1];
};

/** Challenges drawn once the columns are committed. */
export type FirstChallenges = { digest: string; z: bigint; mu: bigint; x: bigint; alpha: bigint };

/** One challenge, and the digest that the next one continues. */
export type NextChallenge = { digest: string; value: bigint };

/** Where challenges come from, round by round. Tests weaken one round to show what it is for. */
export interface Transcript {
  first(statement: PlonkStatement, columns: PlonkProof["columns"]): FirstChallenges;
  /** v */
  second(digest: string, sums: PlonkProof["sums"], combined: bigint): NextChallenge;
  /** ζ */
  third(digest: string, quotient: PlonkProof["quotient"]): NextChallenge;
  /** γ */
  fourth(digest: string, values: PlonkProof["values"]): NextChallenge;
  /** η */
  fifth(digest: string, opening: G1): NextChallenge;
}

export type Challenges = Omit<FirstChallenges, "digest"> & { v: bigint; zeta: bigint; gamma: bigint; eta: bigint };

/** The transcript that prover and contract share. */
export const TRANSCRIPT: Transcript = {
  first(s, columns) {
    const digest = keccak(
      [
        "bytes32",
        "uint256",
        "address",
        "bytes32",
        "bytes32",
        "uint256",
        "address",
        "uint256",
        "bytes32",
        "uint256[2]",
        "bytes32",
        "uint256[2][5]",
      ],
      [
        keccak(["bytes32", "address"], [tag("SettleExperimental"), s.splitter]),
        s.chainId,
        s.verifier,
        s.vkId,
        s.commitmentId,
        s.epochId,
        s.prover,
        s.floorUnits,
        keccak256(int8Bytes(s.q)),
        s.scoreCommitment,
        keccak256(s.totals),
        columns,
      ],
    );
    return {
      digest,
      z: challenge(digest, 0),
      mu: challenge(digest, 1),
      x: challenge(digest, 2),
      alpha: challenge(digest, 3),
    };
  },
  second: (digest, sums, combined) => next(["bytes32", "uint256[2][4]", "uint256"], [digest, sums, combined]),
  third: (digest, quotient) => next(["bytes32", "uint256[2][2]"], [digest, quotient]),
  fourth: (digest, values) => next(["bytes32", "uint256[7]"], [digest, values]),
  fifth: (digest, opening) => next(["bytes32", "uint256[2]"], [digest, opening]),
};

function next(types: string[], values: unknown[]): NextChallenge {
  const digest = keccak(types, values);
  return { digest, value: challenge(digest, 0) };
}

/** All challenges of a proof, as a verifier draws them. */
export function drawChallenges(statement: PlonkStatement, proof: PlonkProof, transcript = TRANSCRIPT): Challenges {
  const { digest, ...drawn } = transcript.first(statement, proof.columns);
  const v = transcript.second(digest, proof.sums, proof.combined);
  const zeta = transcript.third(v.digest, proof.quotient);
  const gamma = transcript.fourth(zeta.digest, proof.values);
  const eta = transcript.fifth(gamma.digest, proof.openings[0]);
  return { ...drawn, v: v.value, zeta: zeta.value, gamma: gamma.value, eta: eta.value };
}

/** Content hash of a domain of 2^power rows; it takes the place of a verifying key's id. */
export const domainId = (power: number, table: G1, tauG2: G2): string =>
  keccak(["bytes32", "uint256", "uint256[2]", "uint256[4]"], [tag("ExperimentalDomain"), power, table, tauG2]);

/** Where the commitment of the table is opened when a domain is registered. */
export const tableChallenge = (id: string): bigint => challenge(id, 0);
