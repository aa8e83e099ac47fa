import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { ZeroAddress } from "ethers";
import { checkContributions } from "../sdk/checks/datanet.ts";
import { objection, parseChecks } from "../sdk/checks/rows.ts";
import { contentId } from "../sdk/content.ts";
import type { DatanetRegistry } from "../sdk/contracts.ts";
import { storeRows } from "../sdk/datanets.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readRows } from "../sdk/files.ts";
import { encodeContribution, selectRows } from "../sdk/rows.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { contributionsOf, datanetIds, datanetOf, POLICY, STATUS } from "../sdk/views/datanets.ts";
import { checkContent, failed, told } from "./data-checks.ts";
import { openProtocol, ownProtocol, requireAddress, requireAddresses, requireAtLeast } from "./deployment.ts";
import { action, type Context, contentOf, type Options } from "./run.ts";
import { approvals, openToken } from "./token.ts";

export type OfDatanet = Options & { datanet: bigint };
type Create = Options & {
  name: string;
  licence: string;
  description: string;
  policy: string;
  reviewers: string | undefined;
  noTraining: boolean;
  shareAlike: boolean;
  bond: string;
  token: string | undefined;
  beneficiary: string | undefined;
  slashable: string;
  store: string;
};

/** An equal Datanet of the same owner is not made twice. */
export const create = action<Create>(async (args, context) => {
  const { name, licence, description } = args;
  const { datanets, account } = await ownProtocol(args, context);
  const policy = (POLICY as readonly string[]).indexOf(args.policy);
  if (policy === -1)
    throw new OpenLedgerError("POLICY_UNKNOWN", `policy: there is no ${args.policy}. Choose ${POLICY.join(", ")}.`);
  const named = requireAddresses("reviewers", args.reviewers);
  const reviewers = named.length === 0 && args.policy === "reviewed" ? [account] : named;
  const settings = {
    name,
    licence,
    metadataCid: description === "" ? "" : await contentOf(args).put(Buffer.from(description)),
    policy: BigInt(policy),
    aiTraining: !args.noTraining,
    shareAlike: args.shareAlike,
    bond: await bondOf(args, context),
  };
  const made = { owner: account, reviewers, ...settings, policy: args.policy, description: settings.metadataCid };
  const { metadataCid: _, ...shown } = made;
  const known = await sameDatanet(datanets, account, settings);
  if (known !== undefined)
    return { message: `Datanet ${known} is the same, nothing sent.`, datanetId: known, ...shown };
  const receipt = await mined(datanets.createWith(settings, reviewers));
  const { datanetId } = emitted(datanets, "DatanetCreated", receipt);
  return { message: `Created Datanet ${datanetId}.`, datanetId, ...shown, transaction: receipt.hash };
});

/** `Settings` of IDatanetRegistry. */
type Settings = {
  name: string;
  licence: string;
  metadataCid: string;
  policy: bigint;
  aiTraining: boolean;
  shareAlike: boolean;
  bond: { token: string; amount: bigint; beneficiary: string; slashable: bigint };
};

/** The owner's Datanet with exactly these settings, if there is one. */
async function sameDatanet(datanets: DatanetRegistry, owner: string, settings: Settings) {
  const key = ({ name, licence, metadataCid, policy, aiTraining, shareAlike, bond }: Settings) => {
    const { token, amount, beneficiary, slashable } = bond;
    return [name, licence, metadataCid, policy, aiTraining, shareAlike, token, amount, beneficiary, slashable].join();
  };
  for (const id of await datanetIds(datanets, owner))
    if (key((await datanets.datanet(id)).settings) === key(settings)) return id;
  return undefined;
}

