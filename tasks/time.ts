/** A time of the chain as people and programs read it. */
export const date = (seconds: bigint | number): string =>
  new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
