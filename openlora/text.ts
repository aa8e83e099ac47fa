import type { Tokenizer } from "../trainer/tokenizer.ts";

/** The text of tokens as they come. A character may take several tokens: what is not whole yet is held back. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #onText: (piece: string, first: boolean) => void;
  readonly #ids: number[] = [];
  #sent = "";

  /** @param onText Told each piece of text, and whether it is the first. */
  constructor(tokenizer: Tokenizer, onText: (piece: string, first: boolean) => void) {
    this.#tokenizer = tokenizer;
    this.#onText = onText;
  }

  next(id: number): void {
    this.#ids.push(id);
    this.#send(this.#tokenizer.decode(this.#ids).replace(/\ufffd+$/, ""));
  }

  /** No token follows: what was held back is sent as it is. */
  end(): void {
    this.#send(this.#tokenizer.decode(this.#ids));
  }

  #send(text: string): void {
    const piece = text.slice(this.#sent.length);
    if (piece === "") return;
    this.#onText(piece, this.#sent === "");
    this.#sent = text;
  }
}
