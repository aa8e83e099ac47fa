import path from "node:path";
import type { Span } from "../../trainer/attribution/blocks.ts";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { matrixSpans } from "../../trainer/attribution/scales.ts";
import { loadBase } from "../../trainer/base.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { bucketByLength, type Example, queryExample, rowExample } from "../../trainer/examples.ts";
import { type FinetuneOptions, finetune } from "../../trainer/finetune.ts";
import { type Completion, generate } from "../../trainer/generate.ts";
import { type Adapter, loraLayout } from "../../trainer/lora.ts";
import { Pool } from "../../trainer/pool.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { Random } from "../../trainer/random.ts";
import {
  type Contributor,
  contributors,
  contributorsWithFewRows,
  contributorsWithWrongRows,
  type Kind,
} from "./datanet.ts";
import { cached } from "./report.ts";
import { sum } from "./statistics.ts";

const MAX_TOKENS = 32;

/** How the model learns and from whom; what the cache keeps of each begins with `kept`. */
const SETTINGS = {
  plain: { kept: "llama", preset: PRESETS.demo, contributors },
  /** Until it knows its rows much better than others. */
  memorising: {
    kept: "memorising",
    preset: { ...PRESETS.demo, epochs: 9, learningRate: 3e-2 },
    contributors: contributorsWithFewRows,
  },
  "wrong rows": { kept: "wrong", preset: PRESETS.demo, contributors: contributorsWithWrongRows },
};
export type Setting = keyof typeof SETTINGS;
export type Preset = Omit<FinetuneOptions, "rows" | "heldOut">;
type Answer = Pick<Completion, "promptIds" | "ids">;

/** The tiny Llama and a Datanet to fine-tune it on with the fast engine: the demo's preset, unless the setting has another. */
export class TinyLlama {
  readonly pool: Pool;
  private readonly kept: string;
  readonly preset: typeof PRESETS.demo;
  readonly contributors: Contributor[];
  /** All rows in order, and the contributor of each. */
  readonly rows: string[];
  readonly owners: number[];
  /** What each contributor's rows are. */
  readonly kinds: Kind[];
  /** Held-out rows of the honest contributors, and whose files they are of. */
  readonly references: string[];
  readonly referenceOwners: number[];

  private constructor(pool: Pool, all: Contributor[], { kept, preset }: (typeof SETTINGS)[Setting]) {
    this.pool = pool;
    this.kept = kept;
    this.preset = preset;
    this.contributors = all;
    this.kinds = all.map(({ kind }) => kind);
    this.rows = all.flatMap(({ rows }) => rows);
    this.owners = all.flatMap(({ rows }, c) => rows.map(() => c));
    this.references = all.flatMap(({ references }) => references);
    this.referenceOwners = all.flatMap(({ references }, c) => references.map(() => c));
  }

  static async start(name: Setting = "plain"): Promise<TinyLlama> {
    const setting = SETTINGS[name];
    const base = loadBase(path.join(import.meta.dirname, "../../models/tiny-llama"));
    const pool = await Pool.start(base, { threads: 2, backend: "onnx" });
    return new TinyLlama(pool, await setting.contributors(), setting);
  }

  example(text: string): Example {
    return rowExample(this.pool.base.tokenizer, this.pool.base.config.context, text);
  }

  /** What contributors of a kind have together, over their rows. */
  perRow(values: readonly number[], kind: string): number {
    const own = [...this.kinds.keys()].filter((c) => this.kinds[c] === kind);
    return sum(own.map((c) => values[c]!)) / sum(own.map((c) => this.contributors[c]!.rows.length));
  }

  /** Spans of the adapter's parameters whose scales are damped together. */
  get matrices(): Span[] {
    return matrixSpans(loraLayout(this.pool.base.config, this.preset));
  }

