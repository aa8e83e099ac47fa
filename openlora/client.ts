import type { Voucher } from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import type { Customer } from "./customer.ts";
import { decodePaid, decodeSigned, encodeVoucher, SIGNATURE_HEADER, VOUCHER_HEADER } from "./wire.ts";

type Prices = { inputPrice: bigint; outputPrice: bigint };

/**
 * A `fetch` that pays: a call that the gateway answers with 402 is sent again with a voucher for what it can cost, and
 * its receipt is checked. Give it to any OpenAI client. Paid calls of one customer go one after another, since each
 * voucher counts on the receipts before it.
 * @param maxFee The most that one call may cost, in token units.
 */
export function payingFetch(customer: Customer, maxFee: bigint): typeof fetch {
  let last: Promise<unknown> = Promise.resolve();
  return async (input, init) => {
    const asked = await fetch(input, init);
    if (asked.status !== 402) return asked;
    const turn = Promise.withResolvers<void>();
    const before = last;
    last = turn.promise;
    await before;
    try {
      return await pay(customer, maxFee, asked, (headers) => fetch(input, { ...init, headers }), init, turn.resolve);
    } catch (error) {
      turn.resolve();
      throw error;
    }
  };
}

async function pay(
  customer: Customer,
  maxFee: bigint,
  asked: Response,
  send: (headers: Headers) => Promise<Response>,
  init: RequestInit | undefined,
  done: () => void,
): Promise<Response> {
  const { openledger: demand } = (await asked.json()) as { openledger: Record<string, string> };
  const prices = { inputPrice: BigInt(demand.inputPrice!), outputPrice: BigInt(demand.outputPrice!) };
  if (BigInt(demand.fee!) > maxFee)
    throw new OpenLedgerError("FEE_TOO_HIGH", `The call may cost ${demand.fee}, allowed are ${maxFee}. Ask for less.`);
  for (let attempt = 1; ; attempt++) {
    const signed = await customer.voucher(Number(demand.promptTokens), Number(demand.maxTokens));
    const headers = new Headers(init?.headers);
    headers.set(VOUCHER_HEADER, encodeVoucher(signed.voucher));
    headers.set(SIGNATURE_HEADER, signed.voucherSignature);
    let answer: Response;
    try {
      answer = await send(headers);
    } catch (error) {
      customer.lost(signed.voucher); // it may have been served all the same
      throw error;
    }
    if (answer.ok) {
      const watched = watch(answer.body!, customer, signed.voucher, prices, done);
      return new Response(watched, { status: answer.status, headers: answer.headers });
    }
    customer.refused(signed.voucher);
    if (attempt < ATTEMPTS && (await learns(customer, answer.clone()))) continue;
    done();
    return answer;
  }
}

/** Another program of the same account may sign between two attempts. */
const ATTEMPTS = 3;

/** Whether a refusal shows a voucher by which the customer promised more than he knew of. */
async function learns(customer: Customer, refusal: Response): Promise<boolean> {
  if (refusal.status !== 402) return false;
  try {
    const signed = decodeSigned(((await refusal.json()) as { openledger?: unknown }).openledger);
    return signed !== undefined && (await customer.promised(signed.voucher, signed.signature));
  } catch {
    return false; // the refusal itself says what is wrong
  }
}

/** Passes an answer on, and takes the receipt that its last line carries. */
function watch(
  body: ReadableStream<Uint8Array>,
  customer: Customer,
  voucher: Voucher,
  prices: Prices,
  done: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const settle = () => {
    const line = text.split("\n").find((one) => one.includes('"openledger":'));
    if (line === undefined) customer.lost(voucher);
    else customer.accept(decodePaid(JSON.parse(line.replace(/^data: /, "")).openledger), prices);
    done();
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done: ended } = await reader.read();
        if (value) {
          text += decoder.decode(value, { stream: true });
          controller.enqueue(value);
        }
        if (!ended) return;
        settle();
        controller.close();
      } catch (error) {
        customer.lost(voucher);
        done();
        controller.error(error);
      }
    },
    async cancel(reason) {
      await reader.cancel(reason);
      settle();
    },
  });
}
