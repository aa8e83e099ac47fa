import { Contract, type ContractRunner } from "ethers";
import { abi } from "#abi";
import type {
  AccessManager,
  AttributionRegistry,
  AttributionVerifier,
  Committee,
  DatanetRegistry,
  EpochDisputes,
  InferenceEscrow,
  ModelNFT,
  OperatorRegistry,
  PauseSwitch,
  ReceiptJudge,
  RewardSplitter,
  SketchDisputes,
  TestToken,
} from "../types/ethers-contracts/index.ts";

export type {
  AccessManager,
  AttributionRegistry,
  AttributionVerifier,
  Committee,
  DatanetRegistry,
  EpochDisputes,
  InferenceEscrow,
  ModelNFT,
  OperatorRegistry,
  PauseSwitch,
  ReceiptJudge,
  RewardSplitter,
  SketchDisputes,
  TestToken,
};

/** The contracts of one deployment. */
type Contracts = {
  operators: OperatorRegistry;
  datanets: DatanetRegistry;
  models: ModelNFT;
  attribution: AttributionRegistry;
  verifier: AttributionVerifier;
  splitter: RewardSplitter;
  escrow: InferenceEscrow;
  committee: Committee;
  disputes: EpochDisputes;
};

export const CONTRACT_NAMES = [
  "operators",
  "datanets",
  "models",
  "attribution",
  "verifier",
  "splitter",
  "escrow",
  "committee",
  "disputes",
] as const;

/** Addresses of one deployment, as `deploy/modules/OpenLedger.ts` returns its contracts. */
export type Addresses = Record<(typeof CONTRACT_NAMES)[number], string>;

/** One deployment: its contracts as one runner uses them, and their addresses. */
export type Protocol = Contracts & { addresses: Addresses };

/**
 * Typed access to a deployment. With a signer as `runner` calls can be sent, with a provider only read.
 * @throws OpenLedgerError `CONTRACTS_NOT_BUILT`
 */
export function protocol(addresses: Addresses, runner: ContractRunner): Protocol {
  const at = <Name extends keyof Contracts>(name: Name) =>
    new Contract(addresses[name], abi(name), runner) as unknown as Contracts[Name];
  return {
    addresses,
    operators: at("operators"),
    datanets: at("datanets"),
    models: at("models"),
    attribution: at("attribution"),
    verifier: at("verifier"),
    splitter: at("splitter"),
    escrow: at("escrow"),
    committee: at("committee"),
    disputes: at("disputes"),
  };
}

/** The switch that a deployment's splitter names. */
export const pauseSwitch = async ({ splitter }: Protocol): Promise<PauseSwitch> =>
  new Contract(await splitter.pauses(), abi("pauses"), splitter.runner) as unknown as PauseSwitch;

/** The manager of roles that a deployment's splitter obeys. */
export const accessManager = async ({ splitter }: Protocol): Promise<AccessManager> =>
  new Contract(await splitter.authority(), abi("manager"), splitter.runner) as unknown as AccessManager;

/** The judge that a deployment's disputes ask. */
export const receiptJudge = async ({ disputes }: Protocol): Promise<ReceiptJudge> =>
  new Contract(await disputes.judge(), abi("judge"), disputes.runner) as unknown as ReceiptJudge;

/** The disputes that a deployment's registry of commitments names. */
export const sketchDisputes = async ({ attribution }: Pick<Protocol, "attribution">): Promise<SketchDisputes> =>
  new Contract(await attribution.DISPUTES(), abi("sketchDisputes"), attribution.runner) as unknown as SketchDisputes;

/** An ERC-20 token; `mint` works on local chains' test token only. */
export const token = (address: string, runner: ContractRunner): TestToken =>
  new Contract(address, abi("token"), runner) as unknown as TestToken;
