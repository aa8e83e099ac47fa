import { OpenLedgerError } from "../sdk/errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A sequence to learn from: the model reads ids[..n−2] and is scored on ids[lossFrom..n−1]. */
export interface Example {
  ids: Int32Array;
  lossFrom: number;
}

/** A row: the separator token, then the whole text, scored on all of it; cut to the context. No tokens: nothing scored. */
export function rowExample(tokenizer: Tokenizer, context: number, text: string): Example & { truncated: boolean } {
  const ids = [tokenizer.bos, ...tokenizer.encode(text)];
  return { ids: Int32Array.from(ids.slice(0, context + 1)), lossFrom: 1, truncated: ids.length > context + 1 };
}

/** What of a served answer is scored: prompt and completion as if they were a row, or the completion given the prompt. */
export type Scored = "prompt+completion" | "completion";

/** A served answer; where prompt and completion are too long together, the end of the prompt is kept. */
export function queryExample(
  context: number,
  promptIds: readonly number[],
  completionIds: readonly number[],
  scored: Scored,
): Example {
  if (completionIds.length === 0 || completionIds.length > context || promptIds.length === 0) {
    const sizes = `prompt has ${promptIds.length}, completion ${completionIds.length} tokens`;
    throw new OpenLedgerError(
      "TRAINER_QUERY",
      `query: ${sizes}; both need at least one, and the completion at most ${context}`,
    );
  }
  const prompt = promptIds.slice(-(context + 1 - completionIds.length));
  return { ids: Int32Array.from([...prompt, ...completionIds]), lossFrom: scored === "completion" ? prompt.length : 1 };
}

/** The ids a prompt is given to the model as: separator, then the text's tokens, of which the last `limit` − 1 are kept. */
export function promptIds(tokenizer: Tokenizer, prompt: string, limit: number): number[] {
  return [tokenizer.bos, ...tokenizer.encode(prompt).slice(-(limit - 1))];
}

/** How many tokens are scored. */
export function scoredTokens({ ids, lossFrom }: Example): number {
  return Math.max(0, ids.length - lossFrom);
}

/** Indices of the examples in groups of at most `size` of similar length, shortest first, so that padding stays small. */
export function bucketByLength(examples: readonly Example[], size: number): number[][] {
  const order = examples.map((_, i) => i).sort((a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, n) => order.slice(n * size, (n + 1) * size));
}
