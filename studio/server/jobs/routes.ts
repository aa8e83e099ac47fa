import type { FastifyInstance, FastifyReply } from "fastify";
import { OpenLedgerError } from "../../../sdk/errors.ts";
import { WEIGHT_FORMATS } from "../../../trainer/packed.ts";
import { PRESETS, type PresetName } from "../../../trainer/presets.ts";
import { Fields } from "../fields.ts";
import { modelIds, registration } from "../models.ts";
import type { Studio } from "../studio.ts";
import type { Job } from "./job.ts";

const MOST_TOKENS = 128;

type ById = { Params: { id: string } };

/** Training jobs: what `studio/server/jobs/job.ts` describes, over HTTP. */
export function jobRoutes(app: FastifyInstance, { stack, bases, jobs, chats }: Studio): void {
  /** Jobs with the models that they were minted as. */
  const shown = async (list: Job[]) => {
    const ids = await modelIds(stack.contracts);
    return list.map((job) => {
      const modelId = ids.get(job.manifestHash ?? "");
      return modelId === undefined ? job : { ...job, modelId };
    });
  };
  const one = async (job: Job) => (await shown([job]))[0];

  app.post("/api/jobs", async ({ body }) => {
    const fields = new Fields(body);
    const [datanetId, version] = [fields.id("datanetId"), fields.id("version")];
    const { rowCounts } = await stack.contracts.datanets
      .versionContributions(datanetId, version)
      .catch((cause: unknown) => {
        const message = `Datanet ${datanetId} has no version ${version}. Freeze one first.`;
        throw new OpenLedgerError("VERSION_UNKNOWN", message, { cause });
      });
    return jobs.create({
      name: fields.text("name", 100),
      datanetId,
      version,
      base: bases.get(fields.text("base", 200)),
      preset: fields.oneOf("preset", Object.keys(PRESETS) as PresetName[]),
      weights: fields.oneOf("weights", WEIGHT_FORMATS, "f32"),
      rows: rowCounts.reduce((sum, count) => sum + Number(count), 0),
      genesis: stack.genesis,
    });
  });
  app.get("/api/jobs", () => shown(jobs.list()));
  app.get<ById>("/api/jobs/:id", ({ params }) => one(jobs.get(params.id)));
  app.post<ById>("/api/jobs/:id/cancel", async ({ params }) => one(await jobs.cancel(params.id)));
  app.get<ById>("/api/jobs/:id/events", async ({ params }, reply) => {
    jobs.get(params.id);
    const send = eventStream(reply);
    reply.raw.once(
      "close",
      jobs.watch(params.id, (job) => send(JSON.stringify(job))),
    );
  });
  app.post<ById>("/api/jobs/:id/registration", async ({ params }) => {
    const job = jobs.get(params.id);
    return registration(stack, job, jobs.folder(job));
  });
  app.post<ById>("/api/jobs/:id/chat", async ({ params, body }, reply) => {
    const job = jobs.get(params.id);
    const fields = new Fields(body);
    const left = new AbortController();
    reply.raw.once("close", () => left.abort());
    let send: ((data: string) => void) | undefined;
    try {
      await chats.answer(job, bases.byHash(job.base.hash), jobs.folder(job), {
        prompt: fields.text("prompt", 10_000),
        maxTokens: fields.integer("maxTokens", 1, MOST_TOKENS),
        temperature: fields.number("temperature", 0, 2, 0),
        which: fields.oneOf("which", ["base", "tuned"]),
        signal: left.signal,
        onText(text) {
          send ??= eventStream(reply);
          send(JSON.stringify({ text }));
        },
      });
    } catch (error) {
      if (send === undefined) throw error;
      reply.raw.end(); // without [DONE]: the answer broke off
      return;
    }
    send ??= eventStream(reply);
    send("[DONE]");
    reply.raw.end();
  });
}

/** Begins an answer of server-sent events. @returns what sends one */
function eventStream(reply: FastifyReply): (data: string) => void {
  reply.hijack();
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  reply.raw.writeHead(200, { ...reply.getHeaders(), ...headers } as Record<string, string>);
  return (data) => void reply.raw.write(`data: ${data}\n\n`);
}
