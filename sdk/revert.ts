import { Interface, isError } from "ethers";
import { abi, CONTRACTS } from "#abi";

let errors: Interface | undefined;

/** All custom errors of the protocol, since a call may fail in a contract that another one called. */
function errorInterface(): Interface {
  errors ??= new Interface(
    CONTRACTS.flatMap((name) =>
      new Interface(abi(name)).fragments.filter((fragment) => fragment.type === "error").map((f) => f.format("full")),
    ),
  );
  return errors;
}

/** Why a call or transaction reverted: the custom error with its arguments, or the plain message. */
export function revertReason(error: unknown): string {
  if (!isError(error, "CALL_EXCEPTION")) return error instanceof Error ? error.message : String(error);
  const parsed = error.data ? errorInterface().parseError(error.data) : null;
  return parsed ? `${parsed.name}(${parsed.args.map(String).join(", ")})` : (error.reason ?? error.shortMessage);
}
