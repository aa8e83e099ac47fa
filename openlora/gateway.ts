import { randomInt } from "node:crypto";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { OpenLedgerError } from "../sdk/errors.ts";
import { callFee } from "../sdk/fees.ts";
import { rateLimit, requireToken } from "../sdk/http.ts";
import { encodeAttributed } from "../sdk/receipts.ts";
import { chatPromptIds, promptIds } from "../trainer/examples.ts";
import type { Release } from "./adapters.ts";
import type { Catalog } from "./catalog.ts";
import type { Decoded, LlamaEngine } from "./engine.ts";
import { type Completion, type Meter, VoucherTooSmall } from "./meter.ts";
import { type Ask, parseChat, parseCompletion, shapeOf } from "./openai.ts";
import { TextStream } from "./text.ts";
import { type Demand, decodeVoucher, plain, SIGNATURE_HEADER, VOUCHER_HEADER } from "./wire.ts";

export type GatewayOptions = {
  engine: LlamaEngine;
  catalog: Pick<Catalog, "add" | "find" | "list">;
  /** Bearer token of the routes that only the server's owner and the operator may use. */
  operatorToken: string;
  /** Query sketches of served calls, for their records. */
  sketch: (release: Release, calls: Completion[]) => Promise<Int8Array[]>;
  /** Requests one address may send in a minute. Default 600. */
  perMinute?: number;
};

const BODY_LIMIT = 1024 * 1024; // bytes
const STATUS: [RegExp, number, string][] = [
  [/^(VOUCHER|SIGNATURE)_/, 402, "payment_required"],
  [/^MODEL_UNKNOWN$/, 404, "invalid_request_error"],
  [
    /^(REQUEST|CHAT_TEMPLATE|ENGINE_TOO_LONG|MODEL_(BASE|MANIFEST|ADAPTER)|CONTENT|TRAINER_ADAPTER)/,
    400,
    "invalid_request_error",
  ],
  [/^TOKEN_WRONG$/, 401, "authentication_error"],
  [/^RATE_LIMIT$/, 429, "rate_limit_error"],
  [/^(ENGINE_BUSY|MODEL_CLOSED)$/, 503, "server_error"],
];

/** The HTTP door: OpenAI's routes, paid by voucher, and the operator's. Nothing is logged, prompts least of all. */
export function createGateway(options: GatewayOptions): FastifyInstance {
  const { catalog, operatorToken, sketch } = options;
  const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true });
  const started = Math.floor(Date.now() / 1000);
  app.addHook("onRequest", rateLimit(options.perMinute ?? 600));
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, _, reply) => fail(reply, error));
  app.setNotFoundHandler((request) => {
    throw new OpenLedgerError("REQUEST_ROUTE", `There is no ${request.method} ${request.url.split("?")[0]}.`);
  });

  app.get("/v1/models", async () => ({
    object: "list",
    data: catalog.list().map(({ modelId, releases: { current } }) => ({
      id: String(modelId),
      object: "model",
      created: started,
      owned_by: "openledger",
      name: current.manifest.name,
      adapter: current.manifest.adapter.hash,
      release: Number(current.number),
    })),
  }));
  app.post("/v1/completions", (request, reply) => answer(options, parseCompletion(request.body), request, reply));
  app.post("/v1/chat/completions", (request, reply) => answer(options, parseChat(request.body), request, reply));

  app.post<{ Querystring: { model?: string } }>("/openledger/models", async ({ query, headers }) => {
    requireToken(headers.authorization, operatorToken, "operator");
    const { modelId, releases } = await catalog.add(integer("model", query.model));
    return { model: String(modelId), name: releases.current.manifest.name };
  });

  type Epoch = { Querystring: { model?: string; epoch?: string } };
  app.get<Epoch>("/openledger/quote", async ({ query }) => plain(await catalog.find(query.model).meter.quote()));
  app.get<Epoch>("/openledger/records", async ({ query, headers }, reply) => {
    requireToken(headers.authorization, operatorToken, "operator");
    const model = catalog.find(query.model);
    const epochId = integer("epoch", query.epoch);
    const records = await model.meter.records(epochId, async (calls) =>
      sketch(await model.releases.of(epochId), calls),
    );
    return reply.type("application/json").send(encodeAttributed(records));
  });
  app.post<Epoch>("/openledger/redeem", async ({ query, headers }) => {
    requireToken(headers.authorization, operatorToken, "operator");
    return { redeemed: String(await catalog.find(query.model).meter.redeem(integer("epoch", query.epoch))) };
  });
  return app;
}

