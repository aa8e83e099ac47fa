import { createReadStream } from "node:fs";
import Fastify, { type FastifyInstance } from "fastify";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { rateLimit, requireToken } from "../../sdk/http.ts";
import type { Metrics } from "./metrics.ts";
import type { Problems } from "./problems.ts";

/** What auditors get. */
export type Shown = {
  /** Bearer token of auditors; without one receipts are shown to nobody. */
  token: string | undefined;
  /** File of the leaves of the own proposal that stands for an epoch, or was settled. */
  treeFile(modelId: bigint, epochId: bigint): Promise<string | undefined>;
};

const PER_MINUTE = 600;
const STATUS: Record<string, number> = {
  REQUEST_INVALID: 400,
  TOKEN_WRONG: 401,
  RECEIPTS_UNKNOWN: 404,
  RATE_LIMIT: 429,
};

/** Health, metrics and problems of a running daemon, and its proposals' receipts for auditors; listens on loopback. */
export async function serve(
  port: number,
  metrics: Metrics,
  problems: Problems,
  isReady: () => boolean,
  shown: Shown,
): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify();
  app.addHook("onRequest", rateLimit(PER_MINUTE));
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, _, reply) => {
    const isOurs = error instanceof OpenLedgerError;
    const status = (isOurs ? STATUS[error.code] : error.statusCode) ?? 500;
    const message = status < 500 ? error.message : "The operator failed. Try again, and tell him if it lasts.";
    reply.code(status).send({ code: isOurs ? error.code : "FAILED", message });
  });
  app.get("/healthz", async () => ({ ok: true }));
  app.get("/readyz", async (_, reply) => reply.code(isReady() ? 200 : 503).send({ ready: isReady() }));
  app.get("/problems", async () => problems.list());
  app.get("/metrics", async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get<{ Querystring: { model?: string; epoch?: string } }>("/receipts", async ({ query, headers }, reply) => {
    if (shown.token === undefined)
      throw unknown("This operator shows no receipts. Demand leaves with epoch:challenge.");
    requireToken(headers.authorization, shown.token, "auditors");
    const [modelId, epochId] = [integer("model", query.model), integer("epoch", query.epoch)];
    const file = await shown.treeFile(modelId, epochId);
    if (file === undefined) throw unknown(`This operator has no proposal of epoch ${epochId} of model ${modelId}.`);
    return reply.type("application/json").send(createReadStream(file));
  });
  return { app, url: await app.listen({ host: "127.0.0.1", port }) };
}

const unknown = (message: string) => new OpenLedgerError("RECEIPTS_UNKNOWN", message);

function integer(field: string, text: string | undefined): bigint {
  if (text === undefined || !/^\d{1,78}$/.test(text))
    throw new OpenLedgerError("REQUEST_INVALID", `${field} is ${text}; it must be a whole number.`);
  return BigInt(text);
}
