import { CHECKS, type CheckName, countFindings, parseChecks } from "../sdk/checks/rows.ts";
import { Command } from "../sdk/command.ts";
import { BACKENDS } from "./backends.ts";
import { LINEARS, type LinearName } from "./config.ts";
import { type FinetuneProgress, SCHEDULES } from "./finetune.ts";
import { gigabytes } from "./memory.ts";
import { WEIGHT_FORMATS } from "./packed.ts";
import { plotLosses } from "./plot.ts";
import { PRESETS, type PresetName } from "./presets.ts";
import { type RunHooks, type RunManifest, reproduceRun, type TrainingPlan, trainRun } from "./run.ts";

/** Names for groups of linears. */
const TARGETS: Record<string, readonly LinearName[]> = {
  attention: LINEARS.slice(0, 4),
  mlp: LINEARS.slice(4),
  all: LINEARS,
};

const presets = Object.entries(PRESETS).map(([name, { rank, learningRate, epochs, batch, targetModules }]) => {
  const targets = targetModules.length === LINEARS.length ? "all linears" : targetModules.join(", ");
  return `                         ${name.padEnd(6)} rank ${rank} on ${targets}; rate ${learningRate}, ${epochs} epochs, ${batch} rows a step`;
});

export const HELP = `openledger train: fine-tunes a LoRA adapter on your files or on a frozen version of a Datanet

  openledger train --data FILE --out FOLDER [options]
  openledger train --datanet ID --version N --addresses FILE --out FOLDER [options]
  openledger train --reproduce FOLDER/run.json --out FOLDER

Started again with the same options and folder, it goes on from its last checkpoint, to the same bits.

Data
  --data PATH          file, or folder of files; again for more, each is one contribution. Lines of .jsonl files are
                       {"text": …}, {"prompt": …, "completion": …} or {"messages": [{"role": …, "content": …}, …]},
                       learned on the completion, or on the assistant's turns by the base's chat template; other
                       files are text, cut into rows of at most 512 bytes
  --datanet ID, --version N, --addresses FILE
                       a frozen version instead; --rpc URL (http://127.0.0.1:8545), --content FOLDER (.local/content)
  --drop CHECKS        leave out rows with findings of these data checks, with commas, or all:
                       ${Object.keys(CHECKS).join(", ")}
  --validation PART    hold this part of the rows out, such as 0.1, and measure on them after each epoch
  --split GROUP        what is held out whole: contribution (default) or file
  --evaluation PATH    measure on these files instead; again for more

Model
  --base FOLDER        Hugging Face folder (default models/tiny-llama)
  --weights FORMAT     how the base's weights are kept in memory: f32 (default), f16, or q4, in 4 bits as QLoRA trains over
  --preset NAME        what the options below start from (default quick):
${presets.join("\n")}
  --rank N             of the adapter; --alpha X (default twice the rank)
  --target LINEARS     ${Object.keys(TARGETS).join(", ")}, or some of ${LINEARS.join(",")}

Training
  --epochs N  --batch N (rows a step)  --micro-batch N (rows at a time, 8)  --learning-rate X  --clip NORM (1)
  --schedule NAME      ${SCHEDULES.join(", ")} (default cosine): how the rate falls to a tenth; --warmup PART of the steps (0.1)
  --evaluate-every N   steps between two measurements; the adapter that measured best is kept
  --patience N         stop after this many measurements in a row that were no better
  --seed N             of the adapter's start, the order of the rows and the split
  --backend NAME       ${BACKENDS.join(", ")} (default: the fastest that is sure to start)
  --deterministic      refuse backends that do not give the same bits in every run
  --threads N          default 2; changes nothing but the time
  --memory SIZE        that the run may take, such as 8GB; one that would take more is refused before it begins, with
                       what would fit (default: what the machine has left)
  --checkpoint-every N steps, default 20

Result
  --out FOLDER         gets adapter/ (PEFT), run.json, order.json, metrics.jsonl and a checkpoint
  --publish NAME       of a frozen version: also sketches every row, stores the model's files in --content and writes
                       model.json for the task model:mint
  --reproduce FILE     does the run of a run.json again, and ends with 0 only if the adapter is the same to the last bit
  --json               a line of JSON for the data, the memory, each step and the end, instead of a plot`;

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const flag = { type: "boolean", default: false } as const;
const OPTIONS = {
  ...{ data: texts, evaluation: texts, datanet: text, version: text, addresses: text, validation: text },
  rpc: { ...text, default: "http://127.0.0.1:8545" },
  content: { ...text, default: ".local/content" },
  drop: { ...text, default: "" },
  split: { ...text, default: "contribution" },
  base: { ...text, default: "models/tiny-llama" },
  ...{ weights: text, memory: text },
  preset: { ...text, default: "quick" },
  ...{ rank: text, alpha: text, target: text, epochs: text, batch: text, "micro-batch": text, "learning-rate": text },
  ...{ clip: text, schedule: text, warmup: text, "evaluate-every": text, patience: text, seed: text, backend: text },
  threads: { ...text, default: "2" },
  "checkpoint-every": { ...text, default: "20" },
  ...{ out: text, publish: text, reproduce: text, deterministic: flag, json: flag },
  help: { ...flag, short: "h" },
} as const;
type Values = ReturnType<typeof command.parse<typeof OPTIONS>>;

