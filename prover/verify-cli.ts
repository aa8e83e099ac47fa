import { JsonRpcProvider } from "ethers";
import { Command } from "../sdk/command.ts";
import { ContentStore } from "../sdk/content-store.ts";
import { protocol } from "../sdk/contracts.ts";
import { readAddresses } from "../sdk/deployment.ts";
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

const command = new Command("verify");

/** `openledger verify …` @returns exit code */
export const main = (args: string[]): Promise<number> => command.checked(() => verify(args));

async function verify(args: string[]): Promise<number> {
  const { model, epoch, addresses, content, keys, rpc, json, help } = command.parse(args, OPTIONS);
  if (help) {
    console.log(HELP);
    return 0;
  }
  const provider = new JsonRpcProvider(rpc, undefined, { staticNetwork: true });
  try {
    const findings = await verifySettlement(
      protocol(readAddresses(command.required("addresses", addresses)), provider),
      new ContentStore(command.required("content", content)),
      (vkId, rows) => powersUnder(vkId, rows, keys),
      command.id("model", model),
      command.id("epoch", epoch),
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
  } finally {
    provider.destroy();
  }
}
