import { OpenLedgerError } from "../sdk/errors.ts";
import { promptIds } from "./examples.ts";
import type { Adapter } from "./lora.ts";
import type { Pool } from "./pool.ts";

export interface GenerateOptions {
  prompt: string;
  maxTokens: number;
  /** 0, the default, is greedy. */
  temperature?: number;
  seed?: number;
}

export interface Completion {
  /** What the model read: the prompt's tokens, of which the last are kept where it was too long. */
  promptIds: number[];
  ids: number[];
  text: string;
}

/** Completes a prompt with the base model, or with an adapter on top of it. */
export async function generate(
  pool: Pool,
  adapter: Adapter | undefined,
  options: GenerateOptions,
): Promise<Completion> {
  const { prompt, maxTokens, temperature = 0, seed = 0 } = options;
  const { tokenizer, config } = pool.base;
  if (!Number.isInteger(maxTokens) || maxTokens < 1 || maxTokens >= config.context) {
    const limits = `it must be an integer from 1 to ${config.context - 1}`;
    throw new OpenLedgerError("TRAINER_GENERATE", `maxTokens is ${maxTokens}; ${limits}`);
  }
  if (!(temperature >= 0)) {
    throw new OpenLedgerError("TRAINER_GENERATE", `temperature is ${temperature}; it must be 0 (greedy) or more`);
  }
  const given = promptIds(tokenizer, prompt, config.context + 1 - maxTokens);
  const decoding = { maxTokens, temperature, seed, eos: tokenizer.eos };
  const ids = await pool.run("generate", { adapter, prompt: given, decoding });
  return { promptIds: given, ids, text: tokenizer.decode(ids) };
}
