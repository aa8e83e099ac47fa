import path from "node:path";
import { exampleGradients } from "../../trainer/attribution/gradients.ts";
import { loadBase } from "../../trainer/base.ts";
import type { Matrix } from "../../trainer/engine.ts";
import { type Example, queryExample, rowExample } from "../../trainer/examples.ts";
import { finetune } from "../../trainer/finetune.ts";
import { type Completion, generate } from "../../trainer/generate.ts";
import type { Adapter } from "../../trainer/lora.ts";
import { Pool } from "../../trainer/pool.ts";
import { PRESETS } from "../../trainer/presets.ts";
import { type Contributor, contributors, type Kind } from "./datanet.ts";
import { cached } from "./report.ts";

const MAX_TOKENS = 32;

/** The tiny Llama and a Datanet to fine-tune it on, with the demo's preset and the fast engine. */
export class TinyLlama {
  readonly pool: Pool;
  readonly contributors: Contributor[];
  /** All rows in order, and the contributor of each. */
  readonly rows: string[];
  readonly owners: number[];
  /** What each contributor's rows are. */
  readonly kinds: Kind[];
  /** Held-out rows of the honest contributors. */
  readonly references: string[];

  private constructor(pool: Pool, all: Contributor[]) {
    this.pool = pool;
    this.contributors = all;
    this.kinds = all.map(({ kind }) => kind);
    this.rows = all.flatMap(({ rows }) => rows);
    this.owners = all.flatMap(({ rows }, c) => rows.map(() => c));
    this.references = all.flatMap(({ references }) => references);
  }

  static async start(): Promise<TinyLlama> {
    const base = loadBase(path.join(import.meta.dirname, "../../models/tiny-llama"));
    return new TinyLlama(await Pool.start(base, { threads: 2, backend: "onnx" }), await contributors());
  }

  example(text: string): Example {
    return rowExample(this.pool.base.tokenizer, this.pool.base.config.context, text);
  }

  /** The adapter fine-tuned on all rows. */
  async full(): Promise<Adapter> {
    const { rank, alpha, targetModules } = PRESETS.demo;
    const [params] = await cached("llama-full", async () => {
      const { adapter } = await finetune(this.pool, { ...PRESETS.demo, rows: this.rows, heldOut: [], seed: 100 });
      return [adapter.params];
    });
    return { lora: { rank, alpha, targetModules }, params: params! };
  }

  /** What the fully trained model answers, greedily, to the first half of each reference. */
  async served(): Promise<Pick<Completion, "promptIds" | "ids">[]> {
    const arrays = await cached("llama-served", async () => {
      const adapter = await this.full();
      const answers = await Promise.all(
        this.references.map((text) => {
          const prompt = text.slice(0, Math.ceil(text.length / 2));
          return generate(this.pool, adapter, { prompt, maxTokens: MAX_TOKENS });
        }),
      );
      return answers.flatMap(({ promptIds, ids }) => [Float32Array.from(promptIds), Float32Array.from(ids)]);
    });
    return this.references.map((_, t) => ({ promptIds: [...arrays[2 * t]!], ids: [...arrays[2 * t + 1]!] }));
  }

  rowGradients(): Promise<Matrix> {
    return this.#gradients(
      "rows-1",
      this.rows.map((text) => this.example(text)),
    );
  }

  referenceGradients(): Promise<Matrix> {
    return this.#gradients(
      "references-1",
      this.references.map((text) => this.example(text)),
    );
  }

  /** Of prompt and completion as one text, as they are paid for. */
  async servedGradients(): Promise<Matrix> {
    const { context } = this.pool.base.config;
    const answers = await this.served();
    return this.#gradients(
      "served-1",
      answers.map(({ promptIds, ids }) => queryExample(context, promptIds, ids, "prompt+completion")),
    );
  }

  /** Gradients of examples at the adapter; kept under the name. */
  async #gradients(name: string, examples: readonly Example[]): Promise<Matrix> {
    const adapter = await this.full();
    const [data] = await cached(`llama-gradients-${name}`, async () => [
      (await exampleGradients(this.pool, adapter, examples, 1)).data,
    ]);
    return { data: data!, shape: [examples.length, data!.length / examples.length] };
  }
}
