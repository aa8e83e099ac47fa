import type { Tokenizer } from "../trainer/tokenizer.ts";

/** The text of tokens as they come. A character may take several tokens: what is not whole yet is held back. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #ids: number[] = [];
  #sent = "";

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Whether no text came yet. */
  get empty(): boolean {
    return this.#sent === "";
  }

  /** Text that is whole with this token; may be empty. */
  next(id: number): string {
    this.#ids.push(id);
    return this.#piece(this.#tokenizer.decode(this.#ids).replace(/\ufffd+$/, ""));
  }

  /** What was held back until the end. */
  end(): string {
    return this.#piece(this.#tokenizer.decode(this.#ids));
  }

  #piece(text: string): string {
    const piece = text.slice(this.#sent.length);
    if (piece) this.#sent = text;
    return piece;
  }
}
