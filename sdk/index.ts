/** Every protocol encoding, once, and access to content and contracts: what the rest of the project and dApps call. */
export * from "./content.ts";
export * from "./contracts.ts";
export * from "./datanets.ts";
export * from "./eip712.ts";
export * from "./epoch.ts";
export * from "./errors.ts";
export * from "./fees.ts";
export * from "./files.ts";
export * from "./hash.ts";
export * from "./history.ts";
export * from "./merkle.ts";
export * from "./models.ts";
export * from "./receipts.ts";
export * from "./revert.ts";
export * from "./rows.ts";
export * from "./transactions.ts";
export * from "./transcript.ts";
