import { payingFetch } from "../../../../openlora/client.ts";
import { Customer, type Ledger } from "../../../../openlora/customer.ts";
import { type Demand, decodePaid, type Paid } from "../../../../openlora/wire.ts";
import { OpenLedgerError } from "../../../../sdk/errors.ts";
import type { Deployment } from "../make/owned.ts";
import type { Own } from "../protocol.ts";
import { eventData } from "../sse.ts";

/** What is asked of a model: a text to go on from, or a conversation to answer. */
export type Ask = { maxTokens: number; temperature: number } & (
  | { prompt: string }
  | { messages: { role: "user" | "assistant"; content: string }[] }
);

const request = ({ gateway, modelId }: Deployment, { maxTokens, ...ask }: Ask): [string, RequestInit] => [
  `${gateway}/v1/${"prompt" in ask ? "completions" : "chat/completions"}`,
  {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: modelId, ...ask, max_tokens: maxTokens, stream: true }),
  },
];

/**
 * The most that a call can cost, as the server counts its tokens.
 * @throws OpenLedgerError with the server's code and words.
 */
export async function priceOf(deployment: Deployment, ask: Ask, signal: AbortSignal) {
  const [url, init] = request(deployment, ask);
  const response = await fetch(url, { ...init, signal });
  const { openledger, error } = (await response.json()) as { openledger?: Record<keyof Demand, string> } & Refusal;
  if (openledger === undefined) throw refusal(response.status, { error });
  return { promptTokens: Number(openledger.promptTokens), fee: BigInt(openledger.fee) };
}

/**
 * Keeps what accounts may owe servers in this browser. A local chain that starts anew is another chain, though its id
 * and addresses are the same.
 */
export const ledgerOf = (genesis: string): Ledger => ({
  getItem: (key) => localStorage.getItem(`${genesis}:${key}`),
  setItem: (key, value) => localStorage.setItem(`${genesis}:${key}`, value),
});

/**
 * Buys one answer by voucher. The receipt it ends with is checked: the server's signature, its commitments to prompt and
 * answer, and the fee.
 * @param maxFee The most it may cost, in token units.
 * @param onText Called with each piece as it comes.
 * @throws OpenLedgerError with the server's code and words, or `RECEIPT_…`.
 */
export async function buy(
  own: Own,
  deployment: Deployment,
  ask: Ask,
  options: { maxFee: bigint; ledger: Ledger; signal: AbortSignal; onText: (piece: string) => void },
): Promise<Paid> {
  const { modelId, server } = deployment;
  const { maxFee, ledger, signal, onText } = options;
  // Each voucher counts on the receipts before it, of the browser's other tabs as well.
  return navigator.locks.request(`openledger.pay:${own.address}:${server}:${modelId}`, { signal }, async () => {
    const customer = await Customer.open(own.protocol, own.signer, BigInt(modelId), server, ledger);
    const [url, init] = request(deployment, ask);
    const response = await payingFetch(customer, maxFee)(url, { ...init, signal });
    if (!response.ok) throw refusal(response.status, (await response.json().catch(() => ({}))) as Refusal);
    let paid: Paid | undefined;
    for await (const data of eventData(response.body!)) {
      if (data === "[DONE]") continue;
      const event = JSON.parse(data) as Chunk & Refusal;
      if (event.error) throw refusal(response.status, event);
      const piece = event.choices?.[0]?.text ?? event.choices?.[0]?.delta?.content;
      if (piece) onText(piece);
      if (event.openledger) paid = decodePaid(event.openledger);
    }
    if (paid === undefined)
      throw new OpenLedgerError("RECEIPT_MISSING", "The answer ended without a receipt. Ask again.");
    return paid;
  });
}

type Chunk = { choices?: { text?: string; delta?: { content?: string } }[]; openledger?: unknown };
type Refusal = { error?: { code: string | null; message: string } | undefined };

const refusal = (status: number, { error }: Refusal) =>
  new OpenLedgerError(
    error?.code ?? "SERVER_ANSWER",
    error?.message.replace(/ \[[A-Z_]+\]$/, "") ?? `The server answered ${status}.`,
  );
