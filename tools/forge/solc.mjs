#!/usr/bin/env node
// npm's solc as a command that forge calls, with the two options that forge uses: --version and --standard-json.
import { readFileSync } from "node:fs";
import solc from "solc";

if (process.argv.includes("--version")) console.log(`Version: ${solc.version()}`);
else process.stdout.write(solc.compile(readFileSync(0, "utf8")));