const command = new Command("train");

/** `openledger train …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const values = command.parse(args, OPTIONS);
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { reproduce, publish } = values;
  const out = command.required("out", values.out);
  const show = values.json ? new Lines() : new Screen();
  const hooks: RunHooks = {
    ...show.hooks,
    threads: number(values, "threads"),
    ...(values.memory !== undefined && { memory: bytesIn(values.memory) }),
    everySteps: number(values, "checkpoint-every"),
    ...(publish !== undefined && { publish }),
  };
  if (reproduce === undefined) {
    show.done(await trainRun(planOf(values), out, hooks), out);
    return 0;
  }
  const { same, differences, distance, manifest } = await reproduceRun(reproduce, out, hooks);
  show.done(manifest, out);
  show.reproduced({ same, differences, distance });
  return same ? 0 : 1;
}

function planOf(values: Values): TrainingPlan {
  const { datanet: datanetId, version, addresses, rpc, content, data = [], weights, backend, split } = values;
  if (data.length > 0 === (datanetId !== undefined)) throw command.wrong("give either --data or --datanet");
  if (datanetId !== undefined && (version === undefined || addresses === undefined))
    throw command.wrong("--datanet needs --version and --addresses");
  for (const [name, id] of Object.entries({ datanet: datanetId, version })) if (id !== undefined) command.id(name, id);
  const drop = parseChecks("--drop", values.drop);
  if (datanetId !== undefined && drop.length > 0)
    throw command.wrong("--drop is for --data: a frozen version is trained on as it is");
  const validation = validationOf(values, command.oneOf("split", split, ["contribution", "file"]));
  return {
    base: values.base,
    data: datanetId === undefined ? data : { datanetId, version: version!, addresses: addresses!, rpc, content },
    ...(validation && { validation }),
    drop,
    ...(weights !== undefined && { weights: command.oneOf("weights", weights, WEIGHT_FORMATS) }),
    ...(backend !== undefined && { backend: command.oneOf("backend", backend, BACKENDS) }),
    deterministic: values.deterministic,
    options: optionsOf(values),
  };
}

function validationOf(values: Values, by: "contribution" | "file"): TrainingPlan["validation"] {
  const { validation, evaluation } = values;
  if (validation !== undefined && evaluation !== undefined)
    throw command.wrong("give either --validation or --evaluation");
  if (evaluation !== undefined) return { paths: evaluation };
  return validation === undefined ? undefined : { fraction: number(values, "validation"), by };
}

function optionsOf(values: Values): TrainingPlan["options"] {
  const { preset, target, schedule } = values;
  const given = (name: keyof Values & string, field: string) =>
    values[name] === undefined ? {} : { [field]: number(values, name) };
  return {
    ...PRESETS[command.oneOf("preset", preset, Object.keys(PRESETS) as PresetName[])],
    ...given("rank", "rank"),
    ...(values.rank !== undefined && { alpha: 2 * number(values, "rank") }),
    ...given("alpha", "alpha"),
    ...(target !== undefined && { targetModules: [...(TARGETS[target] ?? (target.split(",") as LinearName[]))] }),
    ...given("epochs", "epochs"),
    ...given("batch", "batch"),
    ...given("micro-batch", "microBatch"),
    ...given("learning-rate", "learningRate"),
    ...given("clip", "clip"),
    ...given("warmup", "warmup"),
    ...(schedule !== undefined && { schedule: command.oneOf("schedule", schedule, SCHEDULES) }),
    ...given("evaluate-every", "evaluateEvery"),
    ...given("patience", "patience"),
    ...given("seed", "seed"),
  };
}

function number(values: Values, name: keyof Values & string): number {
  const value = Number(values[name]);
  if (values[name] === "" || !Number.isFinite(value))
    throw command.wrong(`--${name} must be a number, not ${values[name]}`);
  return value;
}

/** Of a size such as 8GB or 512 MB. */
function bytesIn(size: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?) ?([GM])B$/i.exec(size) ?? [];
  if (value === undefined) throw command.wrong(`--memory must be a size such as 8GB or 512MB, not ${size}`);
  return Number(value) * (unit!.toUpperCase() === "G" ? 1e9 : 1e6);
}

type Compared = { same: boolean; differences: string[]; distance: number | undefined };

/** Tells everything as lines of JSON. */
class Lines {
  readonly hooks: RunHooks = {
    onData: (data) => this.#line("data", data),
    onMemory: (forecast) => this.#line("memory", forecast),
    onProgress: (progress) => this.#line("step", progress),
    onSketched: (rows, of) => this.#line("sketched", { rows, of }),
  };

