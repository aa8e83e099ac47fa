import { readFileSync } from "node:fs";
import { formatUnits } from "ethers";
import type { Found } from "../prover/disputes.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { standingProposal, VERDICTS } from "../sdk/disputes.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { decodeTree, type ReceiptsTree } from "../sdk/receipts-tree.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { type DisputeView, disputeOf, disputesOf } from "../sdk/views/disputes.ts";
import { openProtocol, ownProtocol, requireAtLeast } from "./deployment.ts";
import { type OfEpoch, requireEpoch } from "./epoch.ts";
import { action, type Options } from "./run.ts";
import { date } from "./time.ts";

export const list = action<OfEpoch>(async (args, context) => {
  requireEpoch(args);
  const protocol = await openProtocol(args, context);
  const { splitter, disputes, operators } = protocol;
  const e = await splitter.epoch(args.model, args.epoch);
  const { decimals, round, disputes: open, stake, token, proposedAt, settledAt } = e;
  const amount = (value: bigint) => `${formatUnits(value, decimals)} of ${token}`;
  const all = (await disputesOf(protocol, args.model, args.epoch)).map(
    ({ id, kind, outcome, round: of, challenger, bond, target, until }) => ({
      ...{ id, kind, outcome, round: of, challenger },
      bond: formatUnits(bond, decimals),
      target,
      until: date(until),
    }),
  );
  return {
    message:
      all.length === 0
        ? "Nobody disputed this epoch."
        : "Target: the leaf's index; of a sample, a point of all fees; of a report, the hash of its amounts.",
    modelId: args.model,
    epochId: args.epoch,
    round,
    open,
    ...(settledAt !== 0n &&
      stake !== 0n && {
        locksReport: amount(stake),
        reportUntil: date(settledAt + (await operators.thawPeriod())),
      }),
    ...(settledAt === 0n &&
      proposedAt !== 0n && {
        locksDemand: amount(await disputes.demandBond(await standingProposal(splitter, args.model, args.epoch))),
        locksSketch: amount(stake),
        wins: amount(stake - stake / 2n),
      }),
    disputes: all,
  };
});

const SHOWN = ["step", "payer", "weight"] as const;
const KINDS = [...SHOWN, "demand", "sample", "sketch"];

type Own = Awaited<ReturnType<typeof ownProtocol>>;
type Proposal = Awaited<ReturnType<typeof standingProposal>>;

type Challenge = OfEpoch & {
  kind: string;
  tree: string | undefined;
  index: bigint;
  sketches: string | undefined;
  evidence: string | undefined;
  keys: string;
};

export const challenge = action<Challenge>(async (args, context) => {
  requireEpoch(args);
  if (!KINDS.includes(args.kind))
    throw new OpenLedgerError("KIND_UNKNOWN", `kind: there is no ${args.kind}. Choose one of ${KINDS.join(", ")}.`);
  const own = await ownProtocol(args, context);
  const proposal = await standingProposal(own.splitter, args.model, args.epoch);
  const found = SHOWN.some((kind) => kind === args.kind) ? await search(args, own) : undefined;
  const index = found?.fault.index ?? Number(args.index);
  const receipt = await (found ? found.send(own.account) : open(args, own, proposal));
  const message = found
    ? "The proposal is rejected, and half of its stake is yours: withdraw the credit from the operator registry."
    : "The dispute is open. `epoch:disputes` shows until when.";
  return {
    message,
    modelId: args.model,
    epochId: args.epoch,
    round: proposal.round,
    kind: args.kind,
    index,
    ...(found?.fault.kind === "step" && { fault: found.fault.fault }),
    ...(found?.fault.kind === "payer" && { server: found.fault.server, customer: found.fault.customer }),
    transaction: receipt.hash,
  };
});

/** Opens a dispute that the contract cannot decide at once. */
async function open(args: Challenge, { disputes, sender }: Own, proposal: Proposal) {
  const { kind, index } = args;
  if (kind === "demand") return mined(disputes.demand(proposal, index));
  if (kind === "sketch") return mined(disputes.challengeSketch(proposal, index, requireEvidence(args)));
  const drawn = await disputes.queryFilter(disputes.filters.SampleDrawn(proposal.modelId, proposal.epochId));
  const isDrawn = drawn.some((event) => event.args.round === proposal.round);
  return sender.sendAll([
    ...(isDrawn ? [] : [await disputes.drawSample.populateTransaction(proposal)]),
    await disputes.demandSample.populateTransaction(proposal, index),
  ]);
}

/**
 * A dispute that a task names.
 * @throws OpenLedgerError `DISPUTE_UNKNOWN`
 */
export async function readDispute(protocol: Protocol, id: bigint): Promise<DisputeView> {
  requireAtLeast("dispute", id, 1);
  const one = await disputeOf(protocol, id);
  if (one === undefined)
    throw new OpenLedgerError("DISPUTE_UNKNOWN", `dispute: there is no ${id}. \`epoch:disputes\` lists them.`);
  return one;
}

/** What a task says of a dispute that is over. */
export const endedBefore = ({ id: dispute, modelId, epochId, kind, outcome }: DisputeView) => ({
  message: "It ended before, nothing sent.",
  ...{ dispute, modelId, epochId, kind, outcome },
});

