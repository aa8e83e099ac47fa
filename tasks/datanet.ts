import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Content } from "../sdk/content.ts";
import type { DatanetRegistry } from "../sdk/contracts.ts";
import { contribute as contributeRows, fetchContribution } from "../sdk/datanets.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { readRows } from "../sdk/files.ts";
import { selectRows } from "../sdk/rows.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { datanetOf } from "../sdk/views/datanets.ts";
import { openProtocol, ownProtocol, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, contentOf, type Options } from "./run.ts";

type OfDatanet = Options & { datanet: bigint };
type Create = Options & {
  name: string;
  licence: string;
  description: string;
  reviewer: string | undefined;
  store: string;
};

export const create = action<Create>(async (args, context) => {
  const { name, licence, description } = args;
  const { datanets, account } = await ownProtocol(args, context);
  const reviewer = requireAddress("reviewer", args.reviewer ?? account);
  const cid = description === "" ? "" : await contentOf(args).put(Buffer.from(description));
  const receipt = await mined(datanets.create(reviewer, name, licence, cid));
  const { datanetId } = emitted(datanets, "DatanetCreated", receipt);
  return {
    message: `Created Datanet ${datanetId}.`,
    datanetId,
    owner: account,
    reviewer,
    name,
    licence,
    description: cid,
    transaction: receipt.hash,
  };
});

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
  store: string;
};

export const contribute = action<Contribute>(async (args, context) => {
  const { datanet, folder, extension, heldOut, store } = args;
  requireAtLeast("datanet", datanet, 1);
  requireAtLeast("rows", args.rows, 0);
  if (!(heldOut >= 0 && heldOut < 1))
    throw new OpenLedgerError("FRACTION_INVALID", `heldOut: ${heldOut} is no fraction. Give 0 or more, below 1.`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new OpenLedgerError("FOLDER_MISSING", `folder: there is no folder ${folder}. Name the one with your files.`);
  const { datanets, account } = await ownProtocol(args, context);
  await datanets.datanet(datanet); // refuses an unknown one before anything is stored
  const { train, longLines } = await readRows(folder, extension, args.prefix ?? basename(resolve(folder)), heldOut);
  const rows = args.rows === 0 ? train : selectRows(train, args.rows);
  const { contributionId, receipt } = await contributeRows(datanets, contentOf(args), datanet, rows);
  return {
    message: `Contribution ${contributionId} waits for review.`,
    contributionId,
    datanetId: datanet,
    account,
    rows: rows.length,
    filesWithCutLines: longLines,
    store,
    transaction: receipt.hash,
  };
});

type Review = Options & { contributions: bigint[]; reject: boolean; reason: string | undefined; store: string };

export const review = action<Review>(async (args, context) => {
  const { contributions, reject } = args;
  for (const id of contributions) requireAtLeast("contributions", id, 1);
  if (reject && !args.reason)
    throw new OpenLedgerError("REASON_MISSING", "reason: a rejection is published with its reason. Say why.");
  const { datanets } = await ownProtocol(args, context);
  const checked = await check(datanets, contentOf(args), contributions, reject);
  const reason = args.reason || "content checked";
  const receipt = await mined(datanets.review(contributions, !reject, reason));
  const verdict = reject ? "rejected" : "accepted";
  return { message: `${verdict}: ${contributions.join(", ")}.`, verdict, reason, checked, transaction: receipt.hash };
});

/** Fetches each contribution and holds it against the chain. What is to be rejected may fail that, and is told of. */
async function check(datanets: DatanetRegistry, store: Content, ids: bigint[], reject: boolean) {
  const checked: { contribution: bigint; content: string }[] = [];
  for (const contribution of ids) {
    try {
      const rows = await fetchContribution(datanets, store, contribution);
      checked.push({ contribution, content: `${rows.length} rows, as the chain says` });
    } catch (error) {
      if (!reject || !(error instanceof OpenLedgerError)) throw error;
      checked.push({ contribution, content: error.message });
    }
  }
  return checked;
}

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
