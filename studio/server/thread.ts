import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { type Described, describeError, OpenLedgerError } from "../../sdk/errors.ts";

/** Work that would hold up the server, done by a thread of its own: a module that calls `answer`. */

type Answer<Result> = { result: Result } | { error: Described };

/** In the server: what the thread answers, or its error. */
export async function inThread<Result>(module: URL, task: object): Promise<Result> {
  const worker = new Worker(module, { workerData: task });
  try {
    const [answer] = (await once(worker, "message")) as [Answer<Result>];
    if ("error" in answer) throw new OpenLedgerError(answer.error.code, answer.error.message);
    return answer.result;
  } finally {
    await worker.terminate();
  }
}

/** In the thread. */
export async function answer<Task, Result>(work: (task: Task) => Promise<Result>): Promise<void> {
  const said: Answer<Result> = await work(workerData as Task).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: describeError(error) }),
  );
  parentPort!.postMessage(said);
}
