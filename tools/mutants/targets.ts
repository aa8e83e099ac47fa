import type { Mutant } from "./operators.ts";

/** A source that is changed, and the contracts whose code then changes: they are deployed in the place of ours. */
export interface Target {
  readonly file: string;
  readonly built: readonly string[];
  /** The test files that are about it, the most telling first: their tests are put to a mutant before all others. */
  readonly tests: readonly string[];
}

const SPLITTER = "contracts/rewards/RewardSplitter.sol";
const HARNESS = "contracts/mocks/LibraryHarness.sol";
const DATANETS = "contracts/datanet/DatanetRegistry.sol";
const ATTRIBUTION = "contracts/attribution/AttributionRegistry.sol";
const OPERATORS = "contracts/operators/OperatorRegistry.sol";

export const TARGETS: readonly Target[] = [
  { file: OPERATORS, built: [OPERATORS], tests: ["operators", "hostile-bonds"] },
  // The splitter makes the escrow.
  { file: "contracts/rewards/InferenceEscrow.sol", built: [SPLITTER], tests: ["escrow", "pause"] },
  {
    file: SPLITTER,
    built: [SPLITTER],
    tests: ["splitter", "splitter-disputes", "splitter-settle", "model-lineage", "escrow", "pause"],
  },
  { file: "contracts/libraries/Payout.sol", built: [SPLITTER, HARNESS], tests: ["payout", "splitter"] },
  { file: "contracts/libraries/ClaimTree.sol", built: [SPLITTER, HARNESS], tests: ["payout", "splitter"] },
  { file: DATANETS, built: [DATANETS], tests: ["datanet-policies", "datanet-registry", "contribute", "pause"] },
  { file: ATTRIBUTION, built: [ATTRIBUTION], tests: ["registry", "rotation"] },
];

export const contractName = (file: string): string => file.slice(file.lastIndexOf("/") + 1, -".sol".length);

/** The tests a mutant faces: all but those of gas and code size, and of contracts that are no target. */
export const TESTS = "test/contracts/!(snapshots|deploy|experimental|bn254|ceremony|stages|verifier).test.ts";

/** What the tests of one file reach in the targets. */
export interface Reach {
  /** Tests that pass on the unchanged sources, unoptimised, with their milliseconds. */
  readonly tests: Record<string, number>;
  /** By target: each statement's range in UTF-16 units, and the tests that run it. */
  readonly statements: Record<string, { start: number; end: number; tests: string[] }[]>;
}

/** What became of a mutant. */
export interface Outcome {
  /** `invalid` does not compile; `same` compiles to the same code. */
  readonly status: "killed" | "survived" | "invalid" | "same";
  /** The test that failed, or why it counts as killed without one. */
  readonly by?: string;
  readonly ms: number;
}

export type Order =
  | { readonly kind: "reach"; readonly file: string }
  | { readonly kind: "mutant"; readonly target: Target; readonly mutant: Mutant; readonly batches: string[][] };

export type Answer = { readonly reach: Reach } | { readonly outcome: Outcome };