/** The bond that contributions put down; all zero where there is none. */
async function bondOf(args: Create, context: Context) {
  if (args.bond === "0") return { token: ZeroAddress, amount: 0n, beneficiary: ZeroAddress, slashable: 0n };
  const token = await openToken(args, context);
  const codes = args.slashable === "" ? [] : args.slashable.split(",").map(requireCode);
  return {
    token: token.address,
    amount: token.units("bond", args.bond),
    beneficiary: args.beneficiary === undefined ? ZeroAddress : requireAddress("beneficiary", args.beneficiary),
    slashable: codes.reduce((bits, code) => bits | (1n << BigInt(code)), 0n),
  };
}

/** @throws OpenLedgerError `CODE_INVALID` */
export function requireCode(text: string | number): number {
  const code = Number(text);
  if (Number.isInteger(code) && code >= 0 && code < 256) return code;
  throw new OpenLedgerError(
    "CODE_INVALID",
    `code: ${text} is no reason code. Give a number below 256, as docs/contracts/DatanetRegistry.md lists them.`,
  );
}

export const show = action<OfDatanet>(async (args, context) => {
  requireAtLeast("datanet", args.datanet, 1);
  const { datanets } = await openProtocol(args, context);
  const { metadataCid, contributions, versions, ...of } = await datanetOf(datanets, args.datanet);
  return {
    ...of,
    description: metadataCid,
    contributions: contributions.map(({ reason: _, ...contribution }) => contribution),
    versions: versions.map(({ version, contributionIds, hash }) => ({
      version,
      contributions: contributionIds.join(", "),
      hash,
    })),
  };
});

type Contribute = OfDatanet & {
  folder: string;
  extension: string;
  prefix: string | undefined;
  heldOut: number;
  rows: number;
  drop: string;
  allow: string;
  store: string;
};

/**
 * Rows with findings of `--drop` are left out; rows that the checks refuse, and too many copies, are not sent unless `--allow`
 * names the check. The same rows of the same account are not submitted twice, unless they were rejected or withdrawn.
 */
