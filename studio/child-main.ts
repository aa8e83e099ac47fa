/** An `openledger` command as child process of the Studio: it ends with its parent, however that ends. */
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
await import("../bin/openledger.ts");
