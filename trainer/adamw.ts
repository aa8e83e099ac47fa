/** AdamW on one flat parameter vector, with decoupled weight decay on the entries where `decays` says so. */
export class AdamW {
  readonly m: Float32Array;
  readonly v: Float32Array;
  step = 0;
  readonly #options: Required<AdamWOptions>;

  constructor(size: number, options: AdamWOptions = {}) {
    this.m = new Float32Array(size);
    this.v = new Float32Array(size);
    this.#options = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clip: 1, ...options };
  }

  /** One step in place, on a gradient whose norm is clipped first. Returns the norm before clipping. */
  update(params: Float32Array, gradient: Float32Array, learningRate: number, decays?: Uint8Array): number {
    const { beta1, beta2, eps, weightDecay, clip } = this.#options;
    let squares = 0;
    for (const g of gradient) squares += g * g;
    const norm = Math.sqrt(squares);
    const scale = norm > clip ? clip / norm : 1;
    this.step++;
    const correct1 = 1 - beta1 ** this.step;
    const correct2 = 1 - beta2 ** this.step;
    for (let i = 0; i < params.length; i++) {
      const g = gradient[i]! * scale;
      const m = (this.m[i] = beta1 * this.m[i]! + (1 - beta1) * g);
      const v = (this.v[i] = beta2 * this.v[i]! + (1 - beta2) * g * g);
      const decay = decays?.[i] ? weightDecay * params[i]! : 0;
      params[i] = params[i]! - learningRate * (m / correct1 / (Math.sqrt(v / correct2) + eps) + decay);
    }
    return norm;
  }
}

export interface AdamWOptions {
  beta1?: number;
  beta2?: number;
  eps?: number;
  weightDecay?: number;
  /** Largest gradient norm. */
  clip?: number;
}
