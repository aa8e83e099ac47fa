import { OpenLedgerError } from "../../sdk/errors.ts";
import { type AttributedReceipt, decodeAttributed } from "../../sdk/receipts.ts";
import type { ServerConfig } from "./config.ts";

const TIMEOUT_MS = 120_000;

/**
 * Receipts and sketch records of a model's epoch from every server. Signatures are still to be checked.
 * @throws OpenLedgerError `OPERATOR_SERVER`, naming the server.
 */
export async function fetchRecords(
  servers: ServerConfig[],
  modelId: bigint,
  epochId: bigint,
): Promise<AttributedReceipt[]> {
  const answers = await Promise.all(servers.map((server) => fetchFrom(server, modelId, epochId)));
  return answers.flat();
}

async function fetchFrom(
  { url, tokenEnv }: ServerConfig,
  modelId: bigint,
  epochId: bigint,
): Promise<AttributedReceipt[]> {
  const address = new URL(`openledger/records?model=${modelId}&epoch=${epochId}`, `${url.replace(/\/$/, "")}/`);
  const fail = (what: string, cause?: unknown) =>
    new OpenLedgerError("OPERATOR_SERVER", `${address} ${what}`, { cause });
  const token = process.env[tokenEnv];
  if (!token) throw fail(`needs a token. Set ${tokenEnv} to the one its server gave you.`);
  let body: string;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal });
    body = await answer.text();
    if (answer.status === 404 && JSON.parse(body).error?.code === "MODEL_UNKNOWN") return []; // it does not serve it
    if (!answer.ok) throw fail(`answered ${answer.status}: ${body.slice(0, 200)}. Ask the server's operator.`);
  } catch (error) {
    if (error instanceof OpenLedgerError) throw error;
    throw fail("cannot be reached. Check that the server runs; it is asked again.", error);
  }
  return decodeAttributed(body);
}
