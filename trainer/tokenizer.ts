import { readFileSync } from "node:fs";
import path from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type ChatTemplate, readChatTemplate } from "./chat.ts";

/** Text to token ids and back, as the model's `tokenizer.json` says. */
export interface Tokenizer {
  /** Ids of the text alone: no special tokens are added. */
  encode(text: string): number[];
  /** Text of the ids, special tokens left out. */
  decode(ids: readonly number[]): string;
  /** Put before every text: the model was trained with it as the separator of documents. */
  bos: number;
  /** Ends a completion. */
  eos: number;
  /** How the model writes conversations; undefined for one that knows none. */
  chat: ChatTemplate | undefined;
  /** What the tokenizer is made of, for engines that bring their own. */
  vocabulary: Vocabulary;
}

export interface Vocabulary {
  /** Tokens by id, as byte-level BPE writes them. */
  tokens: string[];
  /** Pairs in order of precedence, their sides separated by a space. */
  merges: string[];
  /** Ids that stand for no text. */
  special: ReadonlySet<number>;
}

/**
 * Reads `tokenizer.json` and, for the names of its first and last token, `tokenizer_config.json`.
 * @throws OpenLedgerError `TRAINER_TOKENIZER` for one that is not byte-pair encoding or does not have these tokens
 */
export function loadTokenizer(folder: string): Tokenizer {
  const json = (name: string) => JSON.parse(readFileSync(path.join(folder, name), "utf8"));
  const config = json("tokenizer_config.json") as { bos_token?: NamedToken; eos_token?: NamedToken };
  const description = json("tokenizer.json") as Description;
  if (description.model.type !== "BPE") {
    throw bad(`tokenizer.json: model.type is ${description.model.type}; only BPE is supported`);
  }
  const tokenizer = new HuggingFaceTokenizer(description, config);
  const content = (token: NamedToken | undefined) => (typeof token === "object" ? token?.content : token);
  const id = (token: NamedToken | undefined) => {
    const text = content(token);
    const found = text === undefined ? undefined : tokenizer.token_to_id(text);
    if (found === undefined) throw bad(`tokenizer_config.json: ${text ?? "eos_token"} is not in tokenizer.json`);
    return found;
  };
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true }),
    bos: id(config.bos_token ?? config.eos_token),
    eos: id(config.eos_token),
    chat: readChatTemplate(folder, config, {
      bos_token: content(config.bos_token) ?? "",
      eos_token: content(config.eos_token) ?? "",
    }),
    vocabulary: readVocabulary(description),
  };
}

/** A token's text, or in older files an object around it. */
type NamedToken = string | { content: string } | null;

/** The parts of `tokenizer.json` that a vocabulary is read from. */
interface Description {
  added_tokens?: { id: number; content: string; special: boolean }[];
  model: { type: string; vocab: Record<string, number>; merges?: (string | [string, string])[] };
}

function readVocabulary({ added_tokens: added = [], model }: Description): Vocabulary {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  for (const { id, content } of added) tokens[id] = content;
  return {
    tokens,
    merges: (model.merges ?? []).map((pair) => (typeof pair === "string" ? pair : pair.join(" "))),
    special: new Set(added.filter(({ special }) => special).map(({ id }) => id)),
  };
}

function bad(problem: string): OpenLedgerError {
  return new OpenLedgerError("TRAINER_TOKENIZER", `${problem}; get the model again, or choose another`);
}
