/**
 * Shows that the invariants can fail: breaks the contracts, one property of test/invariants/PROPERTIES.md after the other,
 * in a copy under build/broken, and has forge find each break. `npm run invariants:broken` records what was found, and in
 * how many calls, in bench/results/invariants-broken.json; a break that was found is not tried again until contracts or
 * tests change. The unit tests have their mutants of their own.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../circuits/cache.ts";
import { runInvariants } from "./forge.ts";

interface Break {
  readonly property: number;
  readonly what: string;
  readonly source: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
}

const SPLITTER = "contracts/rewards/RewardSplitter.sol";
const ESCROW = "contracts/rewards/InferenceEscrow.sol";
const DATANETS = "contracts/datanet/DatanetRegistry.sol";
/** The last property of money. */
const MONEY = 10;
const BREAKS: readonly Break[] = [
  {
    property: 1,
    what: "a withdrawal leaves the escrow's account of what it holds as it was",
    source: ESCROW,
    edits: [["held[token] -= amount;\n        emit Withdrawn", "emit Withdrawn"]],
  },
  {
    property: 2,
    what: "a deposit goes on thawing what was redeemed of it",
    source: ESCROW,
    edits: [["account.thawing = uint128(Math.min(account.thawing, left));", ""]],
  },
  {
    property: 3,
    what: "a royalty is paid on top of the holder's share",
    source: SPLITTER,
    edits: [["left -= royalty;", ""]],
  },
  {
    property: 4,
    what: "earnings can be claimed again",
    source: SPLITTER,
    edits: [["ledger.claimed[one.c] = one.cumulative;", ""]],
  },
  {
    property: 5,
    what: "more is redeemed than was signed",
    source: ESCROW,
    edits: [["require(charged <= voucher.cumulative, EscrowOverVoucher(charged, voucher.cumulative));", ""]],
  },
  {
    property: 6,
    what: "a deposit is withdrawn before it thawed",
    source: ESCROW,
    edits: [["require(block.timestamp >= account.readyAt, EscrowStillThawing(account.readyAt));", ""]],
  },
  {
    property: 6,
    what: "a withdrawal that was started keeps a voucher from being redeemed",
    source: ESCROW,
    edits: [["uint256 left = account.amount;", "uint256 left = account.amount - account.thawing;"]],
  },
  {
    property: 7,
    what: "paused deposits stop withdrawals",
    source: ESCROW,
    edits: [
      [
        "uint128 amount = account.thawing;",
        "_pauses.requireActive(IPauseSwitch.Group.Deposits); uint128 amount = account.thawing;",
      ],
    ],
  },
  {
    property: 8,
    what: "an epoch is settled twice",
    source: SPLITTER,
    edits: [
      [
        "require(e.settledAt == 0, SplitterAlreadySettled(modelId, epochId));\n        require(prover",
        "require(prover",
      ],
      [
        "uint256 operatorShare = e.held - dataShare;",
        "uint256 operatorShare = e.settledAt == 0 ? e.held - dataShare : 0;",
      ],
    ],
  },
  {
    property: 8,
    what: "a disputed epoch is settled",
    source: SPLITTER,
    edits: [["require(e.disputes == 0, SplitterDisputed(e.disputes));", ""]],
  },
  {
    property: 9,
    what: "a dispute opens after the challenge window",
    source: SPLITTER,
    edits: [
      [
        "require(block.timestamp < until, SplitterWindowOver(until));\n        emit DisputeOpened",
        "emit DisputeOpened",
      ],
    ],
  },
  {
    property: 10,
    what: "a settlement by base weights keeps the stake locked",
    source: SPLITTER,
    edits: [["_releaseStake(e, late ? prover : address(0));", ""]],
  },
  {
    property: 11,
    what: "a released bond is paid again",
    source: DATANETS,
    edits: [["bonds[token][account] = 0;", ""]],
  },
  {
    property: 12,
    what: "a contribution is decided twice",
    source: DATANETS,
    edits: [["require(reviewed.status == Status.Pending, DatanetAlreadyReviewed(id));", ""]],
  },
  {
    property: 13,
    what: "a version holds what was withdrawn before",
    source: DATANETS,
    edits: [["_dropWithdrawn(datanetId);\n", "\n"]],
  },
];

const { values } = parseArgs({ options: { jobs: { type: "string", default: "1" } } });
const jobs = Number(values.jobs);
if (!Number.isSafeInteger(jobs) || jobs < 1) {
  console.error("Give --jobs as a number of 1 or more: how many breaks are tried at once.");
  process.exit(1);
}

const copied = ["contracts", "test/invariants"];
const made = createHash("sha256");
for (const path of globSync(
  copied.map((folder) => `${folder}/**/*.sol`),
  { cwd: ROOT },
).sort())
  made.update(path).update(readFileSync(join(ROOT, path)));
const sources = made.digest("hex").slice(0, 16);

const results = join(ROOT, "bench/results/invariants-broken.json");
const kept = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : {};
const found: Record<string, { property: number; by: string }> = kept.sources === sources ? kept.found : {};
const waiting = BREAKS.filter(({ what }) => !found[what]).values();
await Promise.all(Array.from({ length: jobs }, (_, job) => work(join(ROOT, "build/broken", String(job)))));
const missed = BREAKS.filter(({ what }) => !found[what]);
console.log(`${BREAKS.length - missed.length} of ${BREAKS.length} breaks are found`);
process.exitCode = missed.length > 0 ? 1 : 0;

async function work(root: string): Promise<void> {
  mkdirSync(join(root, "test"), { recursive: true });
  for (const shared of ["node_modules", "tools"])
    if (!existsSync(join(root, shared))) symlinkSync(join(ROOT, shared), join(root, shared));
  for (const { property, what, source, edits } of waiting) {
    for (const folder of copied) {
      rmSync(join(root, folder), { recursive: true, force: true });
      cpSync(join(ROOT, folder), join(root, folder), { recursive: true });
    }
    edit(join(root, source), edits);
    const tests = property <= MONEY ? "MoneyTest" : "DatanetsTest";
    const invariants = await runInvariants(root, ["--fuzz-seed", "1", "--match-contract", tests], {
      FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT: "0",
    });
    const by = invariants.flatMap(({ failure }) => failure?.match(/Broken\(\d+\)/)?.[0] ?? []).join(", ");
    console.log(`${property}: ${what}: ${by || "NOT FOUND"}`);
    if (by) found[what] = { property, by };
    writeFileSync(results, `${JSON.stringify({ sources, found }, null, 2)}\n`);
  }
}

function edit(path: string, edits: Break["edits"]): void {
  let text = readFileSync(path, "utf8");
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${path}.`);
    text = text.replace(from, () => to);
  }
  writeFileSync(path, text);
}
