import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Template } from "@huggingface/jinja";
import { OpenLedgerError } from "../sdk/errors.ts";

/** One turn of a conversation. */
export interface Message {
  role: string;
  content: string;
}

/** A part of a text, and whether a model is to learn to say it. */
export interface Segment {
  text: string;
  scored: boolean;
}

/** How a base writes conversations, as its Jinja template says. */
export class ChatTemplate {
  readonly source: string;
  readonly #template: Template;
  readonly #tokens: Record<string, string>;

  /** @param tokens `bos_token` and `eos_token` */
  constructor(source: string, tokens: Record<string, string>) {
    this.source = source;
    this.#tokens = tokens;
    this.#template = new Template(
      source
        // Tags of transformers that mark what is generated; that is found out here without them.
        .replace(/\{%-?\s*(?:end)?generation\s*-?%\}/g, "")
        // Today's date would give every day another prompt, and other gradients: templates fall back to their own.
        .replaceAll("strftime_now", "strftime_undefined"),
    );
  }

  /**
   * The text that the model goes on from with its answer.
   * @throws OpenLedgerError `CHAT_TEMPLATE` where the template refuses the messages
   */
  prompt(messages: readonly Message[]): string {
    return this.#render(messages, true);
  }

  /**
   * A whole conversation, in which the assistant's turns are scored, with what ends them. Each begins where the prompt ends
   * that the model would be asked with, or where the two part, as some prompts open a thought that no answer has.
   * @throws OpenLedgerError `CHAT_TEMPLATE` where the template refuses the messages, or does not write them one after another
   */
  segments(messages: readonly Message[]): Segment[] {
    const segments: Segment[] = [];
    let written = "";
    messages.forEach(({ role }, turn) => {
      if (role !== "assistant") return;
      const before = messages.slice(0, turn);
      const whole = this.#render(messages.slice(0, turn + 1), false);
      const start = commonLength(this.#render(before, true), whole);
      if (start < Math.max(written.length, this.#render(before, false).length) || !whole.startsWith(written))
        throw bad("it writes earlier messages in another way once others follow, so that answers cannot be told apart");
      segments.push({ text: whole.slice(written.length, start), scored: false });
      segments.push({ text: whole.slice(start), scored: true });
      written = whole;
    });
    return segments; // what follows the last answer is nothing to learn from
  }

  #render(messages: readonly Message[], prompt: boolean): string {
    try {
      return this.#template.render({
        ...this.#tokens,
        messages: messages.map((message) => ({ ...message })),
        add_generation_prompt: prompt,
      });
    } catch (cause) {
      throw bad((cause as Error).message, cause);
    }
  }
}

/** Length of what two texts have in common at their beginning. */
function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * The template of a base's folder: `chat_template.jinja`, or the one of `tokenizer_config.json`; undefined for none.
 * @throws OpenLedgerError `CHAT_TEMPLATE` for one that is not Jinja
 */
export function readChatTemplate(
  folder: string,
  config: object,
  tokens: Record<string, string>,
): ChatTemplate | undefined {
  const file = path.join(folder, "chat_template.jinja");
  const source = existsSync(file)
    ? readFileSync(file, "utf8")
    : named((config as { chat_template?: unknown }).chat_template);
  if (source === undefined) return undefined;
  try {
    return new ChatTemplate(source, tokens);
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
}

/** One template, or of several the default. */
function named(template: unknown): string | undefined {
  if (typeof template === "string") return template;
  if (!Array.isArray(template)) return undefined;
  return template.find(({ name }) => name === "default")?.template;
}

function bad(problem: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError("CHAT_TEMPLATE", `chat template: ${problem}; change the messages or the template`, {
    cause,
  });
}
