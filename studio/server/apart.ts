import { fork } from "node:child_process";
import { once } from "node:events";
import { type Described, describeError, OpenLedgerError } from "../../sdk/errors.ts";

/** Work that would hold up the server, done in a process of its own: a module that calls `answer`. */

type Answer<Result> = { result: Result } | { error: Described };

/**
 * In the server: what the module answers to a task, or its error.
 * @throws OpenLedgerError also `STUDIO_CHILD`, when it ends without an answer.
 */
export async function apart<Result>(module: URL, task: object): Promise<Result> {
  const stdio: ("ignore" | "inherit" | "ipc")[] = ["ignore", "inherit", "inherit", "ipc"];
  const child = fork(module, { stdio, serialization: "advanced" });
  const ended = new AbortController();
  child.once("exit", () => ended.abort());
  try {
    child.send(task);
    const [answer] = (await once(child, "message", { signal: ended.signal })) as [Answer<Result>];
    if ("error" in answer) throw new OpenLedgerError(answer.error.code, answer.error.message);
    return answer.result;
  } catch (cause) {
    if (cause instanceof OpenLedgerError) throw cause;
    throw new OpenLedgerError("STUDIO_CHILD", "The process that worked on this ended. Is there enough memory?", {
      cause,
    });
  } finally {
    child.kill("SIGKILL");
  }
}

/** In the process. */
export function answer<Task, Result>(work: (task: Task) => Promise<Result>): void {
  process.once("disconnect", () => process.exit());
  process.once("message", async (task: Task) => {
    const said: Answer<Result> = await work(task).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: describeError(error) }),
    );
    process.send!(said);
  });
}
