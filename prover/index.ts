/** Commitments, proofs and the operator's steps: what the rest of the project and operators call. */
export * from "./bond.ts";
export * from "./commit.ts";
export * from "./disputes.ts";
export * from "./groth16.ts";
export * from "./keys.ts";
export * from "./kzg.ts";
export * from "./operator.ts";
export * from "./receipts.ts";
export * from "./register.ts";
export * from "./registration.ts";
export * from "./settlement.ts";
export * from "./sketch-disputes.ts";
export * from "./stages.ts";
export * from "./witness.ts";
export * from "./workers.ts";
