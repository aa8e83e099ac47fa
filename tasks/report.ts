import { formatUnits, keccak256, parseUnits, solidityPacked } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { earningsOf } from "../sdk/history.ts";
import { emitted, mined } from "../sdk/transactions.ts";
import { disputesOf } from "../sdk/views/disputes.ts";
import { ownProtocol } from "./deployment.ts";
import { requireEvidence } from "./dispute.ts";
import { type OfEpoch, requireEpoch } from "./epoch.ts";
import { action } from "./run.ts";

type Report = OfEpoch & { extra: string; evidence: string | undefined };

export const report = action<Report>(async (args, context) => {
  requireEpoch(args);
  const { model, epoch } = args;
  const own = await ownProtocol(args, context);
  const { commitmentId, decimals, stake, token, settledAt } = await own.splitter.epoch(model, epoch);
  if (settledAt === 0n)
    throw new OpenLedgerError(
      "EPOCH_NOT_SETTLED",
      `epoch: ${epoch} of model ${model} is not settled. Challenge its proposal with \`epoch:challenge\`.`,
    );
  const { contributors } = await own.attribution.commitment(commitmentId);
  const extra = parseExtra(args.extra, Number(decimals), Number(contributors));
  const target = BigInt(keccak256(solidityPacked(["uint256[]"], [extra])));
  const told = { modelId: model, epochId: epoch, extra: extra.map((amount) => formatUnits(amount, decimals)).join() };
  const same = (await disputesOf(own, model, epoch)).find(
    (one) => one.outcome === "open" && one.challenger === own.account && one.target === target,
  );
  if (same) return { message: "You reported this before, nothing sent.", ...told, dispute: same.id, case: same.caseId };
  const receipt = await mined(own.disputes.report(model, epoch, requireEvidence(args), extra));
  const { id, caseId } = emitted(own.disputes, "DisputeOpened", receipt);
  return {
    message:
      "The committee judges it: `committee:show`. Once it is over, `epoch:resolve` corrects the epoch or ends the report.",
    ...told,
    dispute: id,
    case: caseId,
    locked: `${formatUnits(stake, decimals)} of ${token}`,
    transaction: receipt.hash,
  };
});

/** An amount a contributor, in tokens. */
function parseExtra(text: string, decimals: number, contributors: number): bigint[] {
  const invalid = (what: string) =>
    new OpenLedgerError(
      "EXTRA_INVALID",
      `extra: ${what}. Give what each of the ${contributors} contributors should have had on top, in tokens and in the order of \`epoch:show\`, such as 1.5,0,2.`,
    );
  const amounts = text.split(",").map((one) => {
    if (!/^\d+(\.\d+)?$/.test(one.trim())) throw invalid(`${one} is no amount`);
    try {
      return parseUnits(one.trim(), decimals);
    } catch {
      throw invalid(`${one} has more than ${decimals} decimal places`);
    }
  });
  if (amounts.length !== contributors) throw invalid(`it has ${amounts.length} amounts`);
  if (amounts.every((amount) => amount === 0n)) throw invalid("nobody gets anything");
  return amounts;
}

/** Pays what an upheld report says. */
export async function correct({ disputes, splitter }: Protocol, id: bigint, modelId: bigint, epochId: bigint) {
  const [reported] = await disputes.queryFilter(disputes.filters.EpochReported(id));
  const { commitmentId } = await splitter.epoch(modelId, epochId);
  return mined(disputes.correct(id, [...reported!.args.extra], await earningsOf(splitter, commitmentId)));
}
