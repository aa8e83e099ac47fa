import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { dataSlice, id as ethersId } from "ethers";

/** Role that may propose an epoch's V. */
export const OPERATOR_ROLE = 1n;

/** Role that may pause new obligations. */
export const GUARDIAN_ROLE = 2n;

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
const TIMING = {
  epochLength: DAY,
  redeemWindow: HOUR,
  proposeWindow: 6 * HOUR,
  challengeWindow: DAY,
  answerWindow: 12 * HOUR,
  disputeWindow: 3 * DAY,
  settleWindow: DAY,
  fallbackWindow: 7 * DAY,
};

/**
 * The whole protocol. The deployer, account 0, becomes the manager's admin, who registers verifying keys, lists
 * payment tokens, binds lockers and disputes, and names operators and guardians; on public chains he hands that over to a multisig with `grantRole` and `renounceRole`.
 */
export default buildModule("OpenLedger", (m) => {
  const admin = m.getAccount(0);
  const operator = m.getParameter("operator", admin);
  const guardian = m.getParameter("guardian", admin);
  const treasury = m.getParameter("treasury", admin);
  const tauG2 = m.getParameter("tauG2", DEVELOPMENT_TAU_G2);
  const timing = m.getParameter("timing", TIMING);
  const tokens = m.getParameter<string[]>("tokens", []);
  const thawPeriod = m.getParameter("thawPeriod", 2 * DAY);
  const bondThawPeriod = m.getParameter("bondThawPeriod", 7 * DAY);
  const bondFactor = m.getParameter("bondFactor", 10);

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
    operators,
    pauses,
    treasury,
    thawPeriod,
    bondFactor,
    timing,
    manager,
  ]);
  const escrow = m.contractAt("InferenceEscrow", m.staticCall(splitter, "escrow"));

  // Key registration needs no call: what no role is set for is the admin's.
  const receipt = "(address,address,bytes32,uint128,uint64,bytes32,uint256,bytes32[])";
  const propose = `propose(uint256,uint256,int128[],uint64,bytes32,${receipt})`;
  for (const [role, account, contract, signature, id] of [
    [OPERATOR_ROLE, operator, splitter, propose, "operator"],
    [GUARDIAN_ROLE, guardian, pauses, "setPaused(uint8,bool)", "guardian"],
  ] as const) {
    const selector = dataSlice(ethersId(signature), 0, 4);
    m.call(manager, "setTargetFunctionRole", [contract, [selector], role], { from: admin, id: `${id}_functions` });
    m.call(manager, "grantRole", [role, account, 0], { from: admin, id: `${id}_grant` });
  }

  m.call(splitter, "setTokens", [tokens, true], { from: admin });

  return { manager, pauses, operators, datanets, models, attribution, verifier, splitter, escrow };
});
