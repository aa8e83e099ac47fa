/**
 * The whole path at the size of SmolLM2-135M: see whole-path.ts. `node bench/serve.ts` prints what it saw as one line of JSON and
 * writes it to bench/results/. It works in .local/bench-serve and, stopped and started again, goes on from its last checkpoint.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { wholePath } from "./whole-path.ts";

const [MODEL, STEPS] = ["smollm2-135m", 50];
const root = path.join(import.meta.dirname, "..");
const folder = path.join(root, ".local/bench-serve");

mkdirSync(folder, { recursive: true });
const result = { model: MODEL, ...(await wholePath(folder, MODEL, STEPS)) };
console.log(JSON.stringify(result));
writeFileSync(path.join(root, `bench/results/serve-${MODEL}.json`), `${JSON.stringify(result, null, 2)}\n`);
rmSync(folder, { recursive: true });
