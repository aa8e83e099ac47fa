import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import path from "node:path";
import { keccak256 } from "ethers";
import type { CheckName, Finding } from "../sdk/checks/rows.ts";
import { canonicalJson } from "../sdk/content.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { ModelManifest } from "../sdk/models.ts";
import { buildSketches } from "./attribution/build.ts";
import type { BackendName } from "./backends.ts";
import { loadConfig, loadPackedBase } from "./base.ts";
import { readPaths, readVersion, type TrainingData, type TrainingRow, type VersionSource } from "./data.ts";
import { type FinetuneOptions, type FinetuneProgress, type FinetuneReport, finetune } from "./finetune.ts";
import type { MemoryForecast } from "./memory.ts";
import type { WeightFormat } from "./packed.ts";
import { loadAdapter, saveAdapter } from "./peft.ts";
import { Pool } from "./pool.ts";
import { publishModel } from "./publish.ts";
import { holdOutGroups } from "./split.ts";

/** All that is asked of a run, as JSON. */
export interface TrainingPlan {
  /** Folder of the base. */
  base: string;
  /** Files and folders, or a frozen version. */
  data: string[] | VersionSource;
  /** Rows that are only measured on: whole contributions or files of the data, or other files. */
  validation?: { fraction: number; by: "contribution" | "file" } | { paths: string[] };
  /** Leaves out rows with findings of these checks. */
  drop: CheckName[];
  /** How the base's weights are kept while they are learned over; float32 unless told. */
  weights?: WeightFormat;
  backend?: BackendName;
  /** Refuses a backend whose results differ from run to run. */
  deterministic: boolean;
  options: Omit<FinetuneOptions, "rows" | "heldOut" | "run" | "onProgress" | "onMemory">;
}

/** What was done, and what is needed to do it again to the same bits; `run.json` of a run's folder. */
export interface RunManifest {
  format: 1;
  plan: TrainingPlan;
  base: { name: string; hash: string };
  data: TrainingData["sources"];
  validation: TrainingData["sources"];
  /** What computed it. Other values need not give the same bits. */
  code: { hash: string; packages: Record<string, string>; node: string; cpu: string; backend: BackendName };
  /** keccak256 of order.json: for each step taken, the numbers of its rows among all that were trained on. */
  order: string;
  adapter: string;
  result: Omit<FinetuneReport, "adapter" | "order" | "seconds">;
}

export interface RunHooks {
  /** CPU threads; they change nothing but the time it takes. */
  threads?: number;
  /** Bytes that the run may take; it is refused if it would take more. Default: what the machine has left. */
  memory?: number;
  /** Steps between two checkpoints. */
  everySteps?: number;
  onData?: (data: { rows: number; heldOut: number; dropped: number; findings: Finding[]; backend: string }) => void;
  onMemory?: (forecast: MemoryForecast) => void;
  onProgress?: (progress: FinetuneProgress) => void;
  /** Also publishes the model of a frozen version under this name, for `model:mint`. */
  publish?: string;
  onSketched?: (rows: number, of: number) => void;
}

const MANIFEST = "run.json";

/**
 * Trains by a plan into a folder: `adapter/` (PEFT), `metrics.jsonl`, `order.json`, `run.json`, a checkpoint, and for what is
 * published `sketches/` and `model.json`. Run again with the same plan and folder it goes on where it was stopped.
 * @throws OpenLedgerError `RUN_…`, `DATA_…`, `TRAINER_…`
 */
