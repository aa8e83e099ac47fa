import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { dataSlice, id as ethersId, ZeroAddress } from "ethers";
import type { Activation, Timing } from "../parameters.ts";

/** Roles of the manager. */
export const ROLES = {
  /** All that no other role may do. */
  admin: 0n,
  /** May propose an epoch's V. */
  operator: 1n,
  /** May pause new obligations. */
  guardian: 2n,
  /** Votes in the committee, and demands a proposal's sample. */
  auditor: 3n,
  /** Opens the committee's cases: contracts only. */
  cases: 4n,
};

const RECEIPT = "(address,address,bytes32,uint128,uint64,bytes32,uint256,bytes32[])";

/** What each role may call. */
export const FUNCTIONS = [
  { role: "operator", contract: "splitter", signature: `propose(uint256,uint256,int128[],uint64,bytes32,${RECEIPT})` },
  { role: "guardian", contract: "pauses", signature: "setPaused(uint8,bool)" },
  { role: "auditor", contract: "committee", signature: "commitVote(uint256,bytes32)" },
  { role: "auditor", contract: "disputes", signature: "demandSample((uint256,uint256,uint256),uint256)" },
  { role: "cases", contract: "committee", signature: "open(bytes32,string)" },
] as const;

/** Contracts that may lock and slash bonds, once and for ever. */
export const LOCKERS = ["splitter", "committee", "disputes", "sketchDisputes"] as const;

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

/** Seconds, and bonds with 18 decimals; see `Activation` of ISketchDisputes. */
const ACTIVATION: Activation = {
  window: DAY,
  answerWindow: 12 * HOUR,
  registrationBond: 100n * 10n ** 18n,
  demandBond: 10n ** 18n,
};

/** What a parameter is where it is not given. */
export const DEFAULTS = {
  tauG2: DEVELOPMENT_TAU_G2,
  timing: TIMING,
  activation: ACTIVATION,
  tokens: [] as string[],
  thawPeriod: 2 * DAY,
  bondThawPeriod: 7 * DAY,
  bondFactor: 10,
  auditorBond: 0n as number | bigint,
  commitPeriod: DAY,
  revealPeriod: DAY,
  quorum: 3,
  demandBps: 1000,
};

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];
type Argument = NonNullable<Parameters<Builder["call"]>[2]>[number];

/**
 * The whole protocol. The deployer, account 0, becomes the manager's admin, who registers verifying keys, lists
 * payment tokens and names operators, guardians and auditors; the module `Production` hands that over to a multisig.
 * @param bondToken what auditors' bonds are in
 * @returns the contracts, and the call from which on bonds are taken
 */
export const openLedger = (m: Builder, bondToken: Argument) => {
  const admin = m.getAccount(0);
  const operator = m.getParameter("operator", admin);
  const guardian = m.getParameter("guardian", admin);
  const auditor = m.getParameter("auditor", admin);
  const treasury = m.getParameter("treasury", admin);
  const tauG2 = m.getParameter("tauG2", DEFAULTS.tauG2);
  const timing = m.getParameter("timing", DEFAULTS.timing);
  const activation = m.getParameter("activation", DEFAULTS.activation);
  const tokens = m.getParameter("tokens", DEFAULTS.tokens);
  const thawPeriod = m.getParameter("thawPeriod", DEFAULTS.thawPeriod);
  const bondThawPeriod = m.getParameter("bondThawPeriod", DEFAULTS.bondThawPeriod);
  const bondFactor = m.getParameter("bondFactor", DEFAULTS.bondFactor);
  const auditorBond = m.getParameter("auditorBond", DEFAULTS.auditorBond);
  const commitPeriod = m.getParameter("commitPeriod", DEFAULTS.commitPeriod);
  const revealPeriod = m.getParameter("revealPeriod", DEFAULTS.revealPeriod);
  const quorum = m.getParameter("quorum", DEFAULTS.quorum);
  const demandBps = m.getParameter("demandBps", DEFAULTS.demandBps);

  const manager = m.contract("AccessManager", [admin]);
  const pauses = m.contract("PauseSwitch", [manager]);
  const operators = m.contract("OperatorRegistry", [bondThawPeriod, manager]);
  const datanets = m.contract("DatanetRegistry", [pauses]);
  const models = m.contract("ModelNFT", [datanets, pauses]);
  const attribution = m.contract("AttributionRegistry", [datanets, models, tauG2, operators, activation]);
  const sketchDisputes = m.contractAt("SketchDisputes", m.staticCall(attribution, "DISPUTES"));
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

  const committee = m.contract("Committee", [
    operators,
    bondToken,
    auditorBond,
    commitPeriod,
    revealPeriod,
    quorum,
    manager,
  ]);
  const disputes = m.contract("EpochDisputes", [splitter, committee, demandBps, manager]);

  const judge = m.contractAt("ReceiptJudge", m.staticCall(disputes, "judge"));

  const core = { manager, pauses, operators, datanets, models, attribution, verifier, splitter, escrow };
  const contracts = { ...core, committee, disputes, judge, sketchDisputes };
  const bound = m.call(operators, "bindLockers", [LOCKERS.map((name) => contracts[name])], { from: admin });
  m.call(splitter, "bindDisputes", [disputes], { from: admin });

  // Key registration needs no call: what no role is set for is the admin's.
  for (const { role, contract, signature } of FUNCTIONS) {
    const call = [contracts[contract], [dataSlice(ethersId(signature), 0, 4)], ROLES[role]];
    m.call(manager, "setTargetFunctionRole", call, { from: admin, id: `${role}_${contract}` });
  }
  for (const [role, holder] of Object.entries({ operator, guardian, auditor, cases: disputes }))
    m.call(manager, "grantRole", [ROLES[role as keyof typeof ROLES], holder, 0], { from: admin, id: `${role}_grant` });

  m.call(splitter, "setTokens", [tokens, true], { from: admin });

  return { contracts, bound };
};

export default buildModule("OpenLedger", (m) => openLedger(m, m.getParameter("bondToken", ZeroAddress)).contracts);
