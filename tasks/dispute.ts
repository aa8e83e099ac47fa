import { readFileSync } from "node:fs";
import { formatUnits, ZeroAddress } from "ethers";
import type { Found } from "../prover/disputes.ts";
import type { Protocol } from "../sdk/contracts.ts";
import { DISPUTE_KINDS, DISPUTE_OUTCOMES, standingProposal } from "../sdk/disputes.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { decodeTree, type ReceiptsTree } from "../sdk/receipts-tree.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, requireAtLeast } from "./deployment.ts";
import { type OfEpoch, requireEpoch } from "./epoch.ts";
import { action, type Options } from "./run.ts";

export const list = action<OfEpoch>(async (args, context) => {
  requireEpoch(args);
  const { splitter, disputes } = await openProtocol(args, context);
  const { decimals, round, disputes: open, stake, token, proposedAt } = await splitter.epoch(args.model, args.epoch);
  const amount = (value: bigint) => `${formatUnits(value, decimals)} of ${token}`;
  const events = await disputes.queryFilter(disputes.filters.DisputeOpened(undefined, args.model, args.epoch));
  const all = await Promise.all(
    events.map(async ({ args: { id } }) => {
      const one = await disputes.dispute(id);
      return {
        id,
        kind: DISPUTE_KINDS[Number(one.kind)]!,
        outcome: DISPUTE_OUTCOMES[Number(one.outcome)]!,
        round: one.round,
        challenger: one.challenger,
        bond: formatUnits(one.bond, decimals),
        target: one.target,
        until: new Date(Number(one.until) * 1000).toISOString().replace(".000Z", "Z"),
      };
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
    ...(proposedAt !== 0n && {
      locksDemand: amount(await disputes.demandBond(await standingProposal(splitter, args.model, args.epoch))),
      locksSketch: amount(stake),
      wins: amount(stake - stake / 2n),
    }),
    disputes: all,
  };
});

const SHOWN = ["step", "payer", "weight"] as const;
const KINDS = [...SHOWN, "demand", "sketch"];

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
  const receipt = await (found
    ? found.send(own.account)
    : mined(
        args.kind === "demand"
          ? own.disputes.demand(proposal, index)
          : own.disputes.challengeSketch(proposal, index, requireEvidence(args)),
      ));
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

/** Whatever ends the dispute as it stands; anyone may send it. */
export const resolve = action<Options & { dispute: bigint }>(async (args, context) => {
  requireAtLeast("dispute", args.dispute, 1);
  const { disputes, splitter } = await ownProtocol(args, context);
  const one = await disputes.dispute(args.dispute);
  if (one.challenger === ZeroAddress)
    throw new OpenLedgerError(
      "DISPUTE_UNKNOWN",
      `dispute: there is no ${args.dispute}. \`epoch:disputes\` lists them.`,
    );
  const kind = DISPUTE_KINDS[Number(one.kind)]!;
  const outcome = async () => DISPUTE_OUTCOMES[Number((await disputes.dispute(args.dispute)).outcome)]!;
  const told = { dispute: args.dispute, modelId: one.modelId, epochId: one.epochId, kind };
  if ((await outcome()) !== "open")
    return { message: "It ended before, nothing sent.", ...told, outcome: await outcome() };
  const { round, proposedAt } = await splitter.epoch(one.modelId, one.epochId);
  const isRejected = kind !== "report" && (proposedAt === 0n || round !== one.round);
  const receipt = await mined(
    isRejected
      ? disputes.release(args.dispute)
      : kind === "demand" || kind === "sample"
        ? disputes.expire(args.dispute)
        : disputes.resolve(args.dispute),
  );
  return { message: "Ended.", ...told, outcome: await outcome(), transaction: receipt.hash };
});

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

const advice = ({ kind }: Challenge, fault: Found | undefined) =>
  fault
    ? `Challenge that: --kind ${fault.kind}.`
    : kind === "weight"
      ? "Name the folder of the model's sketches with --sketches, by which weights are checked."
      : "Look at its weights (--kind weight) and sketches.";

/** Without the model's sketches weights are taken as they are. */
const ownWeights = ({ leaves }: ReceiptsTree) => {
  const weights = new Map(leaves.map(({ receipt }) => [receipt.sketch, receipt.weight]));
  return (sketch: Int8Array) => weights.get(sketch)!;
};

function readTree(path: string | undefined): ReceiptsTree {
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
  const { k, rows: count, gRoot, m0 } = await protocol.attribution.commitment(commitmentId);
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
  const { movement, queryWeight } = await import("../trainer/attribution/weights.ts");
  const rows = { rows: await read(), k: Number(k) };
  const weigh = (sketch: Int8Array, fee18: bigint) => queryWeight(fee18, movement(rows, sketch), Number(m0));
  return { weigh, proving };
}

function requireEvidence({ evidence }: Challenge): string {
  if (evidence === undefined)
    throw new OpenLedgerError("EVIDENCE_MISSING", "evidence: name the content id of what auditors shall look at.");
  return evidence;
}
