import proxy from "@fastify/http-proxy";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { describeError, OpenLedgerError } from "../../sdk/errors.ts";
import { contentRoutes } from "./content.ts";
import { guard } from "./guard.ts";
import { jobRoutes } from "./jobs/routes.ts";
import { modelRoutes } from "./models.ts";
import { stackRoutes } from "./stack.ts";
import type { Studio } from "./studio.ts";
import { serveWeb } from "./web.ts";

const BODY_LIMIT = 1024 * 1024; // bytes
const STATUS: [RegExp, number][] = [
  [/_UNKNOWN$|^CONTENT_MISSING$|^REQUEST_ROUTE$/, 404],
  [/_FOREIGN$/, 403],
  [/^RATE_LIMIT$|^JOB_QUEUE_FULL$|^ENGINE_BUSY$/, 429],
  [/^HUB_UNREACHABLE$/, 502],
  [/^(REQUEST|TRAINER|GGUF|HUB)_/, 400],
  [/^(JOB|MODEL|CONTRIBUTION|ENGINE|SKETCH)_/, 409],
];

/** Everything the Studio answers: its API, the chain and the processes behind it, and the pages. */
export async function createApp(studio: Studio, web: string | undefined): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true });
  guard(app);
  app.setErrorHandler((error, _, reply) => fail(reply, error));
  stackRoutes(app, studio);
  contentRoutes(app, studio.stack.content);
  jobRoutes(app, studio);
  modelRoutes(app, studio);

  const { chain } = studio.stack;
  await app.register(proxy, { upstream: chain.url, prefix: "/rpc", rewritePrefix: "/" });
  await pass(app, "/openlora/:server", ({ server }) => studio.deployments.gateway(Number(server)));
  await pass(app, "/operator", () => studio.deployments.operator);
  await serveWeb(app, web);
  return app;
}

/** Passes what stands below `prefix` on to a child process, streaming; 503 while it does not answer. */
async function pass(
  app: FastifyInstance,
  prefix: string,
  upstream: (parameters: Record<string, string>) => string | undefined,
): Promise<void> {
  const getUpstream = ({ params }: { params?: unknown }) => {
    const url = upstream(params as Record<string, string>);
    if (url === undefined)
      throw new OpenLedgerError("STUDIO_CHILD", "This process does not run. GET /api/stack shows what is wrong.");
    return url;
  };
  await app.register(proxy, {
    upstream: "",
    prefix,
    rewritePrefix: "",
    // An answer may take as long as it takes.
    undici: { headersTimeout: 0, bodyTimeout: 0 },
    replyOptions: { getUpstream },
  });
}

/** An error as the pages read it. What is not ours tells nothing of the inside. */
function fail(reply: FastifyReply, error: unknown) {
  if (error instanceof OpenLedgerError) {
    const status = STATUS.find(([code]) => code.test(error.code))?.[1] ?? 503;
    return reply.status(status).send({ error: describeError(error) });
  }
  const { statusCode = 500, code, message } = error as Error & { statusCode?: number; code?: string };
  if (code === "UND_ERR_ABORTED") return reply; // the page has left
  if (statusCode < 500) return reply.status(statusCode).send({ error: { code: code ?? "REQUEST", message } });
  console.error(error);
  const words = "The Studio failed. Its terminal shows why; try again.";
  return reply.status(500).send({ error: { code: "INTERNAL", message: words } });
}
