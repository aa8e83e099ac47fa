import Fastify, { type FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import type { Problems } from "./problems.ts";

/** Health, metrics and problems of a running daemon, for this machine only. */
export async function serve(
  port: number,
  metrics: Metrics,
  problems: Problems,
  isReady: () => boolean,
): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify();
  app.get("/healthz", async () => ({ ok: true }));
  app.get("/readyz", async (_, reply) => reply.code(isReady() ? 200 : 503).send({ ready: isReady() }));
  app.get("/problems", async () => problems.list());
  app.get("/metrics", async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return { app, url: await app.listen({ host: "127.0.0.1", port }) };
}
