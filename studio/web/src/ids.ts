/** The id in a page's address; undefined when it is none. */
export const idOf = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined;
