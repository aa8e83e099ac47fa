import { OpenLedgerError } from "../sdk/errors.ts";
import type { Message } from "./chat.ts";
import { kindOf, readSample, type Sample, type SampleKind } from "./samples.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A sequence to learn from: the model reads ids[..n−2] and is scored on ids[lossFrom..n−1], or those of them that `scored` marks. */
export interface Example {
  ids: Int32Array;
  lossFrom: number;
  /** 1 for each id that is scored; all from `lossFrom` on where it is left out. */
  scored?: Uint8Array;
}

/** An example of a row or a sample, and whether it had to be cut to the context. */
export type RowExample = Example & { kind: SampleKind; truncated: boolean };

/**
 * A row as it is trained on and attributed to. Nothing that a row holds makes this fail, since rows come from strangers:
 * a conversation that the base cannot be given, for want of a chat template or because that refuses it, is read as text.
 */
export function rowExample(tokenizer: Tokenizer, context: number, text: string): RowExample {
  const sample = readSample(text);
  try {
    return sampleExample(tokenizer, context, sample);
  } catch (error) {
    if (!(error instanceof OpenLedgerError)) throw error;
    return sampleExample(tokenizer, context, { text });
  }
}

/**
 * - text: the separator token, then the whole text, scored on all of it
 * - prompt and completion: the separator, the prompt, then the completion and the token that ends it, which are scored
 * - messages: as the base's chat template writes them, scored on the assistant's turns
 *
 * Texts that are too long are cut at their end, the others where it hurts least: after the first token, as a served prompt is.
 * @throws OpenLedgerError `CHAT_TEMPLATE`
 */
export function sampleExample(tokenizer: Tokenizer, context: number, sample: Sample): RowExample {
  const ids: number[] = [];
  const scored: number[] = [];
  const add = (tokens: readonly number[], score: boolean) => {
    ids.push(...tokens);
    scored.push(...tokens.map(() => Number(score)));
  };
  const kind = kindOf(sample);
  if ("messages" in sample) {
    if (tokenizer.chat === undefined)
      throw new OpenLedgerError(
        "CHAT_TEMPLATE",
        "messages: the base has no chat template; give prompt and completion, or choose a chat model",
      );
    for (const { text, scored } of tokenizer.chat.segments(sample.messages)) add(tokenizer.encode(text), scored);
  } else if ("prompt" in sample) {
    add([tokenizer.bos, ...tokenizer.encode(sample.prompt)], false);
    add([...tokenizer.encode(sample.completion), tokenizer.eos], true);
  } else {
    const all = [tokenizer.bos, ...tokenizer.encode(sample.text)];
    return { ids: Int32Array.from(all.slice(0, context + 1)), lossFrom: 1, kind, truncated: all.length > context + 1 };
  }
  const over = Math.max(0, ids.length - context - 1);
  const first = Math.max(1, scored.indexOf(1));
  const dropped = Math.min(over, first - 1);
  const kept = [0, ...Array.from({ length: ids.length - 1 - over }, (_, i) => 1 + dropped + i)];
  const mask = Uint8Array.from(kept, (i) => scored[i]!);
  const lossFrom = Math.max(1, mask.indexOf(1));
  const all = mask.subarray(lossFrom).every((one) => one === 1);
  return {
    ids: Int32Array.from(kept, (i) => ids[i]!),
    lossFrom,
    ...(!all && { scored: mask }),
    kind,
    truncated: over > 0,
  };
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

/**
 * The same of a conversation that waits for the assistant: as the base's chat template writes it, or without one the
 * messages' contents with a line break between them.
 * @throws OpenLedgerError `CHAT_TEMPLATE`
 */
export function chatPromptIds(tokenizer: Tokenizer, messages: readonly Message[], limit: number): number[] {
  if (tokenizer.chat === undefined)
    return promptIds(tokenizer, messages.map(({ content }) => content).join("\n"), limit);
  const ids = tokenizer.encode(tokenizer.chat.prompt(messages));
  return ids.length <= limit ? ids : [ids[0]!, ...ids.slice(ids.length - limit + 1)];
}

/** Whether the model is scored on ids[t]. */
export const isScored = ({ lossFrom, scored }: Example, t: number): boolean =>
  t >= lossFrom && (scored === undefined || scored[t] === 1);

/** How many tokens are scored. */
export function scoredTokens(example: Example): number {
  if (example.scored === undefined) return Math.max(0, example.ids.length - example.lossFrom);
  return example.ids.reduce((sum, _, t) => sum + Number(isScored(example, t)), 0);
}

/** Indices of the examples in groups of at most `size` of similar length, shortest first, so that padding stays small. */
export function bucketByLength(examples: readonly Example[], size: number): number[][] {
  const order = examples.map((_, i) => i).sort((a, b) => examples[a]!.ids.length - examples[b]!.ids.length || a - b);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, n) => order.slice(n * size, (n + 1) * size));
}
