import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

export async function eventually(test: () => Promise<boolean>, what: string, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(100)) if (await test()) return;
  throw new Error(`In ${seconds} s it did not come to this: ${what}.`);
}

/** A program of ours in a process of its own. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  output = "";

  constructor(script: string, args: string[], env: Record<string, string>) {
    const path = new URL(`../../${script}`, import.meta.url).pathname;
    this.child = spawn(process.execPath, [path, ...args], { env: { ...process.env, ...env } });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on("data", (data: Buffer) => {
        this.output += data.toString();
      });
    this.ended = new Promise((done) => this.child.on("close", (code, signal) => done({ code, signal })));
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(async () => pattern.test(this.output), `${pattern} in\n${this.output}`);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.ended;
  }
}
