/** What a model's calls cost: token units per 1,000 tokens. */
export type Prices = { inputPrice: bigint; outputPrice: bigint };

/** Fee of a call in token units, rounded up. */
export const callFee = ({ inputPrice, outputPrice }: Prices, inputTokens: number, outputTokens: number): bigint =>
  (BigInt(inputTokens) * inputPrice + BigInt(outputTokens) * outputPrice + 999n) / 1000n;
