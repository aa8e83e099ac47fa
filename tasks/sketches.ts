import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { formatUnits } from "ethers";
import { type SketchDisputes, sketchDisputes } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import type { RunningSum } from "../sdk/transcript.ts";
import { ownProtocol, requireAtLeast } from "./deployment.ts";
import { action, contentOf, type Options } from "./run.ts";
import { date } from "./time.ts";

type OfModel = Options & { model: bigint };

type Challenge = OfModel & { sums: string | undefined; demand: boolean; store: string };

/**
 * Downloads what a pending registration published, and shows the first wrong row or base weight, or demands a row that is
 * not shown.
 */
export const challenge = action<Challenge>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const own = await ownProtocol(args, context);
  const { findWrongSketch, pendingCommitment } = await import("../prover/sketch-disputes.ts");
  const pending = await pendingCommitment(own, args.model);
  const { id: commitmentId, disputes, commitment } = pending;
  const found = await findWrongSketch(own, pending, contentOf(args), readSums(args.sums));
  const told = { modelId: args.model, commitmentId, rows: commitment.rows };
  if (found === undefined)
    return {
      message: "Every row that is published is right, and so are its sums and all base weights. Nothing sent.",
      ...told,
    };
  const { row } = found;
  const revoked = "The commitment is revoked, and its owner's bond is credited to you: `operator:withdraw --credit`.";
  if (found.kind === "row") {
    const { hash } = await mined(disputes.challengeRow(commitmentId, found.step));
    return { message: revoked, ...told, row, fault: found.fault, transaction: hash };
  }
  if (found.kind === "border") {
    const { contributor, at } = found;
    const { hash } = await mined(disputes.challengeBorder(commitmentId, contributor, at.sum, at.length, at.proof));
    return { message: revoked, ...told, row, contributor, fault: "base weights", transaction: hash };
  }
  const { demandBond } = await disputes.activation();
  const locks = `${formatUnits(demandBond, 18)} of ${(await disputes.trial(commitmentId)).token}`;
  const { until } = await disputes.demand(commitmentId, row);
  if (until !== 0n)
    return { message: `${found.why}. Row ${row} is demanded, until ${date(until)}; nothing sent.`, ...told, row };
  if (!args.demand)
    throw new OpenLedgerError(
      "ROW_DEMAND",
      `demand: ${found.why}. Add --demand to demand row ${row}, which locks ${locks} of your bond until it is shown, or to have the commitment revoked.`,
    );
  const { hash } = await mined(disputes.demandRow(commitmentId, row));
  const then = (await disputes.demand(commitmentId, row)).until;
  const message = `Demanded, until ${date(then)}. If it is not shown, \`model:resolve\` revokes the commitment; if it is, run this again.`;
  return { message, ...told, row, why: found.why, locked: locks, transaction: hash };
});

type Answer = OfModel & { store: string; every: number };