  /** The adapter fine-tuned on these rows; kept under the name. */
  async tuned(name: string, rows: readonly string[], seed: number, preset: Preset = this.preset): Promise<Adapter> {
    const { rank, alpha, targetModules } = preset;
    const [params] = await this.cached(name, async () => {
      const { adapter } = await finetune(this.pool, { ...preset, rows, heldOut: [], seed });
      return [adapter.params];
    });
    const size = loraLayout(this.pool.base.config, preset).size;
    if (params!.length !== size)
      throw new Error(`${this.kept}-${name} in the cache has ${params!.length} entries, not ${size}`);
    return { lora: { rank, alpha, targetModules }, params: params! };
  }

  /** Kept under the name, for this setting. */
  cached(name: string, make: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
    return cached(`${this.kept}-${name}`, make);
  }

  /** The adapter fine-tuned on these contributors' rows. */
  tunedOn(name: string, present: readonly boolean[], seed: number): Promise<Adapter> {
    return this.tuned(
      name,
      this.rows.filter((_, i) => present[this.owners[i]!]),
      seed,
    );
  }

  /** The model whose data is paid: fine-tuned on everything. */
  full(): Promise<Adapter> {
    return this.tuned("full", this.rows, 100);
  }

  /** Random halves of the contributors, each followed by its other half. */
  halves(count: number): boolean[][] {
    const names = this.contributors.map((_, c) => c);
    return Array.from({ length: count / 2 }, (_, n) => {
      const chosen = new Set(new Random(300 + n).shuffle(names).slice(0, names.length / 2));
      return [names.map((c) => chosen.has(c)), names.map((c) => !chosen.has(c))];
    }).flat();
  }

  /** What the fully trained model answers, greedily, to the first half of each reference. */
  async served(): Promise<Answer[]> {
    const arrays = await this.cached("served", async () => {
      const answers = await this.answers(await this.full(), this.references);
      return answers.flatMap(({ promptIds, ids }) => [Float32Array.from(promptIds), Float32Array.from(ids)]);
    });
    return this.references.map((_, t) => ({ promptIds: [...arrays[2 * t]!], ids: [...arrays[2 * t + 1]!] }));
  }

  answers(adapter: Adapter, texts: readonly string[]): Promise<Answer[]> {
    return Promise.all(
      texts.map((text) => {
        const prompt = text.slice(0, Math.ceil(text.length / 2));
        return generate(this.pool, adapter, { prompt, maxTokens: MAX_TOKENS });
      }),
    );
  }

  /** A served answer as it is paid for: prompt and completion as one text. */
  paid({ promptIds, ids }: Answer): Example {
    return queryExample(this.pool.base.config.context, promptIds, ids, "prompt+completion");
  }

  rowGradients(alpha = 1): Promise<Matrix> {
    return this.gradients(
      `rows-${alpha}`,
      this.rows.map((text) => this.example(text)),
      alpha,
    );
  }

  referenceGradients(alpha = 1): Promise<Matrix> {
    return this.gradients(
      `references-${alpha}`,
      this.references.map((text) => this.example(text)),
      alpha,
    );
  }

  async servedGradients(alpha = 1): Promise<Matrix> {
    const examples = (await this.served()).map((answer) => this.paid(answer));
    return this.gradients(`served-${alpha}`, examples, alpha);
  }

  /** Gradients of examples at the fully trained adapter, or on the way to it; kept under the name. */
  async gradients(name: string, examples: readonly Example[], alpha = 1): Promise<Matrix> {
    const adapter = await this.full();
    const [data] = await this.cached(`gradients-${name}`, async () => [
      (await exampleGradients(this.pool, adapter, examples, alpha)).data,
    ]);
    return { data: data!, shape: [examples.length, data!.length / examples.length] };
  }

  /** Mean token loss of each example. */
  async losses(adapter: Adapter, examples: readonly Example[]): Promise<Float32Array> {
    const out = new Float32Array(examples.length);
    await Promise.all(
      bucketByLength(examples, 8).map(async (group) => {
        const losses = await this.pool.run("losses", { adapter, examples: group.map((i) => examples[i]!) });
        group.forEach((i, n) => {
          out[i] = losses[n]!;
        });
      }),
    );
    return out;
  }
}
