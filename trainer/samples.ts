import { OpenLedgerError } from "../sdk/errors.ts";
import type { Message } from "./chat.ts";

/** What a row or a line of a file is, to learn from: all of a text, a completion given its prompt, or an assistant's turns. */
export type Sample = { text: string } | { prompt: string; completion: string } | { messages: Message[] };
export const SAMPLE_KINDS = ["text", "completion", "chat"] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

export const kindOf = (sample: Sample): SampleKind =>
  "messages" in sample ? "chat" : "prompt" in sample ? "completion" : "text";

/**
 * What the text of a row is: one JSON object of exactly the fields of a sample, or else text. Says nothing of whether a
 * base can be given it.
 */
export function readSample(text: string): Sample {
  return (text.startsWith("{") && parse(text)) || { text };
}

/**
 * A line of a JSONL file, which must be a sample.
 * @throws OpenLedgerError `SAMPLE_INVALID`, naming `where` it stands
 */
export function requireSample(line: string, where: string): Sample {
  const sample = parse(line);
  if (sample && !("text" in sample && sample.text.trim() === "")) return sample;
  const forms =
    '{"text": …}, {"prompt": …, "completion": …}, or {"messages": [{"role": …, "content": …}, …]} with an assistant\'s turn';
  throw new OpenLedgerError("SAMPLE_INVALID", `${where} is no sample; write one of ${forms}`);
}

function parse(text: string): Sample | undefined {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const fields = Object.keys(json).sort().join();
  const { text: plain, prompt, completion, messages } = json;
  if (fields === "text" && typeof plain === "string") return { text: plain };
  if (fields === "completion,prompt" && typeof prompt === "string" && typeof completion === "string")
    return completion === "" ? undefined : { prompt, completion };
  if (fields === "messages" && Array.isArray(messages) && messages.every(isMessage))
    return messages.some(({ role }) => role === "assistant") ? { messages } : undefined;
  return undefined;
}

function isMessage(message: unknown): message is Message {
  if (typeof message !== "object" || message === null) return false;
  const { role, content } = message as Partial<Message>;
  return Object.keys(message).length === 2 && typeof role === "string" && typeof content === "string";
}