/** Shows every row of the signer's registration that is demanded; with `every`, until it is active. */
export const answer = action<Answer>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  if (args.every < 0) throw new OpenLedgerError("EVERY_RANGE", "every: give seconds from 1, or 0 to look once.");
  const own = await ownProtocol(args, context);
  const { pendingCommitment, registeredSteps } = await import("../prover/sketch-disputes.ts");
  const pending = await pendingCommitment(own, args.model);
  const { id: commitmentId, disputes } = pending;
  let steps: Awaited<ReturnType<typeof registeredSteps>> | undefined;
  const stepsOf = async () => {
    steps ??= await registeredSteps(own, pending, contentOf(args));
    return steps;
  };

  /** @returns the rows that were shown, and the last transaction */
  async function show() {
    const rows = (await openDemands(disputes, commitmentId)).map(({ row }) => row);
    if (rows.length === 0) return { rows };
    const step = await stepsOf();
    const calls = rows.map((row) => disputes.answerRow.populateTransaction(commitmentId, step(Number(row))));
    return { rows, transaction: (await own.sender.sendAll(await Promise.all(calls))).hash };
  }

  const told = { modelId: args.model, commitmentId };
  if (args.every === 0) {
    const shown = await show();
    if (shown.rows.length === 0) return { message: "No row is demanded, nothing sent.", ...told, ...shown };
    return { message: "Shown. The demanders' bonds are credited to the owner.", ...told, ...shown };
  }
  if (args.dryRun || args.propose)
    throw new OpenLedgerError(
      "EVERY_PLAN",
      "every: what will be demanded cannot be planned. Leave it out, or the plan.",
    );
  await stepsOf(); // says now, not at the first demand, that the store has other rows
  const rows: bigint[] = [];
  const say = (line: string) => args.json || console.log(line);
  while (!(await disputes.isActive(commitmentId))) {
    if (await disputes.isRevoked(commitmentId))
      throw new OpenLedgerError("MODEL_REVOKED", "model: its commitment was revoked. Its sketches need a new release.");
    try {
      const shown = await show();
      rows.push(...shown.rows);
      if (shown.rows.length > 0) say(`Shown: row ${shown.rows.join(", ")}.`);
    } catch (error) {
      say(`Not shown, to be tried again in ${args.every} s: ${(error as Error).message}`);
    }
    await pause(args.every * 1000);
  }
  const { bond } = await disputes.trial(commitmentId);
  if (bond > 0n) await mined(disputes.releaseBond(commitmentId));
  return { message: "The commitment is active, and its owner's bond free.", ...told, rows };
});

/** Ends what is over: demands that nobody answered, and the bond of a commitment that is active. */
export const resolve = action<OfModel>(async (args, context) => {
  requireAtLeast("model", args.model, 1);
  const own = await ownProtocol(args, context);
  const disputes = await sketchDisputes(own);
  const registered = await own.attribution.queryFilter(own.attribution.filters.CommitmentRegistered(args.model));
  const { timestamp } = (await context.provider.getBlock("latest"))!;
  const ended: { commitmentId: string; what: string }[] = [];
  const calls = [];
  for (const { commitmentId } of registered.map((event) => event.args)) {
    const { revoked, bond } = await disputes.trial(commitmentId);
    for (const { row, until } of await openDemands(disputes, commitmentId))
      if (revoked || until < timestamp) {
        calls.push(await disputes.expire.populateTransaction(commitmentId, row));
        ended.push({ commitmentId, what: `demand of row ${row}` });
      }
    if (bond > 0n && (await disputes.isActive(commitmentId))) {
      calls.push(await disputes.releaseBond.populateTransaction(commitmentId));
      ended.push({ commitmentId, what: "bond of the owner" });
    }
  }
  if (calls.length === 0) return { message: "Nothing is over, nothing sent.", modelId: args.model };
  const { hash } = await own.sender.sendAll(calls);
  return { message: "Ended.", modelId: args.model, transaction: hash, ended };
});

/** Demands of a commitment's rows that were neither answered nor ended. */
async function openDemands(disputes: SketchDisputes, commitmentId: string) {
  const demanded = await disputes.queryFilter(disputes.filters.RowDemanded(commitmentId));
  const all = await Promise.all(
    demanded.map(async ({ args: { row } }) => ({ row, until: (await disputes.demand(commitmentId, row)).until })),
  );
  return all.filter(({ until }) => until !== 0n);
}

/** P_0, N_0 … P_N, N_N as a list of pairs of decimal texts. */
function readSums(path: string | undefined): RunningSum[] | undefined {
  if (path === undefined) return undefined;
  if (!existsSync(path)) throw new OpenLedgerError("SUMS_INVALID", `sums: there is no ${path}. Name another file.`);
  try {
    const pairs = JSON.parse(readFileSync(path, "utf8")) as [string, string][];
    return pairs.map(([sum, length]) => ({ sum: BigInt(sum), length: BigInt(length) }));
  } catch (cause) {
    throw new OpenLedgerError(
      "SUMS_INVALID",
      `sums: ${path} is no JSON list of pairs of decimal texts. Name another file.`,
      {
        cause,
      },
    );
  }
}
