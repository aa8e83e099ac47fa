import { setTimeout as sleep } from "node:timers/promises";
import { OpenLedgerError } from "../sdk/errors.ts";

/** A block explorer that speaks Etherscan's API, as Blockscout's do. */
export type Explorer = { api: string; apiKey: string | undefined; chainId: number; pollSeconds: number };

/** What an explorer compiles again, to show that it is what was deployed. */
export type Sources = {
  address: string;
  /** Source and name, as the compiler's input has them. */
  contract: string;
  /** Standard JSON input of the compiler. */
  input: string;
  compilerVersion: string;
  /** Encoded, in hexadecimal. */
  constructorArguments: string;
};

const TRIES = 100;

/**
 * Submits sources and waits for the explorer's verdict.
 * @returns whether it was verified now, or before
 * @throws OpenLedgerError `EXPLORER_REFUSED`, `EXPLORER_FAILED` or `EXPLORER_SLOW`, in the explorer's words
 */
export async function verifySources(explorer: Explorer, sources: Sources): Promise<"verified" | "verified before"> {
  const args = sources.constructorArguments.replace("0x", "");
  const form = {
    contractaddress: sources.address,
    sourceCode: sources.input,
    codeformat: "solidity-standard-json-input",
    contractname: sources.contract,
    compilerversion: sources.compilerVersion,
    constructorArguements: args, // Etherscan's own spelling; others take the right one
    constructorArguments: args,
  };
  let submitted = await ask(explorer, "verifysourcecode", {}, form);
  // An explorer may not have seen a contract's block yet.
  for (let i = 0; i < TRIES && submitted.words.startsWith("Unable to locate ContractCode"); i++) {
    await sleep(explorer.pollSeconds * 1000);
    submitted = await ask(explorer, "verifysourcecode", {}, form);
  }
  if (isVerifiedBefore(submitted)) return "verified before";
  if (!submitted.ok) throw new OpenLedgerError("EXPLORER_REFUSED", `${sources.contract}: ${submitted.words}.`);
  for (let i = 0; i < TRIES; i++) {
    const status = await ask(explorer, "checkverifystatus", { guid: submitted.words });
    if (isVerifiedBefore(status)) return "verified before";
    if (status.words === "Pass - Verified") return "verified";
    if (!status.words.startsWith("Pending"))
      throw new OpenLedgerError("EXPLORER_FAILED", `${sources.contract}: ${status.words}.`);
    await sleep(explorer.pollSeconds * 1000);
  }
  throw new OpenLedgerError("EXPLORER_SLOW", `${sources.contract}: still pending. Run it again later.`);
}

type Answer = { ok: boolean; words: string };

const isVerifiedBefore = ({ words }: Answer): boolean => /already verified/i.test(words);

async function ask(
  { api, apiKey, chainId }: Explorer,
  action: string,
  query: Record<string, string>,
  form?: Record<string, string>,
): Promise<Answer> {
  const url = new URL(api);
  const asked = { module: "contract", action, chainid: String(chainId), ...(apiKey && { apikey: apiKey }), ...query };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  try {
    const response = await fetch(url, form ? { method: "POST", body: new URLSearchParams(form) } : {});
    const { status, message, result } = (await response.json()) as Record<string, string | null>;
    return { ok: status === "1", words: String(result || message) };
  } catch (cause) {
    // The key is in the address: neither is quoted.
    throw new OpenLedgerError(
      "EXPLORER_UNREACHABLE",
      `api: ${url.origin} does not answer as Etherscan's API does (${(cause as Error).message}). Check the address.`,
    );
  }
}
