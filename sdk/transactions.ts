import type { BaseContract, ContractTransactionReceipt, ContractTransactionResponse, Result } from "ethers";
import { OpenLedgerError } from "./errors.ts";

/** Waits until a transaction is in a block. */
export async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  const receipt = await (await sent).wait();
  if (receipt === null)
    throw new OpenLedgerError("TRANSACTION_DROPPED", "The transaction was replaced. Send it again.");
  return receipt;
}

/** Arguments of the first event `name` that `contract` emitted in a transaction. */
export function emitted(contract: BaseContract, name: string, receipt: ContractTransactionReceipt): Result {
  for (const log of receipt.logs) {
    const event = contract.interface.parseLog(log);
    if (event?.name === name) return event.args;
  }
  throw new OpenLedgerError(
    "TRANSACTION_EVENT",
    `Transaction ${receipt.hash} has no event ${name}. Check that the addresses belong to one deployment.`,
  );
}
