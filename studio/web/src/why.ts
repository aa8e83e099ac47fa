import { isError } from "ethers";
import { OpenLedgerError } from "../../../sdk/errors.ts";
import { revertReason } from "../../../sdk/revert.ts";

/** Why something failed, in words for people. */
export function why(error: unknown): string {
  if (error instanceof OpenLedgerError) return error.message;
  if (isError(error, "ACTION_REJECTED")) return "The wallet refused. Nothing was sent.";
  const reason = revertReason(error);
  return reason ? `The contract refused: ${reason}.` : ((error as Error).message ?? String(error));
}
