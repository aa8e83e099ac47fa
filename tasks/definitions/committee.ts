import { define, number, sends } from "../define.ts";

const CASE = number("case", "Number of the committee's case");
const VOTES = {
  name: "votes",
  defaultValue: ".local/votes",
  description: "Folder of the votes that are kept",
} as const;

export const committeeTasks = [
  define("committee:show", "Shows a case: evidence, deadlines, votes, verdict")
    .addPositionalArgument(CASE)
    .setAction(async () => ({ default: (await import("../committee.ts")).show }))
    .build(),
  sends("committee:vote", "Commits the signer's vote on a case under a bond, and keeps what reveals it; for auditors")
    .addPositionalArgument(CASE)
    .addPositionalArgument({ name: "choice", description: "One of uphold (for who challenged), dismiss" })
    .addOption(VOTES)
    .setAction(async () => ({ default: (await import("../committee.ts")).vote }))
    .build(),
  sends("committee:reveal", "Reveals the signer's vote once the time to commit is over")
    .addPositionalArgument(CASE)
    .addOption(VOTES)
    .setAction(async () => ({ default: (await import("../committee.ts")).reveal }))
    .build(),
  sends("committee:close", "Closes a case that is over, and shares the bonds of auditors who did not reveal")
    .addPositionalArgument(CASE)
    .setAction(async () => ({ default: (await import("../committee.ts")).close }))
    .build(),
];
