import type { Voucher } from "../sdk/eip712.ts";
import type { AttributedReceipt } from "../sdk/receipts.ts";
import type { Sketches } from "../trainer/attribution/artifact.ts";
import { sketchQueries } from "../trainer/attribution/build.ts";
import { promptIds } from "../trainer/examples.ts";
import { generate } from "../trainer/generate.ts";
import type { Adapter } from "../trainer/lora.ts";
import type { Pool } from "../trainer/pool.ts";
import type { Completion, Meter, Proof } from "./meter.ts";

export type PaidRequest = { prompt: string; maxTokens: number; voucher: Voucher; voucherSignature: string };
export type PaidAnswer = Completion & Proof & { text: string };

/** One adapter, served for money: greedy completions, each paid by voucher. */
export class PaidModel {
  readonly #pool: Pool;
  readonly #adapter: Adapter;
  readonly #meter: Meter;

  constructor(pool: Pool, adapter: Adapter, meter: Meter) {
    this.#pool = pool;
    this.#adapter = adapter;
    this.#meter = meter;
  }

  /** Tokens that a prompt will be charged for. */
  promptTokens(prompt: string, maxTokens: number): number {
    const { tokenizer, config } = this.#pool.base;
    return promptIds(tokenizer, prompt, config.context + 1 - maxTokens).length;
  }

  async complete({ prompt, maxTokens, voucher, voucherSignature }: PaidRequest): Promise<PaidAnswer> {
    let text = "";
    const tokens = this.promptTokens(prompt, maxTokens);
    const answer = await this.#meter.serve(voucher, voucherSignature, tokens, maxTokens, async () => {
      const decoded = await generate(this.#pool, this.#adapter, { prompt, maxTokens });
      text = decoded.text;
      return { promptIds: decoded.promptIds, completionIds: decoded.ids };
    });
    return { ...answer, text };
  }

  /** Redeems what an epoch's receipts add up to; returns token units. */
  redeem(epochId: bigint): Promise<bigint> {
    return this.#meter.redeem(epochId);
  }

  /** Signs the sketch records of an epoch's calls, for the operator. */
  records(epochId: bigint, sketches: Sketches): Promise<AttributedReceipt[]> {
    return this.#meter.records(epochId, (calls) => sketchQueries(this.#pool, this.#adapter, sketches, calls));
  }
}
