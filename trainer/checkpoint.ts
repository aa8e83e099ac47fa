import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readMetadata, readSafetensors, writeSafetensors } from "./safetensors.ts";

/** All that a run of fine-tuning goes on from, to the same bits; what it was started with is told by `run`. */
export interface TrainingState {
  params: Float32Array;
  /** AdamW's moments. */
  m: Float32Array;
  v: Float32Array;
  /** Parameters when they were best on the held-out rows, where that was measured. */
  best?: Float32Array;
  /** Loss and number of rows of each step taken. */
  history: [loss: number, rows: number][];
  /** Step and loss of each measurement on the held-out rows. */
  evaluations: [step: number, loss: number][];
  /** Loss on the held-out rows before the first step; null for none. */
  heldOutBefore: number | null;
  /** Spent so far. */
  seconds: number;
}

const FILE = "checkpoint.safetensors";
const METRICS = "metrics.jsonl";

/** A run's folder: its last checkpoint, and one line of JSON for each step in `metrics.jsonl`. */
export class RunFolder {
  readonly #folder: string;
  readonly #run: string;

  /** @param run hash of all that decides the result: a checkpoint of anything else is refused */
  constructor(folder: string, run: string) {
    this.#folder = folder;
    this.#run = run;
    mkdirSync(folder, { recursive: true });
  }

  /**
   * The last checkpoint, if there is one; metrics of steps after it are dropped, as these steps will be taken again.
   * @throws OpenLedgerError `TRAINER_CHECKPOINT` for a checkpoint of another run, or one that cannot be read
   */
  resume(): TrainingState | undefined {
    const bytes = this.#read(FILE);
    const state = bytes && this.#decode(bytes);
    const lines = (this.#read(METRICS)?.toString() ?? "").split("\n").slice(0, state?.history.length ?? 0);
    this.#replace(METRICS, Buffer.from(lines.map((line) => `${line}\n`).join("")));
    return state;
  }

  /** Takes the place of the checkpoint before it at once: a crash leaves either. */
  save({ params, m, v, best, ...rest }: TrainingState): void {
    const tensors = new Map(
      Object.entries({ params, m, v, ...(best && { best }) }).map(([name, data]) => [
        name,
        { shape: [data.length], data },
      ]),
    );
    this.#replace(FILE, writeSafetensors(tensors, "F32", { run: this.#run, state: JSON.stringify(rest) }));
  }

  log(metrics: object): void {
    appendFileSync(path.join(this.#folder, METRICS), `${JSON.stringify(metrics)}\n`);
  }

  #decode(bytes: Uint8Array): TrainingState {
    const { run, state } = readMetadata(bytes);
    if (run !== this.#run) {
      throw bad(
        `${this.#folder} holds a checkpoint of another run (other rows, options, base or backend); name another folder`,
      );
    }
    const tensors = readSafetensors(bytes);
    const [params, m, v] = ["params", "m", "v"].map((name) => tensors.get(name)!.data) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const best = tensors.get("best")?.data;
    return { ...JSON.parse(state!), params, m, v, ...(best && { best }) };
  }

  #read(name: string): Buffer | undefined {
    try {
      return readFileSync(path.join(this.#folder, name));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw bad(`${path.join(this.#folder, name)} cannot be read; name another folder`, cause);
    }
  }

  #replace(name: string, bytes: Uint8Array): void {
    const target = path.join(this.#folder, name);
    const file = openSync(`${target}.new`, "w");
    try {
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${target}.new`, target);
  }
}

function bad(problem: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError("TRAINER_CHECKPOINT", `checkpoint: ${problem}`, { cause });
}
