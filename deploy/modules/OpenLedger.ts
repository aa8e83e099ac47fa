import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { dataSlice, id as ethersId } from "ethers";
import type { Timing } from "../parameters.ts";

/** Roles of the manager. */
export const ROLES = {
  /** All that no other role may do. */
  admin: 0n,
  /** May propose an epoch's V. */
  operator: 1n,
  /** May pause new obligations. */
  guardian: 2n,
};

/** What each role may call. */
export const FUNCTIONS = [
  { role: "operator", contract: "splitter", signature: "propose(uint256,uint256,int128[],uint64,bytes32)" },
  { role: "guardian", contract: "pauses", signature: "setPaused(uint8,bool)" },
] as const;

/** Contracts that may lock and slash bonds; unbound while there is none. */
export const LOCKERS: readonly string[] = [];

/** τ·G2 of the development powers of tau: the registry refuses it on any chain but 31337. */
const DEVELOPMENT_TAU_G2 = [
  19987859454391682094764657237328156653716542965366536973636139696919174237343n,
  7372063709443445172293000051116483379901948584957706342411281774667630194162n,
  172781595879659891860142554132982789272749024824708891439256370562288912863n,
  2964367643524215304777575085074577596235141459149605632169361514054839898391n,
];

const HOUR = 3600;
const DAY = 24 * HOUR;

/** All in seconds; see `Timing` of IRewardSplitter. */
const TIMING: Timing = {
  epochLength: DAY,
  redeemWindow: HOUR,
  proposeWindow: 6 * HOUR,
  challengeWindow: DAY,
  answerWindow: 12 * HOUR,
  disputeWindow: 3 * DAY,
  settleWindow: DAY,
  fallbackWindow: 7 * DAY,
};

/** What a parameter is where it is not given. */
export const DEFAULTS = {
  tauG2: DEVELOPMENT_TAU_G2,
  timing: TIMING,
  tokens: [] as string[],
  thawPeriod: 2 * DAY,
  bondThawPeriod: 7 * DAY,
};

/**
 * The whole protocol. The deployer, account 0, becomes the manager's admin, who registers verifying keys, lists
 * payment tokens and names operators and guardians; the module `Production` hands that over to a multisig.
 */
export default buildModule("OpenLedger", (m) => {
  const admin = m.getAccount(0);
  const operator = m.getParameter("operator", admin);
  const guardian = m.getParameter("guardian", admin);
  const treasury = m.getParameter("treasury", admin);
  const tauG2 = m.getParameter("tauG2", DEFAULTS.tauG2);
  const timing = m.getParameter("timing", DEFAULTS.timing);
  const tokens = m.getParameter("tokens", DEFAULTS.tokens);
  const thawPeriod = m.getParameter("thawPeriod", DEFAULTS.thawPeriod);
  const bondThawPeriod = m.getParameter("bondThawPeriod", DEFAULTS.bondThawPeriod);

  const manager = m.contract("AccessManager", [admin]);
  const pauses = m.contract("PauseSwitch", [manager]);
  const operators = m.contract("OperatorRegistry", [bondThawPeriod, manager]);
  const datanets = m.contract("DatanetRegistry", [pauses]);
  const models = m.contract("ModelNFT", [datanets, pauses]);
  const attribution = m.contract("AttributionRegistry", [datanets, models, tauG2]);
  const verifier = m.contract("AttributionVerifier", [attribution, manager]);
  const splitter = m.contract("RewardSplitter", [
    models,
    attribution,
    verifier,
    pauses,
    treasury,
    thawPeriod,
    timing,
    manager,
  ]);
  const escrow = m.contractAt("InferenceEscrow", m.staticCall(splitter, "escrow"));

  // Key registration needs no call: what no role is set for is the admin's.
  const contracts = { splitter, pauses };
  for (const { role, contract, signature } of FUNCTIONS) {
    const call = [contracts[contract], [dataSlice(ethersId(signature), 0, 4)], ROLES[role]];
    m.call(manager, "setTargetFunctionRole", call, { from: admin, id: `${role}_functions` });
  }
  m.call(manager, "grantRole", [ROLES.operator, operator, 0], { from: admin, id: "operator_grant" });
  m.call(manager, "grantRole", [ROLES.guardian, guardian, 0], { from: admin, id: "guardian_grant" });

  m.call(splitter, "setTokens", [tokens, true], { from: admin });

  return { manager, pauses, operators, datanets, models, attribution, verifier, splitter, escrow };
});
