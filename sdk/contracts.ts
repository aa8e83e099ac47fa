import { readFileSync } from "node:fs";
import { Contract, type ContractRunner, type InterfaceAbi } from "ethers";
import type {
  AttributionRegistry,
  AttributionVerifier,
  DatanetRegistry,
  InferenceEscrow,
  ModelNFT,
  PauseSwitch,
  RewardSplitter,
  TestToken,
} from "../types/ethers-contracts/index.ts";
import { OpenLedgerError } from "./errors.ts";

export type {
  AttributionRegistry,
  AttributionVerifier,
  DatanetRegistry,
  InferenceEscrow,
  ModelNFT,
  PauseSwitch,
  RewardSplitter,
  TestToken,
};

/** The contracts of one deployment. */
type Contracts = {
  datanets: DatanetRegistry;
  models: ModelNFT;
  attribution: AttributionRegistry;
  verifier: AttributionVerifier;
  splitter: RewardSplitter;
  escrow: InferenceEscrow;
};

/** Addresses of one deployment, as `deploy/modules/OpenLedger.ts` returns its contracts. */
export type Addresses = Record<keyof Contracts, string>;

/** One deployment: its contracts as one runner uses them, and their addresses. */
export type Protocol = Contracts & { addresses: Addresses };

/** Path of a contract under `contracts/`, without its ending. */
const SOURCES: Record<keyof Contracts | "pauses" | "token", string> = {
  datanets: "datanet/DatanetRegistry",
  models: "model/ModelNFT",
  attribution: "attribution/AttributionRegistry",
  verifier: "attribution/AttributionVerifier",
  splitter: "rewards/RewardSplitter",
  escrow: "rewards/InferenceEscrow",
  pauses: "access/PauseSwitch",
  token: "mocks/TestToken",
};

/** Names of the protocol's contracts. */
export const CONTRACTS = Object.keys(SOURCES) as (keyof typeof SOURCES)[];

/**
 * ABI of one of our contracts, from the compiler's output.
 * @throws OpenLedgerError `CONTRACTS_NOT_BUILT`
 */
export function abi(name: keyof typeof SOURCES): InterfaceAbi {
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

/**
 * Typed access to a deployment. With a signer as `runner` calls can be sent, with a provider only read.
 * @throws OpenLedgerError `CONTRACTS_NOT_BUILT`
 */
export function protocol(addresses: Addresses, runner: ContractRunner): Protocol {
  const at = <Name extends keyof Contracts>(name: Name) =>
    new Contract(addresses[name], abi(name), runner) as unknown as Contracts[Name];
  return {
    addresses,
    datanets: at("datanets"),
    models: at("models"),
    attribution: at("attribution"),
    verifier: at("verifier"),
    splitter: at("splitter"),
    escrow: at("escrow"),
  };
}

/** The switch that a deployment's splitter names. */
export const pauseSwitch = async ({ splitter }: Protocol): Promise<PauseSwitch> =>
  new Contract(await splitter.pauses(), abi("pauses"), splitter.runner) as unknown as PauseSwitch;

/** An ERC-20 token; `mint` works on local chains' test token only. */
export const token = (address: string, runner: ContractRunner): TestToken =>
  new Contract(address, abi("token"), runner) as unknown as TestToken;
