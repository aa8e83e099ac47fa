import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isOver, type Job } from "./job.ts";

/** Jobs on disk: one folder each, with `job.json` and what the training leaves (`adapter/`, `sketches/`). */
export class JobFiles {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** Folder of a job. */
  of(id: string): string {
    return join(this.#folder, id);
  }

  /** Written aside and renamed: a crash leaves the job as it was before. */
  write(job: Job): void {
    const folder = this.of(job.id);
    mkdirSync(folder, { recursive: true });
    const partial = join(folder, "job.json.partial");
    writeFileSync(partial, JSON.stringify(job));
    renameSync(partial, join(folder, "job.json"));
  }

  /** All jobs, oldest first. One that was under way when the Studio ended has failed. */
  load(): Job[] {
    const jobs = readdirSync(this.#folder).flatMap((id) => this.#read(id) ?? []);
    for (const job of jobs.filter((one) => !isOver(one))) {
      const message = "The Studio ended while this job was under way. Start it again.";
      Object.assign(job, {
        state: "failed",
        finishedAt: new Date().toISOString(),
        error: { code: "JOB_INTERRUPTED", message },
      });
      this.write(job);
    }
    return jobs.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  #read(id: string): Job | undefined {
    try {
      return JSON.parse(readFileSync(join(this.of(id), "job.json"), "utf8")) as Job;
    } catch {
      return undefined; // the Studio ended before the job stood on disk
    }
  }
}
