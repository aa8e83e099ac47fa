import { type Content, contentId } from "../../../sdk/content.ts";
import { OpenLedgerError } from "../../../sdk/errors.ts";

/**
 * Asks the Studio's API.
 * @throws OpenLedgerError with the API's code and words.
 */
export async function api<T>(path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: JSON_TYPE };
  return (await (await checked(await fetch(`/api/${path}`, init))).json()) as T;
}

const JSON_TYPE = { "content-type": "application/json" };

/** The answer, if it is a good one. */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string; message: string } };
  throw error
    ? new OpenLedgerError(error.code, error.message.replace(/ \[[A-Z_]+\]$/, ""))
    : new OpenLedgerError("STUDIO_ANSWER", `The Studio answered ${response.status}. Look at its output.`);
}

/** The Studio's content store; what comes back is checked against its id. */
export const content: Content = {
  async put(bytes) {
    const init = {
      method: "POST",
      body: bytes as BufferSource,
      headers: { "content-type": "application/octet-stream" },
    };
    const { id } = (await (await checked(await fetch("/api/content", init))).json()) as { id: string };
    return id;
  },
  async get(id) {
    const bytes = new Uint8Array(await (await checked(await fetch(`/api/content/${id}`))).arrayBuffer());
    if ((await contentId(bytes)) !== id)
      throw new OpenLedgerError("CONTENT_CORRUPT", `The content the Studio gave for ${id} is not that content.`);
    return bytes;
  },
};
