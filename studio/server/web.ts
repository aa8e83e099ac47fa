import files from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { OpenLedgerError } from "../../sdk/errors.ts";

/** Paths that are never a page. */
const NOT_A_PAGE = /^\/(api|rpc|openlora|operator|assets)(\/|$)/;

/** The built pages: an address that is no file is a page of the one-page application. */
export async function serveWeb(app: FastifyInstance, folder: string | undefined): Promise<void> {
  if (folder !== undefined) await app.register(files, { root: folder, wildcard: false });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0]!;
    if (folder !== undefined && request.method === "GET" && !NOT_A_PAGE.test(path)) return reply.sendFile("index.html");
    throw new OpenLedgerError("REQUEST_ROUTE", `There is no ${request.method} ${path}.`);
  });
}
