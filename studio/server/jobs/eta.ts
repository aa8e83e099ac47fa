/** What a row's gradient, and fitting the sketch, cost beside a row's training step, measured on the tiny base. */
const GRADIENT_COST = 2;
const FIT_COST = 0.3;

/** Seconds left of a whole job, from the pace of what is done: rows are trained on once an epoch, then sketched. */
export class Eta {
  readonly #started = performance.now();
  readonly #rows: number;
  readonly #all: number;

  constructor(rows: number, epochs: number) {
    this.#rows = rows;
    this.#all = rows * (epochs + GRADIENT_COST + FIT_COST);
  }

  /** @param fraction Of the training that is done. */
  training(fraction: number): number {
    return this.#left((this.#all - this.#rows * (GRADIENT_COST + FIT_COST)) * fraction);
  }

  /** @param sketched Rows. */
  sketching(sketched: number): number {
    return this.#left(this.#all - (this.#rows - sketched) * GRADIENT_COST - this.#rows * FIT_COST);
  }

  #left(done: number): number {
    const seconds = (performance.now() - this.#started) / 1000;
    return Math.ceil((seconds * (this.#all - done)) / done);
  }
}
