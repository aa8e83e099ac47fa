import { readFileSync } from "node:fs";
import type { InterfaceAbi } from "ethers";
import { OpenLedgerError } from "./errors.ts";

/** Path of a contract under `contracts/`, without its ending. */
const SOURCES = {
  operators: "operators/OperatorRegistry",
  datanets: "datanet/DatanetRegistry",
  models: "model/ModelNFT",
  attribution: "attribution/AttributionRegistry",
  verifier: "attribution/AttributionVerifier",
  splitter: "rewards/RewardSplitter",
  escrow: "rewards/InferenceEscrow",
  committee: "disputes/Committee",
  disputes: "disputes/EpochDisputes",
  judge: "disputes/ReceiptJudge",
  pauses: "access/PauseSwitch",
  sketchDisputes: "disputes/SketchDisputes",
  token: "mocks/TestToken",
};

export type ContractName = keyof typeof SOURCES;

/** Names of the protocol's contracts. */
export const CONTRACTS = Object.keys(SOURCES) as ContractName[];

/**
 * ABI of one of our contracts, from the compiler's output. Browsers get theirs bundled (abi.browser.ts).
 * @throws OpenLedgerError `CONTRACTS_NOT_BUILT`
 */
export function abi(name: ContractName): InterfaceAbi {
  const source = SOURCES[name];
  const path = new URL(`../artifacts/contracts/${source}.sol/${source.split("/")[1]}.json`, import.meta.url);
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new OpenLedgerError("CONTRACTS_NOT_BUILT", `There is no ${path.pathname}. Run \`npm run build\` first.`, {
      cause,
    });
  }
}