export const contribute = action<Contribute>(async (args, context) => {
  const { datanet, folder, extension, heldOut, store } = args;
  requireAtLeast("datanet", datanet, 1);
  requireAtLeast("rows", args.rows, 0);
  const [drop, allow] = [parseChecks("drop", args.drop), parseChecks("allow", args.allow)];
  if (!(heldOut >= 0 && heldOut < 1))
    throw new OpenLedgerError("FRACTION_INVALID", `heldOut: ${heldOut} is no fraction. Give 0 or more, below 1.`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new OpenLedgerError("FOLDER_MISSING", `folder: there is no folder ${folder}. Name the one with your files.`);
  const { datanets, account, sender, addresses } = await ownProtocol(args, context);
  const { settings } = await datanets.datanet(datanet); // refuses an unknown one before anything is stored
  const { train, longLines } = await readRows(folder, extension, args.prefix ?? basename(resolve(folder)), heldOut);
  const cut = args.rows === 0 ? train : selectRows(train, args.rows);
  const cutCid = await contentId(encodeContribution(cut));
  const own = (await contributionsOf(datanets, datanet)).filter(
    (one) => one.account === account && (one.status === "pending" || one.status === "accepted"),
  );
  const known = own.find(({ cid }) => cid === cutCid);
  if (known)
    return {
      message: `Contribution ${known.id} has these rows, nothing sent.`,
      contributionId: known.id,
      ...{ datanetId: datanet, account, rows: cut.length, filesWithCutLines: longLines, store },
    };

  const { checks, missing } = await checkContributions(datanets, contentOf(args), datanet, []);
  const flagged = new Set(
    checks
      .check({ id: undefined, rows: cut })
      .filter(({ check }) => drop.includes(check))
      .map(({ row }) => row),
  );
  const rows = cut.filter((_, index) => !flagged.has(index));
  const findings = checks.check({ id: undefined, rows });
  const found = {
    ...{
      datanetId: datanet,
      account,
      rows: rows.length,
      droppedRows: flagged.size,
      filesWithCutLines: longLines,
      store,
    },
    ...(missing.length > 0 && { notCompared: missing }),
    ...told(findings, args),
  };
  if (rows.length === 0)
    return { ...found, failure: failed("--drop leaves no row.", "Add other files, or drop fewer.") };
  const against = objection({ id: undefined, rows }, findings, allow);
  if (against)
    return {
      ...found,
      failure: failed(against, "Or leave such rows out by --drop, or send them by --allow, and name the check."),
    };
  const { cid, rowRoot } = await storeRows(contentOf(args), rows);
  const { amount } = settings.bond;
  const receipt = await sender.sendAll([
    ...(amount === 0n
      ? []
      : await approvals(
          await openToken({ ...args, token: settings.bond.token }, context),
          account,
          addresses.datanets,
          amount,
        )),
    await datanets.contribute.populateTransaction(datanet, cid, rows.length, rowRoot),
  ]);
  const { contributionId } = emitted(datanets, "ContributionSubmitted", receipt);
  return {
    message: `Contribution ${contributionId} ${settings.policy === 0n ? "waits for review" : "is accepted"}.`,
    contributionId,
    ...found,
    transaction: receipt.hash,
  };
});

type Review = Options & {
  contributions: bigint[];
  reject: boolean;
  reason: string | undefined;
  code: number;
  allow: string;
  store: string;
};

/** Accepts nothing that the checks object to, unless `--allow` names the check. */
export const review = action<Review>(async (args, context) => {
  const { contributions, reject } = args;
  const code = requireCode(args.code);
  const allow = parseChecks("allow", args.allow);
  for (const id of contributions) requireAtLeast("contributions", id, 1);
  if (reject && !args.reason && code === 0)
    throw new OpenLedgerError("REASON_MISSING", "reason: a rejection is published with its reason. Say why.");
  if (args.reason && code !== 0)
    throw new OpenLedgerError("REASON_TWICE", "reason: a code stands for the reason. Leave one of them out.");
  const { datanets } = await ownProtocol(args, context);
  const { checked, findings, objections, notCompared } = await checkContent(
    datanets,
    contentOf(args),
    contributions,
    reject,
    allow,
  );
  const found = { checked, ...(notCompared.length > 0 && { notCompared }), ...told(findings, args) };
  if (!reject && objections.length > 0)
    return {
      ...found,
      failure: failed(objections.join(" "), "Reject them, or accept by --allow and the names of the checks."),
    };
  const reason = args.reason || "content checked";
  const decisions = contributions.map((contributionId) => ({ contributionId, accept: !reject, code }));
  const receipt = await mined(
    code === 0 ? datanets.review(contributions, !reject, reason) : datanets.decide(decisions),
  );
  const verdict = reject ? "rejected" : "accepted";
  return {
    message: `${verdict}: ${contributions.join(", ")}.`,
    verdict,
    ...(code === 0 ? { reason } : { code }),
    ...found,
    transaction: receipt.hash,
  };
});

/** What became of contributions, in their order. */
export const statesOf = (datanets: DatanetRegistry, ids: bigint[]) =>
  Promise.all(ids.map(async (id) => STATUS[Number((await datanets.contribution(id)).status)]));

export const freeze = action<OfDatanet>(async (args, context) => {
  requireAtLeast("datanet", args.datanet, 1);
  const { datanets } = await ownProtocol(args, context);
  const receipt = await mined(datanets.freeze(args.datanet));
  const { version, versionHash, contributionIds } = emitted(datanets, "VersionFrozen", receipt);
  return {
    message: `Froze version ${version} of Datanet ${args.datanet}.`,
    datanetId: args.datanet,
    version,
    versionHash,
    contributionIds: [...contributionIds],
    transaction: receipt.hash,
  };
});

export const withdraw = action<Options & { contributions: bigint[]; code: number }>(async (args, context) => {
  const code = requireCode(args.code);
  for (const id of args.contributions) requireAtLeast("contributions", id, 1);
  const { datanets } = await ownProtocol(args, context);
  const states = await statesOf(datanets, args.contributions);
  const standing = args.contributions.filter((_, i) => states[i] !== "withdrawn");
  const told = { contributions: args.contributions, code };
  if (standing.length === 0) return { message: "They were withdrawn before, nothing sent.", ...told };
  const receipt = await mined(datanets.withdraw(standing, code));
  return {
    message: "Withdrawn: no later version has them. What they earn in models of earlier ones stays theirs.",
    ...told,
    transaction: receipt.hash,
  };
});

type Members = OfDatanet & { add: string | undefined; remove: string | undefined };

/** The accounts of `--add` that are not in yet, and of `--remove` that are. */
async function changesOf({ add, remove }: Members, isIn: (account: string) => Promise<boolean>) {
  const outside: string[] = [];
  const inside: string[] = [];
  for (const account of requireAddresses("add", add)) if (!(await isIn(account))) outside.push(account);
  for (const account of requireAddresses("remove", remove)) if (await isIn(account)) inside.push(account);
  return { outside, inside };
}

export const reviewers = action<Members>(async (args, context) => {
  const { datanet } = args;
  requireAtLeast("datanet", datanet, 1);
  const { datanets, sender } = await ownProtocol(args, context);
  await datanets.datanet(datanet);
  const { outside, inside } = await changesOf(args, (account) => datanets.isReviewer(datanet, account));
  const calls = [
    ...(outside.length > 0 ? [await datanets.setReviewers.populateTransaction(datanet, outside, true)] : []),
    ...(inside.length > 0 ? [await datanets.setReviewers.populateTransaction(datanet, inside, false)] : []),
  ];
  const sent = calls.length > 0 ? { transaction: (await sender.sendAll(calls)).hash } : { message: "Nothing sent." };
  return { datanetId: datanet, reviewers: [...(await datanets.reviewers(datanet))], ...sent };
});

export const allow = action<Members>(async (args, context) => {
  const { datanet } = args;
  requireAtLeast("datanet", datanet, 1);
  const { datanets, sender } = await ownProtocol(args, context);
  const { settings } = await datanets.datanet(datanet);
  if (POLICY[Number(settings.policy)] !== "allow-listed")
    throw new OpenLedgerError(
      "DATANET_OPEN",
      `datanet: Datanet ${datanet} has no list of accounts; its policy never changes.`,
    );
  const { outside, inside } = await changesOf(args, (account) => datanets.mayContribute(datanet, account));
  const calls = [
    ...(outside.length > 0 ? [await datanets.setAllowed.populateTransaction(datanet, outside, true)] : []),
    ...(inside.length > 0 ? [await datanets.setAllowed.populateTransaction(datanet, inside, false)] : []),
  ];
  const sent = calls.length > 0 ? { transaction: (await sender.sendAll(calls)).hash } : { message: "Nothing sent." };
  const changed = await datanets.queryFilter(datanets.filters.AllowedSet(datanet));
  const accounts = [...new Set(changed.map(({ args: { account } }) => account))];
  const allowed: string[] = [];
  for (const account of accounts) if (await datanets.mayContribute(datanet, account)) allowed.push(account);
  return { datanetId: datanet, allowed, ...sent };
});

export const bonds = action<Options & { token: string | undefined; for: string | undefined }>(async (args, context) => {
  const own = await ownProtocol(args, context);
  const token = await openToken(args, context);
  const account = requireAddress("for", args.for ?? own.account);
  const released = await own.datanets.bonds(token.address, account);
  const told = { account, token: token.address, amount: token.words(released) };
  if (released === 0n) return { message: "No released bonds, nothing sent.", ...told };
  const receipt = await mined(own.datanets.withdrawBonds(token.address, account));
  return { message: `Paid released bonds to ${account}.`, ...told, transaction: receipt.hash };
});
