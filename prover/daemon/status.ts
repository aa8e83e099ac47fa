import { join } from "node:path";
import { Wallet } from "ethers";
import { protocol } from "../../sdk/contracts.ts";
import { readKey } from "../../sdk/key.ts";
import { OPERATOR_KEY, type OperatorConfig } from "./config.ts";
import { connect } from "./daemon.ts";
import { lockHolder } from "./lock.ts";
import { epochCount, look, moment, type Sight } from "./look.ts";
import { Models } from "./models.ts";
import type { Problem } from "./problems.ts";
import { ProofStore } from "./proofs.ts";
import { ReceiptsStore } from "./receipts.ts";
import { roleOf } from "./role.ts";

export type Status = { daemon?: { pid: number; url?: string }; epochs: Sight[]; problems: Problem[] };

/** Every epoch as the chain shows it, and what the running daemon, if there is one, has trouble with. */
export async function status(config: OperatorConfig): Promise<Status> {
  const { dataDir, addresses, confirmations } = config;
  const daemon = lockHolder(dataDir);
  const { address: account } = new Wallet(await readKey(OPERATOR_KEY, config.keystore));
  const rpc = connect(config);
  try {
    const contracts = protocol(addresses, rpc);
    const proofs = new ProofStore(join(dataDir, "proofs"));
    const receipts = new ReceiptsStore(join(dataDir, "receipts"));
    const role = await roleOf(contracts, account, rpc, config, proofs, receipts);
    const at = await moment(rpc, confirmations);
    const epochs: Sight[] = [];
    for (const modelId of await new Models(contracts, config).list(at.blockTag)) {
      const count = await epochCount(contracts, modelId, at);
      for (let epochId = 0n; epochId < count; epochId++) epochs.push(await look(contracts, role, modelId, epochId, at));
    }
    const problems = daemon?.url ? ((await (await fetch(`${daemon.url}/problems`)).json()) as Problem[]) : [];
    return { ...(daemon && { daemon }), epochs, problems };
  } finally {
    rpc.destroy();
  }
}
