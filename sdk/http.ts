import { timingSafeEqual } from "node:crypto";
import { OpenLedgerError } from "./errors.ts";

/**
 * Counts requests by address, anew each minute.
 * @returns hook that throws OpenLedgerError `RATE_LIMIT`
 */
export function rateLimit(perMinute: number) {
  let minute = 0;
  const counts = new Map<string, number>();
  return async ({ ip }: { ip: string }) => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) counts.clear();
    minute = now;
    const count = (counts.get(ip) ?? 0) + 1;
    counts.set(ip, count);
    if (count > perMinute)
      throw new OpenLedgerError("RATE_LIMIT", `More than ${perMinute} requests a minute. Wait a minute.`);
  };
}

/** Shortest bearer token that a server of ours takes. */
export const TOKEN_LENGTH = 16;

/**
 * Checks the bearer token in the header `authorization`.
 * @param whose Who has the token, for the error's words.
 * @throws OpenLedgerError `TOKEN_WRONG`
 */
export function requireToken(authorization: string | undefined, token: string, whose: string): void {
  const [given, expected] = [Buffer.from(authorization ?? ""), Buffer.from(`Bearer ${token}`)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new OpenLedgerError("TOKEN_WRONG", `Send the ${whose}'s token as \`Authorization: Bearer …\`.`);
}
