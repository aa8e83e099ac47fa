import { readFileSync } from "node:fs";
import type { InterfaceAbi } from "ethers";
import { OpenLedgerError } from "./errors.ts";

/** Source of each contract as the compiler names it, without its ending. */
const SOURCES = {
  operators: "contracts/operators/OperatorRegistry",
  datanets: "contracts/datanet/DatanetRegistry",
  models: "contracts/model/ModelNFT",
  attribution: "contracts/attribution/AttributionRegistry",
  verifier: "contracts/attribution/AttributionVerifier",
  splitter: "contracts/rewards/RewardSplitter",
  escrow: "contracts/rewards/InferenceEscrow",
  committee: "contracts/disputes/Committee",
  disputes: "contracts/disputes/EpochDisputes",
  judge: "contracts/disputes/ReceiptJudge",
  sketchDisputes: "contracts/disputes/SketchDisputes",
  pauses: "contracts/access/PauseSwitch",
  manager: "@openzeppelin/contracts/access/manager/AccessManager",
  token: "contracts/mocks/TestToken",
};

export type ContractName = keyof typeof SOURCES;

/** Names of all contracts that the protocol is made of, and of the token that local chains have. */
export const CONTRACTS = Object.keys(SOURCES) as ContractName[];

/** A contract's name in its source. */
export const contractName = (name: ContractName): string => SOURCES[name].split("/").at(-1)!;

/** A contract's source and name, as compilers and explorers give them. */
export const qualifiedName = (name: ContractName): string => `${SOURCES[name]}.sol:${contractName(name)}`;

/**
 * ABI of one of these contracts, from the compiler's output. Browsers get theirs bundled (abi.browser.ts).
 * @throws OpenLedgerError `CONTRACTS_NOT_BUILT`
 */
export function abi(name: ContractName): InterfaceAbi {
  const path = new URL(`../artifacts/${SOURCES[name]}.sol/${contractName(name)}.json`, import.meta.url);
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { abi: InterfaceAbi }).abi;
  } catch (cause) {
    throw new OpenLedgerError("CONTRACTS_NOT_BUILT", `There is no ${path.pathname}. Run \`npm run build\` first.`, {
      cause,
    });
  }
}
