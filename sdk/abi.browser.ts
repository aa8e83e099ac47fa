import type { InterfaceAbi } from "ethers";
import manager from "../artifacts/@openzeppelin/contracts/access/manager/AccessManager.sol/AccessManager.json" with {
  type: "json",
};
import pauses from "../artifacts/contracts/access/PauseSwitch.sol/PauseSwitch.json" with { type: "json" };
import attribution from "../artifacts/contracts/attribution/AttributionRegistry.sol/AttributionRegistry.json" with {
  type: "json",
};
import verifier from "../artifacts/contracts/attribution/AttributionVerifier.sol/AttributionVerifier.json" with {
  type: "json",
};
import datanets from "../artifacts/contracts/datanet/DatanetRegistry.sol/DatanetRegistry.json" with { type: "json" };
import committee from "../artifacts/contracts/disputes/Committee.sol/Committee.json" with { type: "json" };
import disputes from "../artifacts/contracts/disputes/EpochDisputes.sol/EpochDisputes.json" with { type: "json" };
import judge from "../artifacts/contracts/disputes/ReceiptJudge.sol/ReceiptJudge.json" with { type: "json" };
import sketchDisputes from "../artifacts/contracts/disputes/SketchDisputes.sol/SketchDisputes.json" with {
  type: "json",
};
import token from "../artifacts/contracts/mocks/TestToken.sol/TestToken.json" with { type: "json" };
import models from "../artifacts/contracts/model/ModelNFT.sol/ModelNFT.json" with { type: "json" };
import operators from "../artifacts/contracts/operators/OperatorRegistry.sol/OperatorRegistry.json" with {
  type: "json",
};
import escrow from "../artifacts/contracts/rewards/InferenceEscrow.sol/InferenceEscrow.json" with { type: "json" };
import splitter from "../artifacts/contracts/rewards/RewardSplitter.sol/RewardSplitter.json" with { type: "json" };
import type { ContractName } from "./abi.ts";

const ABIS = {
  operators,
  datanets,
  models,
  attribution,
  verifier,
  splitter,
  escrow,
  committee,
  disputes,
  judge,
  sketchDisputes,
  pauses,
  manager,
  token,
};

/** Names of all contracts that the protocol is made of, and of the token that local chains have. */
export const CONTRACTS = Object.keys(ABIS) as ContractName[];

/** ABI of one of these contracts, bundled: browsers read no files. */
export const abi = (name: ContractName): InterfaceAbi => ABIS[name].abi;
