import type { FastifyRequest } from "fastify";
import { OpenLedgerError } from "../sdk/errors.ts";

/**
 * Counts requests by address, anew each minute.
 * @returns hook that throws OpenLedgerError `RATE_LIMIT`
 */
export function rateLimit(perMinute: number) {
  let minute = 0;
  const counts = new Map<string, number>();
  return async ({ ip }: FastifyRequest) => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) counts.clear();
    minute = now;
    const count = (counts.get(ip) ?? 0) + 1;
    counts.set(ip, count);
    if (count > perMinute)
      throw new OpenLedgerError("RATE_LIMIT", `More than ${perMinute} requests a minute. Wait a minute.`);
  };
}