/** Whatever ends the dispute as it stands; anyone may send it. */
export const resolve = action<Options & { dispute: bigint }>(async (args, context) => {
  const own = await ownProtocol(args, context);
  const one = await readDispute(own, args.dispute);
  if (one.outcome !== "open") return endedBefore(one);
  const { id, modelId, epochId, kind } = one;
  const receipt = await end(own, one);
  const { outcome } = (await disputeOf(own, id))!;
  const told = { dispute: id, modelId, epochId, kind, outcome, transaction: receipt.hash };
  if (kind !== "report" || outcome !== "upheld") return { message: "Ended.", ...told };
  const { paid, rest } = emitted(own.disputes, "EpochAmended", receipt);
  const { decimals } = await own.splitter.epoch(modelId, epochId);
  const amounts = { paid: formatUnits(paid, decimals), rest: formatUnits(rest, decimals) };
  return {
    message:
      "The epoch is corrected: contributors claim what was paid; the rest is the reporter's and the treasury's credit.",
    ...told,
    ...amounts,
  };
});

async function end(own: Own, { id, modelId, epochId, kind, round: of, caseId }: DisputeView) {
  const { disputes, splitter, committee } = own;
  const { round, proposedAt } = await splitter.epoch(modelId, epochId);
  if (kind !== "report" && (proposedAt === 0n || round !== of)) return mined(disputes.release(id));
  if (kind === "demand" || kind === "sample") return mined(disputes.expire(id));
  if (kind === "report" && VERDICTS[Number(await committee.verdict(caseId))] === "upheld") {
    const { correct } = await import("./report.ts");
    return correct(own, id, modelId, epochId);
  }
  return mined(disputes.resolve(id));
}

/** The fault of the kind that was named, found in the tree of `--tree`, and how to send it. */
async function search(args: Challenge, protocol: Protocol) {
  const { challenge: send, findFault } = await import("../prover/disputes.ts");
  const tree = readTree(args.tree);
  const { weigh, proving } = await readModel(args, protocol);
  const fault = await findFault(protocol, args.model, args.epoch, tree, weigh ?? ownWeights(tree));
  if (fault?.kind !== args.kind)
    throw new OpenLedgerError(
      "DISPUTE_NOT_FOUND",
      `kind: the leaves show ${fault ? `a fault of kind ${fault.kind} at leaf ${fault.index} first` : "nothing that the contract could decide"}. ${advice(args, fault)}`,
    );
  return {
    fault,
    send: async (prover: string) => {
      const { stopProver } = await import("../prover/groth16.ts");
      try {
        return await send(protocol, args.model, args.epoch, tree, fault, prover, proving);
      } finally {
        await stopProver();
      }
    },
  };
}

const advice = ({ kind, sketches }: Challenge, fault: Found | undefined) =>
  fault
    ? `Challenge that: \`epoch:challenge … ${fault.kind}\`.`
    : kind === "weight" && sketches === undefined
      ? "Name the folder of the model's sketches with --sketches, by which weights are checked."
      : sketches === undefined
        ? "Look at its weights (kind weight, with --sketches), and at its sketches."
        : "Only its sketches could still be wrong: rebuild them, and have the committee judge (kind sketch).";

/** Without the model's sketches weights are taken as they are. */
const ownWeights = ({ leaves }: ReceiptsTree) => {
  const weights = new Map(leaves.map(({ receipt }) => [receipt.sketch, receipt.weight]));
  return (sketch: Int8Array) => weights.get(sketch)!;
};

export function readTree(path: string | undefined): ReceiptsTree {
  if (path === undefined)
    throw new OpenLedgerError("TREE_MISSING", "tree: name the file of the proposal's leaves, as the operator gave it.");
  let json: string;
  try {
    json = readFileSync(path, "utf8");
  } catch (cause) {
    throw new OpenLedgerError("TREE_MISSING", `tree: there is no ${path}. Ask the operator for the leaves.`, { cause });
  }
  return decodeTree(json);
}

/** What weights are checked and proven by. */
async function readModel({ model, epoch, sketches: folder, keys }: Challenge, protocol: Protocol) {
  const { commitmentId, vkId } = await protocol.splitter.epoch(model, epoch);
  const { k, rows: count, gRoot } = await protocol.attribution.commitment(commitmentId);
  const read = async () => {
    if (folder === undefined)
      throw new OpenLedgerError(
        "SKETCHES_MISSING",
        "sketches: name the folder of the model's sketches, to prove from.",
      );
    const { readSketches } = await import("./settle.ts");
    return readSketches(folder, Number(k), gRoot);
  };
  const proving = async () => {
    const { registeredAs } = await import("../prover/operator.ts");
    const { provingKey } = await import("../prover/keys.ts");
    const committed = await registeredAs(protocol, commitmentId, await read());
    return { committed, ...(await provingKey(protocol, vkId, Number(count), keys)) };
  };
  if (folder === undefined) return { proving };
  const { readWeigher } = await import("./weigh.ts");
  return { weigh: await readWeigher(protocol, model, epoch, folder), proving };
}

export function requireEvidence({ evidence }: { evidence: string | undefined }): string {
  if (evidence === undefined)
    throw new OpenLedgerError("EVIDENCE_MISSING", "evidence: name the content id of what auditors shall look at.");
  return evidence;
}
