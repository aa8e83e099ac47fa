import type { FastifyInstance } from "fastify";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { rateLimit } from "../../sdk/http.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** The pages ask often, since they show the chain as it grows. */
const PER_MINUTE = 6000;

const HEADERS = {
  "content-security-policy":
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/**
 * Keeps other sites out. The Studio trains, stores and sends for whoever can reach it, and every page that the browser
 * shows can reach loopback: so a request must name a loopback host (a name that another site points here does not), and
 * its origin, where it has one, must be that host, or the browser's word that it is the same (a proxy changes the host).
 */
export function guard(app: FastifyInstance): void {
  const limit = rateLimit(PER_MINUTE);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    const { host = "", origin } = request.headers;
    if (!LOOPBACK.has(host.replace(/:\d+$/, "")))
      throw new OpenLedgerError(
        "HOST_FOREIGN",
        `The host is ${host}. Open the Studio as http://127.0.0.1 or localhost.`,
      );
    if (origin !== undefined && origin !== `http://${host}` && request.headers["sec-fetch-site"] !== "same-origin")
      throw new OpenLedgerError("ORIGIN_FOREIGN", `The origin is ${origin}. Only the Studio's own pages may ask.`);
    await limit(request);
  });
}
