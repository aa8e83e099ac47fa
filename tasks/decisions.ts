import { readFileSync, writeFileSync } from "node:fs";
import { parseChecks } from "../sdk/checks/rows.ts";
import { chainTime } from "../sdk/clock.ts";
import { type Decision, datanetDomain, signReview } from "../sdk/eip712.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { checkContent, failed, told } from "./data-checks.ts";
import { requireCode, statesOf } from "./datanet.ts";
import { ownProtocol, requireAddress, requireAtLeast } from "./deployment.ts";
import { action, contentOf, type Options } from "./run.ts";

/** What a reviewer hands on, as JSON. */
type Signed = { reviewer: string; decisions: Decision[]; deadline: bigint; signature: string };

type Sign = Options & {
  contributions: bigint[];
  reject: boolean;
  code: number;
  days: number;
  out: string;
  allow: string;
  store: string;
};

/** Nothing is sent, so the reviewer needs no ETH; whoever wants the decision pays for it. */
export const sign = action<Sign>(async (args, context) => {
  const code = requireCode(args.code);
  for (const id of args.contributions) requireAtLeast("contributions", id, 1);
  requireAtLeast("days", args.days, 1);
  const { datanets, account, sender, addresses } = await ownProtocol(args, context);
  for (const id of args.contributions) {
    const { datanetId } = await datanets.contribution(id);
    if (!(await datanets.isReviewer(datanetId, account)))
      throw new OpenLedgerError(
        "REVIEWER_OTHER",
        `account: ${account} is no reviewer of Datanet ${datanetId}. \`datanet:show\` names them.`,
      );
  }
  const { checked, findings, objections } = await checkContent(
    datanets,
    contentOf(args),
    args.contributions,
    args.reject,
    parseChecks("allow", args.allow),
  );
  if (!args.reject && objections.length > 0)
    return {
      checked,
      ...told(findings, args),
      failure: failed(objections.join(" "), "Reject them, or accept by --allow and the names of the checks."),
    };
  const decisions = args.contributions.map((contributionId) => ({ contributionId, accept: !args.reject, code }));
  const deadline = (await chainTime(context.provider)) + BigInt(args.days) * 86_400n;
  const domain = datanetDomain(BigInt(context.chainId), addresses.datanets);
  const signature = await signReview(sender, domain, { decisions, deadline });
  const signed: Signed = { reviewer: account, decisions, deadline, signature };
  writeFileSync(args.out, `${JSON.stringify(signed, (_, v) => (typeof v === "bigint" ? String(v) : v), 2)}\n`);
  return {
    message: `Signed, nothing sent. Anybody can submit it: \`datanet:decide ${args.out}\`.`,
    file: args.out,
    ...signed,
    checked,
    ...told(findings, args),
  };
});

export const decide = action<Options & { file: string }>(async (args, context) => {
  const { reviewer, decisions, deadline, signature } = readSigned(args.file);
  const { datanets } = await ownProtocol(args, context);
  const ids = decisions.map(({ contributionId }) => contributionId);
  const told = { reviewer, decisions };
  if (!(await statesOf(datanets, ids)).includes("pending"))
    return { message: "All of them were decided before, nothing sent.", ...told };
  const receipt = await mined(datanets.decideFor(reviewer, decisions, deadline, signature));
  return { message: "Decided in the reviewer's name.", ...told, transaction: receipt.hash };
});

function readSigned(path: string): Signed {
  try {
    const { reviewer, decisions, deadline, signature } = JSON.parse(readFileSync(path, "utf8"));
    return {
      reviewer: requireAddress("reviewer", reviewer),
      decisions: decisions.map(({ contributionId, accept, code }: Decision) => ({
        contributionId: BigInt(contributionId),
        accept: Boolean(accept),
        code: requireCode(code),
      })),
      deadline: BigInt(deadline),
      signature: String(signature),
    };
  } catch (cause) {
    throw new OpenLedgerError(
      "DECISIONS_INVALID",
      `file: ${path} cannot be used: ${(cause as Error).message}. Name a file that \`datanet:sign-review\` wrote.`,
      { cause },
    );
  }
}
