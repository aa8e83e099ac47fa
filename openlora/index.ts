/** Serving adapters for money: what the rest of the project, servers and customers call. */
export * from "./customer.ts";
export * from "./meter.ts";
export * from "./model.ts";
