import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatUnits, hexlify } from "ethers";
import type { Protocol } from "../sdk/contracts.ts";
import { token } from "../sdk/contracts.ts";
import { VERDICTS, type Vote, voteHash } from "../sdk/disputes.ts";
import { OpenLedgerError } from "../sdk/errors.ts";
import { mined } from "../sdk/transactions.ts";
import { openProtocol, ownProtocol, requireAtLeast } from "./deployment.ts";
import { action, type Context, type Options } from "./run.ts";
import { date } from "./time.ts";

type OfCase = Options & { case: bigint };
type OfVote = OfCase & { votes: string };

export const show = action<OfCase>(async (args, context) => {
  const { committee } = await openProtocol(args, context);
  const [opened] = await committee.queryFilter(committee.filters.CaseOpened(args.case));
  if (opened === undefined) throw unknown(args);
  const { subject, evidenceCid, commitUntil, endsAt } = opened.args;
  const committed = await committee.queryFilter(committee.filters.VoteCommitted(args.case));
  const revealed = await committee.queryFilter(committee.filters.VoteRevealed(args.case));
  const [closed] = await committee.queryFilter(committee.filters.CaseClosed(args.case));
  const { timestamp } = (await context.provider.getBlock("latest"))!;
  const now = BigInt(timestamp);
  const votes = new Map(revealed.map((event) => [event.args.auditor, event.args.uphold ? "uphold" : "dismiss"]));
  return {
    message: closed
      ? revealed.length === 0
        ? "Nobody revealed a vote, so all bonds were let go."
        : "Whoever revealed got the bonds of those who did not."
      : now < commitUntil
        ? "Auditors commit: `committee:vote`."
        : now < endsAt
          ? "Auditors reveal: `committee:reveal`. Who does not loses the bond."
          : "It is over: anyone closes it with `committee:close`.",
    case: args.case,
    subject,
    evidence: evidenceCid,
    commitUntil: date(commitUntil),
    endsAt: date(endsAt),
    verdict: VERDICTS[Number(await committee.verdict(args.case))],
    closed: closed !== undefined,
    quorum: await committee.quorum(),
    bond: await bondOf(committee, context),
    votes: committed.map(({ args: { auditor } }) => ({ auditor, vote: votes.get(auditor) ?? "not revealed" })),
  };
});

/** The vote is on disk before its hash is sent: without the salt nobody could reveal it. */
export const vote = action<OfVote & { choice: string }>(async (args, context) => {
  if (args.choice !== "uphold" && args.choice !== "dismiss")
    throw new OpenLedgerError("VOTE_UNKNOWN", `choice: ${args.choice} is no vote. Give uphold or dismiss.`);
  requireAtLeast("case", args.case, 1);
  const own = await ownProtocol(args, context);
  const file = voteFile(args, context, own);
  const uphold = args.choice === "uphold";
  const salt = existsSync(file) ? readVote(file).salt : hexlify(randomBytes(32));
  const made = voteOf(args, context, own, { uphold, salt });
  const sent = await own.committee.queryFilter(own.committee.filters.VoteCommitted(args.case, own.account));
  const told = { case: args.case, auditor: own.account, choice: args.choice, file };
  if (sent.length > 0) {
    if (sent[0]!.args.hash === voteHash(made)) return { message: "Committed before, nothing sent.", ...told };
    throw new OpenLedgerError("VOTE_CAST", `choice: ${own.account} has voted otherwise, and a vote cannot be changed.`);
  }
  if (!args.dryRun && !args.propose) {
    mkdirSync(args.votes, { recursive: true });
    writeFileSync(file, `${JSON.stringify({ uphold, salt })}\n`, { mode: 0o600 });
  }
  const receipt = await mined(own.committee.commitVote(args.case, voteHash(made)));
  return {
    message: `Committed. Keep ${file}: \`committee:reveal\` needs it, and who does not reveal loses the bond.`,
    ...told,
    transaction: receipt.hash,
  };
});

export const reveal = action<OfVote>(async (args, context) => {
  requireAtLeast("case", args.case, 1);
  const own = await ownProtocol(args, context);
  const file = voteFile(args, context, own);
  if (!existsSync(file))
    throw new OpenLedgerError(
      "VOTE_MISSING",
      `votes: there is no ${file}. Name the folder in which \`committee:vote\` kept the vote of ${own.account}.`,
    );
  const { uphold, salt } = readVote(file);
  const told = { case: args.case, auditor: own.account, choice: uphold ? "uphold" : "dismiss" };
  const sent = await own.committee.queryFilter(own.committee.filters.VoteRevealed(args.case, own.account));
  if (sent.length > 0) return { message: "Revealed before, nothing sent.", ...told };
  const receipt = await mined(own.committee.revealVote(args.case, uphold, salt));
  return { message: "Revealed, and the bond is free.", ...told, transaction: receipt.hash };
});

export const close = action<OfCase>(async (args, context) => {
  requireAtLeast("case", args.case, 1);
  const { committee } = await ownProtocol(args, context);
  const [closed] = await committee.queryFilter(committee.filters.CaseClosed(args.case));
  const verdict = async () => VERDICTS[Number(await committee.verdict(args.case))];
  if (closed) return { message: "Closed before, nothing sent.", case: args.case, verdict: await verdict() };
  const receipt = await mined(committee.close(args.case));
  return { message: "Closed.", case: args.case, verdict: await verdict(), transaction: receipt.hash };
});

/** What each vote locks. A committee without bonds may have no token of them. */
async function bondOf(committee: Protocol["committee"], { provider }: Context): Promise<string> {
  const [amount, of] = [await committee.auditorBond(), await committee.bondToken()];
  return amount === 0n ? "none" : `${formatUnits(amount, await token(of, provider).decimals())} of ${of}`;
}

const unknown = (args: OfCase) =>
  new OpenLedgerError(
    "CASE_UNKNOWN",
    `case: the committee has no case ${args.case}. \`epoch:disputes\` lists disputes.`,
  );

type Own = Protocol & { account: string };

const voteFile = (args: OfVote, { chainId }: Context, { account, addresses }: Own): string =>
  join(args.votes, `${chainId}-${addresses.committee}-${args.case}-${account}.json`);

const readVote = (file: string): Pick<Vote, "uphold" | "salt"> => JSON.parse(readFileSync(file, "utf8"));

const voteOf = (args: OfVote, { chainId }: Context, own: Own, vote: Pick<Vote, "uphold" | "salt">): Vote => ({
  chainId: BigInt(chainId),
  committee: own.addresses.committee,
  caseId: args.case,
  auditor: own.account,
  ...vote,
});
