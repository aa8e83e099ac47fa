import { randomInt } from "node:crypto";
import { join } from "node:path";
import { ggufOf } from "../../openlora/adapters.ts";
import { LlamaEngine } from "../../openlora/engine.ts";
import { kept } from "../../openlora/kept.ts";
import { TextStream } from "../../openlora/text.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { loadBase } from "../../trainer/base.ts";
import { promptIds } from "../../trainer/examples.ts";
import { loadAdapter } from "../../trainer/peft.ts";
import type { Base } from "./bases.ts";
import type { Job } from "./jobs/job.ts";

export type Question = {
  prompt: string;
  maxTokens: number;
  temperature: number;
  which: "base" | "tuned";
  /** Ends the answer. */
  signal: AbortSignal;
  onText: (text: string) => void;
};

/** Answers of bases and of what was trained on them, free of charge, to be compared before a model is minted. */
export class Chats {
  /** By the base's hash. */
  readonly #engines = new Map<string, Promise<LlamaEngine>>();

  /**
   * @param folder The job's, with its adapter.
   * @throws OpenLedgerError `JOB_NOT_DONE`, `ENGINE_…`
   */
  async answer(job: Job, base: Base, folder: string, question: Question): Promise<void> {
    const { prompt, maxTokens, temperature, which, signal, onText } = question;
    if (job.state !== "done")
      throw new OpenLedgerError("JOB_NOT_DONE", `Job ${job.id} is ${job.state}. Wait until it is done.`);
    const engine = await this.#engine(base);
    const { tokenizer, config } = engine.base;
    const text = new TextStream(tokenizer, onText);
    await engine.decode({
      adapter: which === "base" ? undefined : this.#gguf(engine, folder),
      promptIds: promptIds(tokenizer, prompt, config.context + 1 - maxTokens),
      maxTokens,
      temperature,
      seed: randomInt(2 ** 31),
      signal,
      onToken: (id) => text.next(id),
    });
    text.end();
  }

  async close(): Promise<void> {
    for (const engine of this.#engines.values()) await (await engine.catch(() => undefined))?.close();
  }

  #engine({ hash, folder }: Base): Promise<LlamaEngine> {
    return kept(this.#engines, hash, () => LlamaEngine.start(loadBase(folder)));
  }

  #gguf({ base }: LlamaEngine, folder: string): string {
    const own = join(folder, "adapter");
    return ggufOf(own, base, loadAdapter(own, base).adapter);
  }
}
