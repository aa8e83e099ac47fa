import { parseArgs } from "node:util";
import { JsonRpcProvider } from "ethers";
import { ContentStore } from "../sdk/content-store.ts";
import { protocol } from "../sdk/contracts.ts";
import { readAddresses } from "../sdk/deployment.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { findingLine } from "../sdk/findings.ts";
import { commitInThreads } from "./commit.ts";
import { powersUnder } from "./keys.ts";
import { verifySettlement } from "./verify.ts";

export const HELP = `openledger verify: checks a settlement from scratch, from the chain and published content alone

  openledger verify --model ID --epoch ID --addresses deployments/31337.json --content FOLDER

  --rpc URL      of the chain, http://127.0.0.1:8545 unless told
  --keys FOLDER  of exported proving keys, on a chain that takes no development keys
  --json         one line of JSON instead of the report

Ends with 0 if nothing is wrong, with 1 if something is, with 2 if it could not look.`;

const OPTIONS = {
  model: { type: "string" },
  epoch: { type: "string" },
  addresses: { type: "string" },
  content: { type: "string" },
  keys: { type: "string" },
  rpc: { type: "string", default: "http://127.0.0.1:8545" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** `openledger verify …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { model, epoch, addresses, content, keys, rpc, json, help } = values;
  if (help) {
    console.log(HELP);
    return 0;
  }
  const provider = new JsonRpcProvider(rpc, undefined, { staticNetwork: true });
  try {
    const findings = await verifySettlement(
      protocol(readAddresses(required("addresses", addresses)), provider),
      new ContentStore(required("content", content)),
      (vkId, rows) => powersUnder(vkId, rows, keys),
      number("model", model),
      number("epoch", epoch),
      (finding) => {
        if (!json) console.log(findingLine(finding));
      },
      commitInThreads,
    );
    const wrong = findings.filter(({ result }) => result === "WRONG");
    if (json) console.log(JSON.stringify({ ok: wrong.length === 0, findings }));
    else
      console.log(
        wrong.length === 0
          ? `\nEpoch ${epoch} of model ${model} was settled as the rule says.`
          : `\nWRONG: ${wrong.map(({ check }) => check).join(", ")}. Do not rely on this settlement.`,
      );
    return wrong.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof OpenLedgerError)) throw error;
    console.error(error.message);
    return 2;
  } finally {
    provider.destroy();
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new OpenLedgerError("USAGE", `verify needs --${name}. See openledger verify --help.`);
  return value;
}

function number(name: string, value: string | undefined): bigint {
  const text = required(name, value);
  if (!/^\d+$/.test(text)) throw new OpenLedgerError("USAGE", `--${name} must be a whole number, not ${text}.`);
  return BigInt(text);
}