export async function trainRun(plan: TrainingPlan, out: string, hooks: RunHooks = {}): Promise<RunManifest> {
  const { publish, everySteps = 20 } = hooks;
  if (publish !== undefined) requirePublishable(plan);
  const read = Array.isArray(plan.data) ? await readPaths(plan.data) : await readVersion(plan.data);
  const { rows, dropped } = without(read, plan);
  const { train, heldOut, sources } = await split(rows, plan);
  const { threads, memory } = hooks;
  const base = loadPackedBase(plan.base, plan.weights ?? "f32", memory);
  const pool = await Pool.start(base, {
    ...(threads !== undefined && { threads }),
    ...(memory !== undefined && { memory }),
    ...(plan.backend && { backend: plan.backend }),
  });
  try {
    const { name: backend, why } = pool.backend;
    if (plan.deterministic && !DETERMINISTIC.includes(backend))
      throw bad(
        "BACKEND",
        `backend ${backend} adds numbers up in another order every time; choose one of ${DETERMINISTIC.join(", ")}`,
      );
    hooks.onData?.({
      ...{ rows: train.length, heldOut: heldOut.length, dropped, findings: read.findings },
      backend: `${backend}: ${why}`,
    });
    const evaluateEvery = plan.options.evaluateEvery ?? Math.ceil(train.length / plan.options.batch);
    const {
      adapter,
      order,
      seconds: _,
      ...result
    } = await finetune(pool, {
      ...plan.options,
      ...(heldOut.length > 0 && { evaluateEvery }),
      rows: train.map(({ row }) => row),
      heldOut: heldOut.map(({ row }) => row),
      run: { folder: out, everySteps },
      ...(hooks.onMemory && { onMemory: hooks.onMemory }),
      ...(hooks.onProgress && { onProgress: hooks.onProgress }),
    });
    const orderBytes = canonicalJson(order);
    writeFileSync(path.join(out, "order.json"), orderBytes);
    const manifest: RunManifest = {
      format: 1,
      plan,
      base: { name: base.name, hash: base.hash },
      data: read.sources,
      validation: sources,
      code: { ...codeVersion(), backend },
      order: keccak256(orderBytes),
      adapter: saveAdapter(path.join(out, "adapter"), adapter, base),
      result,
    };
    if (publish !== undefined) {
      const texts = rows.map(({ text }) => text);
      const sketches = await buildSketches(pool, adapter, texts, {
        onProgress: (done) => hooks.onSketched?.(done, texts.length),
      });
      const { content, datanetId, version } = plan.data as VersionSource;
      const model: ModelManifest = {
        name: publish,
        ...(await publishModel(out, new ContentStore(content), base, adapter, sketches)),
        versions: [{ datanetId, version }],
        training: {
          ...plan.options,
          ...(plan.weights && { weights: plan.weights }),
          ...{ order: manifest.order, code: manifest.code.hash },
        },
      };
      replace(path.join(out, "model.json"), model);
    }
    replace(path.join(out, MANIFEST), manifest);
    return manifest;
  } finally {
    await pool.close();
  }
}

/** How a run that was done again compares with what it should be. */
export interface Reproduction {
  same: boolean;
  /** What is not as it was: code, packages, node, cpu, backend, base, data, order. */
  differences: string[];
  /** Of the adapters' parameters: |new − old| / |old|; undefined where the old adapter is not beside its manifest. */
  distance: number | undefined;
  manifest: RunManifest;
}

/** Trains by a manifest's plan once more, into another folder, and compares. */
export async function reproduceRun(file: string, out: string, hooks: RunHooks = {}): Promise<Reproduction> {
  const old = readManifest(file);
  if (path.resolve(out) === path.resolve(path.dirname(file)))
    throw bad("OUT", `${out} holds the run itself; name another folder to do it again in`);
  const backend = old.code.backend;
  const manifest = await trainRun({ ...old.plan, backend }, out, hooks);
  const parts = ({ code, base, data, validation, order }: RunManifest): Record<string, unknown> => ({
    ...{ code: code.hash, packages: code.packages, node: code.node, cpu: code.cpu, backend: code.backend },
    ...{ base: base.hash, data: [data, validation], order },
  });
  const [was, is] = [parts(old), parts(manifest)];
  const differences = Object.keys(was).filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]));
  return {
    same: manifest.adapter === old.adapter,
    differences,
    distance: distance(path.dirname(file), out, old.plan.base),
    manifest,
  };
}

