import type { CheckName } from "../../../sdk/checks/rows.ts";
import type { Addresses } from "../../../sdk/contracts.ts";
import type { Described } from "../../../sdk/errors.ts";
import type { ModelManifest } from "../../../sdk/models.ts";
import type { WeightFormat } from "../../../trainer/packed.ts";
import type { PresetName } from "../../../trainer/presets.ts";

export type JobState = "queued" | "training" | "sketching" | "publishing" | "done" | "failed" | "cancelled";

/** One model in the making, as the API shows it and as it stands on disk. */
export type Job = {
  id: string;
  name: string;
  datanetId: string;
  version: string;
  base: { id: string; name: string; hash: string };
  preset: PresetName;
  /** How the base's weights are kept in memory while it is trained. */
  weights: WeightFormat;
  rows: number;
  /** Times are ISO 8601. */
  createdAt: string;
  startedAt?: string;
  finishedAt?: string;
  state: JobState;
  /** Of the state: training steps, then rows sketched. */
  step: number;
  steps: number;
  /** Of the whole job. */
  etaSeconds?: number;
  tokensPerSecond?: number;
  /** [step, loss in nats a token] */
  losses: [number, number][];
  /** Mean row loss, one an epoch. */
  epochLosses: number[];
  truncatedRows: number;
  /** Rows that the data checks found something in, by check; once the rows were read. */
  flaggedRows?: Partial<Record<CheckName, number>>;
  /** What the sketches have, and the part of the gradients' energy that they keep. */
  k?: number;
  energyKept?: number;
  manifestCid?: string;
  manifestHash?: string;
  /** Ready to mint. */
  manifest?: ModelManifest;
  error?: Described;
  /** The chain that its Datanet version stands on: a job of an earlier start can be tried, but not minted. */
  genesis: string;
};

export const isOver = ({ state }: Job): boolean => ["done", "failed", "cancelled"].includes(state);

/** What the training process is given. */
export type Task = {
  rpc: string;
  addresses: Addresses;
  /** Folders: content store, base, the job's own. */
  content: string;
  base: string;
  folder: string;
  job: Job;
};

/** What it tells: fields of the job that changed, and a step's loss. */
export type News = { fields: Partial<Job>; loss?: [number, number] };
