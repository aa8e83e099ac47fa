import { parentPort, workerData } from "node:worker_threads";
import type { Share } from "./commit.ts";
import { commitColumns } from "./kzg.ts";

// One thread of commitInThreads.
const { sketches, powers, k } = workerData as Share;
parentPort!.postMessage(await commitColumns(sketches, k, { powers }));
