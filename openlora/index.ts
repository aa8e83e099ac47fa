/** Serving adapters for money: what the rest of the project, servers and customers call. */
export * from "./adapters.ts";
export { auditModel } from "./audit.ts";
export * from "./catalog.ts";
export { payingFetch } from "./client.ts";
export * from "./customer.ts";
export * from "./engine.ts";
export * from "./gateway.ts";
export * from "./meter.ts";
