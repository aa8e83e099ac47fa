import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { OpenLedgerError } from "../../sdk/errors.ts";

const file = (dataDir: string) => join(dataDir, "lock.json");

/** Who holds a data directory, and where he answers. */
export type Holder = { pid: number; url?: string };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The living process that holds a data directory. */
export function lockHolder(dataDir: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(file(dataDir), "utf8")) as Holder;
    return isAlive(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** A data directory held by this process: PGlite itself takes no lock, and two of them on one folder destroy it. */
export class Lock {
  readonly #dataDir: string;

  private constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** @throws OpenLedgerError `OPERATOR_LOCKED`, naming the process that has it. */
  static async take(dataDir: string): Promise<Lock> {
    mkdirSync(dataDir, { recursive: true });
    try {
      writeFileSync(file(dataDir), JSON.stringify({ pid: process.pid }), { flag: "wx" });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      refuse(dataDir, lockHolder(dataDir));
      replace(dataDir, { pid: process.pid });
      // Two processes that find the same dead one's lock: who wrote last has it.
      await pause(200);
      const holder = lockHolder(dataDir);
      if (holder?.pid !== process.pid) refuse(dataDir, holder);
    }
    return new Lock(dataDir);
  }

  /** Says where the holder answers. */
  publish(url: string): void {
    replace(this.#dataDir, { pid: process.pid, url });
  }

  release(): void {
    rmSync(file(this.#dataDir), { force: true });
  }
}

function replace(dataDir: string, holder: Holder): void {
  const temporary = `${file(dataDir)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(holder));
  renameSync(temporary, file(dataDir));
}

function refuse(dataDir: string, holder: Holder | undefined): void {
  if (holder)
    throw new OpenLedgerError(
      "OPERATOR_LOCKED",
      `Process ${holder.pid} holds ${dataDir}. Stop it first; if it is no operator, delete ${file(dataDir)}.`,
    );
}