/** Serves one paid request, whole or as server-sent events. */
async function answer({ engine, catalog }: GatewayOptions, ask: Ask, request: FastifyRequest, reply: FastifyReply) {
  const model = catalog.find(ask.model);
  const { tokenizer, config } = engine.base;
  const { maxTokens } = ask;
  if (maxTokens >= config.context)
    throw new OpenLedgerError("REQUEST_MAX_TOKENS", `max_tokens is ${maxTokens}; it must be below ${config.context}.`);
  const limit = config.context + 1 - maxTokens;
  const prompt = ask.chat ? chatPromptIds(tokenizer, ask.prompt, limit) : promptIds(tokenizer, ask.prompt, limit);
  const { voucher, signature } = await payment(model.meter, request, prompt.length, maxTokens);

  const gone = new AbortController();
  reply.raw.on("close", () => gone.abort());
  const shape = shapeOf(ask);
  const event = (data: unknown) => reply.raw.write(`data: ${JSON.stringify(data)}\n\n`);
  let decoded: Decoded | undefined;
  try {
    const paid = await model.meter.serve(voucher, signature, prompt.length, maxTokens, async () => {
      const text = new TextStream(tokenizer, (piece, first) => event(shape.delta(piece, first)));
      const release = await model.releases.of(voucher.epochId);
      catalog.find(ask.model); // an adapter that was asked for by its hash may have been succeeded just now
      decoded = await engine.decode({
        adapter: release.gguf,
        promptIds: prompt,
        maxTokens,
        temperature: ask.temperature,
        seed: ask.seed ?? randomInt(2 ** 31),
        signal: gone.signal,
        onToken(id) {
          if (!ask.stream) return;
          if (!reply.sent) {
            reply.hijack();
            reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
          }
          text.next(id);
        },
      });
      if (decoded.ids.length === 0)
        throw new OpenLedgerError("REQUEST_CANCELLED", "The client left before the first token. Nothing is charged.");
      if (ask.stream && !gone.signal.aborted) text.end();
      return { promptIds: prompt, completionIds: decoded.ids };
    });
    const { ids, finish } = decoded!;
    const reason = finish === "length" ? "length" : "stop";
    const usage = {
      prompt_tokens: prompt.length,
      completion_tokens: ids.length,
      total_tokens: prompt.length + ids.length,
    };
    if (!ask.stream) return { ...shape.whole(tokenizer.decode(ids), reason), usage, openledger: plain(paid) };
    event({ ...shape.end(reason), openledger: plain(paid) });
    if (ask.usage) event({ ...shape.end(reason), choices: [], usage });
    reply.raw.end("data: [DONE]\n\n");
  } catch (error) {
    if (!reply.sent) throw error;
    event({ error: describe(error as Error).error }); // the status is out already
    reply.raw.end();
  }
}

/** The voucher of a request; without one, says what to sign. */
async function payment(meter: Meter, { headers }: FastifyRequest, promptTokens: number, maxTokens: number) {
  const [voucher, signature] = [headers[VOUCHER_HEADER], headers[SIGNATURE_HEADER]];
  if (typeof voucher === "string" && typeof signature === "string")
    return { voucher: decodeVoucher(voucher), signature };
  const quote = await meter.quote();
  const fee = callFee(quote, promptTokens, maxTokens);
  throw new PaymentRequired({ ...quote, promptTokens, maxTokens, fee });
}

class PaymentRequired extends OpenLedgerError {
  readonly demand: Demand;

  constructor(demand: Demand) {
    const { server, modelId, epochId, token, fee, deadline } = demand;
    super(
      "VOUCHER_MISSING",
      `Sign a voucher for server ${server}, model ${modelId}, epoch ${epochId}, token ${token}, deadline ${deadline} or later, ` +
        `and cumulative ${fee} above what this server has charged you in this epoch; send it in ${VOUCHER_HEADER} and ${SIGNATURE_HEADER}.`,
    );
    this.demand = demand;
  }
}

function integer(name: string, text: string | undefined): bigint {
  if (!/^\d{1,77}$/.test(text ?? ""))
    throw new OpenLedgerError(`REQUEST_${name.toUpperCase()}`, `${name} is ${text}; it must be a whole number.`);
  return BigInt(text!);
}

/** An error as OpenAI's clients read it. What is not ours tells nothing of the inside. */
function describe(error: Error & { code?: string; statusCode?: number }) {
  if (error instanceof OpenLedgerError) {
    const [, status, type] = STATUS.find(([code]) => code.test(error.code)) ?? [0, 500, "server_error"];
    return { status, error: { message: error.message, type, param: null, code: error.code } };
  }
  const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
  const message = status < 500 ? error.message : "The server failed. Try again, and tell its owner if it lasts.";
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { status, error: { message, type, param: null, code: error.code ?? null } };
}

function fail(reply: FastifyReply, failure: Error) {
  const { status, error } = describe(failure);
  if (status === 429) reply.header("retry-after", 60);
  if (status === 503) reply.header("retry-after", 1);
  return reply.status(status).send({ error, ...details(failure) });
}

/** What a paying client needs to go on. */
function details(failure: Error) {
  if (failure instanceof PaymentRequired) return { openledger: plain(failure.demand) };
  // Only who signed the refused voucher gets here, and this one is his own, too.
  if (failure instanceof VoucherTooSmall && failure.last) return { openledger: plain(failure.last) };
  return {};
}