  done(manifest: RunManifest, out: string): void {
    this.#line("done", { out, ...manifest });
  }

  reproduced(compared: Compared): void {
    this.#line("reproduced", compared);
  }

  #line(event: string, fields: object): void {
    const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
    console.log(JSON.stringify({ event, ...fields }, plain));
  }
}

/** Milliseconds between two pictures, and lines between where nobody watches. */
const PACE = 250;
const QUIET_LINES = 20;
const SHOWN = 5;

/** Tells a person: on a terminal by a plot that grows, elsewhere by a line now and then. */
class Screen {
  readonly #losses: number[] = [];
  readonly #heldOut: [number, number][] = [];
  readonly #live = process.stdout.isTTY;
  #drawn = 0;
  #last = 0;
  #tokens = 0;

  readonly hooks: RunHooks = {
    onData: ({ rows, heldOut, dropped, findings, backend }) => {
      const counts = Object.entries(countFindings(findings));
      const held = heldOut > 0 ? `, ${heldOut} held out` : "";
      console.log(`${rows} rows${held}${dropped > 0 ? `, ${dropped} left out` : ""}. Backend ${backend}.`);
      if (counts.length === 0) return;
      console.log(
        `Data checks: ${counts.map(([name, count]) => `${CHECKS[name as CheckName].title} ${count}`).join(", ")}.`,
      );
      for (const { row, path, reason, fix } of findings.slice(0, SHOWN))
        console.log(`  row ${row} (${path}) ${reason}. ${fix}`);
      if (findings.length > SHOWN) console.log(`  and ${findings.length - SHOWN} more; --json has all`);
    },
    onMemory: ({ predicted, limit, recompute }) => {
      const how = recompute ? ", with each layer computed again on the way back" : "";
      console.log(`It takes about ${gigabytes(predicted)} of memory${how}; there are ${gigabytes(limit)}.`);
    },
    onProgress: (progress) => this.#step(progress),
    onSketched: (rows, of) => {
      if (rows === of) console.log(`Sketched the gradients of ${of} rows.`);
    },
  };

  done({ result, adapter }: RunManifest, out: string): void {
    const { steps, bestStep, stoppedEarly, tokens, heldOutBefore, heldOutAfter, kinds, truncatedRows } = result;
    if (!this.#live) for (const line of this.#plot()) console.log(line);
    const read = Object.entries(kinds).filter(([, count]) => count > 0);
    console.log(
      `\n${steps} steps over ${tokens} tokens of ${read.map(([kind, count]) => `${count} ${kind}`).join(", ")} rows.`,
    );
    if (truncatedRows > 0) console.log(`${truncatedRows} rows were longer than the context and were cut.`);
    if (Number.isFinite(heldOutAfter))
      console.log(
        `Held-out loss ${heldOutBefore.toFixed(3)} → ${heldOutAfter.toFixed(3)}, best after step ${bestStep}${stoppedEarly ? "; it got no better, so it stopped" : ""}.`,
      );
    console.log(`Wrote ${out}/adapter (${adapter}), ${out}/run.json`);
  }

  reproduced({ same, differences, distance }: Compared): void {
    const other = differences.length > 0 ? ` Not as it was: ${differences.join(", ")}.` : "";
    const apart =
      distance === undefined ? "" : ` (the parameters differ by ${distance.toExponential(1)} of their length)`;
    console.log(same ? `The same adapter, bit for bit.${other}` : `NOT the same adapter${apart}.${other}`);
  }

  #step({ step, steps, loss, heldOut, learningRate, tokens, seconds }: FinetuneProgress): void {
    this.#losses[step - 1] = loss;
    this.#tokens += tokens;
    if (heldOut !== undefined) this.#heldOut.push([step, heldOut]);
    const last = step === steps;
    const told = `step ${step} of ${steps}  loss ${loss.toFixed(3)}${heldOut === undefined ? "" : `  held out ${heldOut.toFixed(3)}`}`;
    const left = Math.round((seconds / step) * (steps - step));
    const pace = `  rate ${learningRate.toExponential(1)}  ${Math.round(this.#tokens / seconds)} tokens/s  ${left} s left`;
    if (!this.#live) {
      if (last || heldOut !== undefined || step % Math.ceil(steps / QUIET_LINES) === 0) console.log(told + pace);
      return;
    }
    if (Date.now() - this.#last < PACE && !last) return;
    this.#last = Date.now();
    const lines = [...this.#plot(steps), told + pace];
    if (this.#drawn > 0) process.stdout.write(`\u001b[${this.#drawn}A`);
    process.stdout.write(lines.map((line) => `\u001b[2K${line}\n`).join(""));
    this.#drawn = lines.length;
  }

  #plot(steps = this.#losses.length): string[] {
    const losses = Array.from(this.#losses, (loss) => loss ?? Number.NaN);
    return plotLosses({ losses, heldOut: this.#heldOut, steps }, Math.min(100, process.stdout.columns ?? 72));
  }
}
