import { readFileSync } from "node:fs";
import path from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";

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
}

export function loadTokenizer(folder: string): Tokenizer {
  const json = (name: string) => JSON.parse(readFileSync(path.join(folder, name), "utf8"));
  const config = json("tokenizer_config.json") as { bos_token?: string; eos_token: string };
  const tokenizer = new HuggingFaceTokenizer(json("tokenizer.json"), config);
  const id = (token: string) => tokenizer.token_to_id(token)!;
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true }),
    bos: id(config.bos_token ?? config.eos_token),
    eos: id(config.eos_token),
  };
}
