import { existsSync, readFileSync } from "node:fs";
import type { Receipts } from "../prover/daemon/receipts.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { type AttributedReceipt, decodeAttributed } from "../sdk/receipts.ts";
import { ReceiptsTree } from "../sdk/receipts-tree.ts";
import { ownProtocol } from "./deployment.ts";
import { endedBefore, readDispute, readTree } from "./dispute.ts";
import { type OfEpoch, requireEpoch } from "./epoch.ts";
import { action, type Options } from "./run.ts";

/** Where the receipts of proposals by hand are, or are told to be. */
type Given = { tree: string | undefined; records: string | undefined; receipts: string };
type Propose = OfEpoch & Given & { sketches: string | undefined };

/** As the daemon proposes: what answers demands is on disk before anything is sent. */
export const propose = action<Propose>(async (args, context) => {
  requireEpoch(args);
  const { model, epoch } = args;
  const own = await ownProtocol(args, context);
  const { commitmentId } = await own.splitter.epoch(model, epoch);
  const k = Number((await own.attribution.commitment(commitmentId)).k);
  const { receipts, unpaid } = await collect(args, own, k);
  const { tree } = receipts;
  const { proposedAt, receiptsRoot } = await own.splitter.epoch(model, epoch);
  const told = {
    modelId: model,
    epochId: epoch,
    receipts: tree.leaves.length,
    receiptsRoot: tree.root,
    ...(unpaid > 0 && { unpaid }),
  };
  if (proposedAt !== 0n && receiptsRoot === tree.root)
    return { message: "It was proposed before, nothing sent.", ...told };
  const { ReceiptsStore } = await import("../prover/daemon/receipts.ts");
  const { proposeTree } = await import("../prover/operator.ts");
  if (!args.dryRun) new ReceiptsStore(args.receipts).save(receipts);
  const { hash } = await proposeTree(own, model, epoch, tree, k);
  const { round, proposer } = await own.splitter.epoch(model, epoch);
  const message = `Proposed. Answer demands (\`epoch:disputes\` lists them, \`epoch:answer\`) from ${args.receipts}: an unanswered one costs the stake.`;
  return { message, ...told, round, proposer, transaction: hash };
});

/** The receipts to propose: from servers' records, weighed by the model's sketches, or as a tree has them. */
async function collect(args: Propose, own: Protocol, k: number): Promise<{ receipts: Receipts; unpaid: number }> {
  const records = readRecords(args.records);
  if (args.tree !== undefined) {
    const tree = readTree(args.tree);
    const receipts = tree.leaves.map(({ receipt }) => receipt);
    if (ReceiptsTree.of(receipts, new Map(), k).root !== tree.root)
      throw new OpenLedgerError(
        "TREE_WRONG",
        "tree: its leaves are not in order, or their sums are wrong. Whoever proposes it loses the stake: make it anew from --records.",
      );
    return { receipts: { tree, records }, unpaid: 0 };
  }
  if (args.records === undefined)
    throw new OpenLedgerError(
      "RECORDS_MISSING",
      "records: name the files of the servers' records (GET /openledger/records), or a tree with --tree.",
    );
  if (args.sketches === undefined)
    throw new OpenLedgerError("SKETCHES_MISSING", "sketches: name the folder of the model's sketches, to weigh by.");
  const { model, epoch } = args;
  const { weighReceipts } = await import("../prover/receipts.ts");
  const { readWeigher } = await import("./weigh.ts");
  const weigh = await readWeigher(own, model, epoch, args.sketches);
  const { receipts, records: byId, unpaid } = await weighReceipts(own, model, epoch, records, weigh);
  return { receipts: { tree: ReceiptsTree.of(receipts, byId, k), records }, unpaid };
}

type Answer = Options & Given & { dispute: bigint };

/** A demand that the daemon answers by itself, where it runs. */
export const answer = action<Answer>(async (args, context) => {
  const own = await ownProtocol(args, context);
  const one = await readDispute(own, args.dispute);
  if (one.kind !== "demand" && one.kind !== "sample")
    throw new OpenLedgerError(
      "DISPUTE_NO_DEMAND",
      `dispute: ${args.dispute} is of kind ${one.kind}. Only demands are answered; \`epoch:resolve\` ends others.`,
    );
  if (one.outcome !== "open") return endedBefore(one);
  const { answerDemand, requireTree } = await import("../prover/disputes.ts");
  const { receiptsRoot } = await own.splitter.epoch(one.modelId, one.epochId);
  const { tree, records } = await keptFor(args, receiptsRoot);
  await requireTree(own, one.modelId, one.epochId, tree);
  const { hash } = await answerDemand(own, one, tree, records);
  const { id: dispute, modelId, epochId, kind } = one;
  return {
    message: "Answered. The demander's bond is credited to the operator.",
    ...{ dispute, modelId, epochId, kind },
    index: one.kind === "sample" ? tree.at(one.target) : one.target,
    transaction: hash,
  };
});

/** The receipts of a proposal as they were kept, or as files name them. */
async function keptFor({ tree, records, receipts: folder }: Given, root: string): Promise<Receipts> {
  const { ReceiptsStore } = await import("../prover/daemon/receipts.ts");
  if (tree !== undefined) return { tree: readTree(tree), records: readRecords(records) };
  const kept = new ReceiptsStore(folder).load(root);
  if (kept === undefined)
    throw new OpenLedgerError(
      "RECEIPTS_MISSING",
      `receipts: there is no ${folder}/${root}. Name the folder that they were kept in (the daemon's: operator-data/receipts), or give --tree and --records.`,
    );
  return { tree: kept.tree, records: [...kept.records, ...readRecords(records)] };
}

function readRecords(list: string | undefined): AttributedReceipt[] {
  return (list?.split(",") ?? []).flatMap((path) => {
    if (!existsSync(path))
      throw new OpenLedgerError("RECORDS_MISSING", `records: there is no ${path}. Ask the server for its records.`);
    return decodeAttributed(readFileSync(path, "utf8"));
  });
}