/** @throws OpenLedgerError `RUN_MANIFEST` */
export function readManifest(file: string): RunManifest {
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as RunManifest;
    if (manifest.format !== 1) throw new Error(`its format is ${manifest.format}, not 1`);
    return manifest;
  } catch (cause) {
    throw new OpenLedgerError(
      "RUN_MANIFEST",
      `run: ${file} cannot be used (${(cause as Error).message}). Name a run.json that \`openledger train\` wrote.`,
      { cause },
    );
  }
}

function distance(oldFolder: string, newFolder: string, baseFolder: string): number | undefined {
  if (!existsSync(path.join(oldFolder, "adapter"))) return undefined;
  const base = { config: loadConfig(baseFolder) };
  const [old, made] = [oldFolder, newFolder].map((one) => loadAdapter(path.join(one, "adapter"), base).adapter.params);
  const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
  return norm(made!.map((value, i) => value - old![i]!)) / norm(old!);
}

/** Backends that give the same bits in every run on one machine, for any number of threads; on cards nothing promises that. */
const DETERMINISTIC: BackendName[] = ["onnx", "wasm+ort", "wasm", "cpu"];

function requirePublishable({ data, validation, drop }: TrainingPlan): void {
  const refuse = (why: string) => bad("PUBLISH", why);
  if (Array.isArray(data))
    throw refuse("only a model of a frozen version can be published; train with --datanet and --version");
  if (validation !== undefined && "fraction" in validation)
    throw refuse(
      "contributors are paid for all rows of a version, so all must be learned from; measure on other files",
    );
  if (drop.length > 0) throw refuse("a version's rows are committed as they are; drop none");
}

function without(
  { rows, sources, findings }: TrainingData,
  { drop }: TrainingPlan,
): { rows: TrainingRow[]; dropped: number } {
  const starts = new Map<string, number>();
  let at = 0;
  for (const [i, { rows: count }] of sources.entries()) {
    starts.set(String(i + 1), at);
    at += count;
  }
  const left = new Set(
    findings
      .filter(({ check }) => drop.includes(check))
      .map(({ contribution, row }) => starts.get(String(contribution))! + row),
  );
  return { rows: rows.filter((_, row) => !left.has(row)), dropped: left.size };
}

async function split(rows: TrainingRow[], { validation, options }: TrainingPlan) {
  if (validation === undefined) return { train: rows, heldOut: [], sources: [] };
  if ("paths" in validation) {
    const { rows: heldOut, sources } = await readPaths(validation.paths);
    return { train: rows, heldOut, sources };
  }
  const group = ({ contribution, file }: TrainingRow) =>
    validation.by === "file" ? `${contribution}/${file}` : contribution;
  const { train, heldOut } = holdOutGroups(rows.map(group), validation.fraction, options.seed);
  const of = (numbers: number[]) => numbers.map((row) => rows[row]!);
  return { train: of(train), heldOut: of(heldOut), sources: [] };
}

/** Packages whose versions decide the last bits. */
const PACKAGES = [
  ...["@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm", "onnxruntime-node"],
  ...["@huggingface/tokenizers", "@huggingface/jinja"],
];

function codeVersion(): Omit<RunManifest["code"], "backend"> {
  const require = createRequire(import.meta.url);
  const root = path.join(import.meta.dirname, "..");
  const files = ["trainer", "sdk"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.join(folder, name)),
  );
  const hashes = files.sort().map((name) => [name, keccak256(readFileSync(path.join(root, name)))]);
  const { packages } = require(path.join(root, "package-lock.json")) as {
    packages: Record<string, { version: string }>;
  };
  return {
    hash: keccak256(canonicalJson(hashes)),
    packages: Object.fromEntries(PACKAGES.map((name) => [name, packages[`node_modules/${name}`]!.version])),
    node: process.version,
    cpu: cpus()[0]?.model ?? "unknown",
  };
}

function replace(file: string, value: object): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.partial`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.partial`, file);
}

function bad(code: string, problem: string): OpenLedgerError {
  return new OpenLedgerError(`RUN_${code}`, `run: ${problem}`);
}
