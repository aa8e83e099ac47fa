import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { OpenLedgerError } from "../sdk/errors.ts";

/** Seconds before a child that ended is started again: doubled each time, up to the longest. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;
/** A child that runs for so many seconds counts as well again. */
const WELL = 60;
/** Characters of what it said last that are kept to tell why it ended. */
const KEPT = 2000;

export type ChildOptions = {
  /** What it is to a person. */
  name: string;
  /** Of `openledger`. */
  args: string[];
  env: Record<string, string>;
  /** What it prints once it answers; the first group is its address. */
  ready: RegExp;
  /** Called each time that it answers again after it was started again. */
  onRestart?: () => Promise<void>;
};

/** An `openledger` command as child process, started again with growing pauses whenever it ends by itself. */
export class Child {
  /** What went wrong last, until it is well again. */
  problem: string | undefined;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #url: string | undefined;
  #pause = FIRST_PAUSE;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  private constructor(options: ChildOptions) {
    this.#options = options;
  }

  /**
   * Starts it and waits until it answers.
   * @throws OpenLedgerError `STUDIO_CHILD`, with what it said, when it ends before.
   */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options);
    await child.#start();
    return child;
  }

  /** Its address; none while it does not answer. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(late);
  }

  #start(): Promise<string> {
    const { name, args, env, ready } = this.#options;
    const child = fork(new URL("./child-main.ts", import.meta.url), args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true, // Ctrl-C is for the Studio, which ends its children in order
    });
    this.#process = child;
    const started = Date.now();
    const answers = Promise.withResolvers<string>();
    let said = "";
    const hear = (data: Buffer) => {
      said = (said + data).slice(-KEPT);
      if (this.#url !== undefined) return;
      this.#url = ready.exec(said)?.[1];
      if (this.#url !== undefined) answers.resolve(this.#url);
    };
    child.stdout!.on("data", hear);
    child.stderr!.on("data", hear);
    child.once("close", (code, signal) => {
      const answered = this.#url !== undefined;
      this.#url = undefined;
      if (this.#stopped) return answers.reject(new OpenLedgerError("STUDIO_CHILD", `The ${name} was stopped.`));
      const how = `The ${name} ended (${signal ?? `exit code ${code}`}): ${said.trim().split("\n").slice(-3).join(" ")}`;
      if (Date.now() - started > WELL * 1000) this.#pause = FIRST_PAUSE;
      this.problem = how;
      if (answered) this.#again();
      else answers.reject(new OpenLedgerError("STUDIO_CHILD", how));
    });
    return answers.promise;
  }

  #again(): void {
    this.#timer = setTimeout(async () => {
      try {
        await this.#start();
        await this.#options.onRestart?.();
        this.problem = undefined;
      } catch (error) {
        this.problem = (error as Error).message;
        // One that answers is started again when it ends.
        if (this.#url === undefined && !this.#stopped) this.#again();
      }
    }, this.#pause * 1000);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }
}
