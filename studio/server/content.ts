import type { FastifyInstance } from "fastify";
import { refuse } from "../../openlora/openai.ts";
import type { Content } from "../../sdk/content.ts";

const LIMIT = 16 * 1024 * 1024; // bytes
/** CIDs of version 1 in base32, which are all that the store hands out; they are safe as file names. */
const CID = /^b[a-z2-7]{40,80}$/;

/** The content store: rows of contributions, manifests, adapters. */
export function contentRoutes(app: FastifyInstance, store: Content): void {
  app.register(async (scope) => {
    scope.addContentTypeParser(
      "application/octet-stream",
      { parseAs: "buffer", bodyLimit: LIMIT },
      async (_: unknown, bytes: Buffer) => bytes,
    );
    scope.post("/api/content", { bodyLimit: LIMIT }, async ({ body }) => {
      if (!(body instanceof Uint8Array)) throw refuse("body", "must be application/octet-stream");
      return { id: await store.put(new Uint8Array(body)) };
    });
    scope.get<{ Params: { id: string } }>("/api/content/:id", async ({ params: { id } }, reply) => {
      if (!CID.test(id)) throw refuse("id", "must be a content id");
      return reply.type("application/octet-stream").send(Buffer.from(await store.get(id)));
    });
  });
}
