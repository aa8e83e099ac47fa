import { randomUUID } from "node:crypto";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Message } from "../trainer/chat.ts";

/** What of an OpenAI request the gateway serves. */
export type Ask = ({ chat: false; prompt: string } | { chat: true; prompt: Message[] }) & {
  model: string;
  maxTokens: number;
  temperature: number;
  /** A random one where none is given. */
  seed: number | undefined;
  stream: boolean;
  /** Whether a stream ends with the usage. */
  usage: boolean;
};

/** Fields that would change the answer and are not served, with the value that changes nothing. */
const UNSERVED: Record<string, unknown> = {
  n: 1,
  best_of: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  echo: false,
  logprobs: false,
  stop: undefined,
  suffix: undefined,
  logit_bias: undefined,
  top_logprobs: undefined,
  response_format: undefined,
  tools: undefined,
  functions: undefined,
};

type Fields = Record<string, unknown>;

/** @throws OpenLedgerError `REQUEST_…`, naming the field. */
export function parseCompletion(body: unknown): Ask {
  const fields = fieldsOf(body);
  const { prompt } = fields;
  if (typeof prompt !== "string") throw refuse("prompt", "must be a text");
  return { chat: false, prompt, ...common(fields, fields.max_tokens ?? 16) };
}

/** @throws OpenLedgerError `REQUEST_…`, naming the field. */
export function parseChat(body: unknown): Ask {
  const fields = fieldsOf(body);
  const { messages } = fields;
  if (!Array.isArray(messages) || messages.length === 0) throw refuse("messages", "must be a list of messages");
  const prompt = messages.map(
    (message): Message => ({ role: roleOf(message?.role), content: contentOf(message?.content) }),
  );
  return { chat: true, prompt, ...common(fields, fields.max_completion_tokens ?? fields.max_tokens ?? 64) };
}

function roleOf(role: unknown): string {
  if (typeof role === "string") return role;
  throw refuse("messages", "must each have a role");
}

function contentOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content) && content.every((part) => part?.type === "text" && typeof part.text === "string"))
    return content.map(({ text }) => text).join("");
  throw refuse("messages", "must each have a content of text");
}

function fieldsOf(body: unknown): Fields {
  if (typeof body !== "object" || body === null) throw refuse("body", "must be a JSON object");
  for (const [name, neutral] of Object.entries(UNSERVED)) {
    const value = (body as Fields)[name] ?? undefined;
    if (value !== undefined && value !== neutral) throw refuse(name, "is not supported; leave it out");
  }
  return body as Fields;
}

function common(fields: Fields, maxTokens: unknown) {
  const { model, temperature = 0, seed = undefined, stream = false } = dropNull(fields);
  if (typeof model !== "string") throw refuse("model", "must be the id of a model");
  if (!Number.isInteger(maxTokens) || (maxTokens as number) < 1) throw refuse("max_tokens", "must be 1 or more");
  if (typeof temperature !== "number" || !(temperature >= 0 && temperature <= 2))
    throw refuse("temperature", "must be from 0 to 2");
  if (seed !== undefined && !(Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) < 2 ** 31))
    throw refuse("seed", "must be an integer from 0 to 2147483647");
  if (typeof stream !== "boolean") throw refuse("stream", "must be true or false");
  return {
    model,
    maxTokens: maxTokens as number,
    temperature,
    seed: seed as number | undefined,
    stream,
    usage: (fields.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true,
  };
}

const dropNull = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** A request whose field does not fit. */
export const refuse = (field: string, problem: string) =>
  new OpenLedgerError(`REQUEST_${field.toUpperCase()}`, `${field} ${problem}.`);

/** An answer in OpenAI's shape: whole, or as the chunks of a stream. */
export function shapeOf({ chat, model }: Ask) {
  const id = `${chat ? "chatcmpl" : "cmpl"}-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const wrap = (kind: string, choice: object, reason: string | null) => ({
    id,
    object: kind,
    created,
    model,
    choices: [{ index: 0, ...choice, logprobs: null, finish_reason: reason }],
  });
  const [whole, chunk] = chat ? ["chat.completion", "chat.completion.chunk"] : ["text_completion", "text_completion"];
  return {
    whole: (text: string, reason: string) =>
      wrap(whole, chat ? { message: { role: "assistant", content: text, refusal: null } } : { text }, reason),
    delta: (text: string, first: boolean) =>
      wrap(chunk, chat ? { delta: { ...(first ? { role: "assistant" } : {}), content: text } } : { text }, null),
    end: (reason: string) => wrap(chunk, chat ? { delta: {} } : { text: "" }, reason),
  };
}
