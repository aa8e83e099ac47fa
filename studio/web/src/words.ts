import { parseUnits } from "ethers";

/** A number of things, its digits in groups. */
export const count = (n: number): string => n.toLocaleString("en-US");

/** How long, to a person: the two largest units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An amount that somebody typed in whole tokens, in token units; undefined where it is none. */
export function readAmount(text: string, decimals: number): bigint | undefined {
  const parts = /^\d{1,12}(?:\.(\d+))?$/.exec(text.trim());
  return parts === null || (parts[1]?.length ?? 0) > decimals ? undefined : parseUnits(text.trim(), decimals);
}
