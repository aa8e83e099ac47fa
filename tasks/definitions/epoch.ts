import { ArgumentType } from "hardhat/types/arguments";
import { define, EPOCH, KEYS, MODEL, number, optional, sends } from "../define.ts";

const TREE = optional("tree", "File of a proposal's leaves, as its operator gives it to auditors");
const RECORDS = optional("records", "Files of the servers' records of the epoch, with commas");
const RECEIPTS = {
  name: "receipts",
  defaultValue: ".local/receipts",
  description: "Folder in which receipts of own proposals are kept, one folder a root",
} as const;
const EVIDENCE = optional("evidence", "Content id of the evidence that the committee shall look at");

export const epochTasks = [
  define("epoch:show", "Shows an epoch: state, deadlines, fees, proposal, totals, payouts")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .setAction(async () => ({ default: (await import("../epoch.ts")).show }))
    .build(),
  sends("epoch:open", "Opens a model's next epoch and closes the current one")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("../epoch.ts")).open }))
    .build(),
  sends("epoch:propose", "Proposes an epoch's V, from servers' records or from a tree, under a bond; for operators")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .addOption(RECORDS)
    .addOption(optional("sketches", "Folder with the model's rows.int8, by which records are weighed"))
    .addOption(TREE)
    .addOption(RECEIPTS)
    .setAction(async () => ({ default: (await import("../receipts.ts")).propose }))
    .build(),
  sends("epoch:answer", "Answers a demand of a leaf or of a sampled point")
    .addPositionalArgument(number("dispute", "Number of the dispute"))
    .addOption(RECEIPTS)
    .addOption(TREE)
    .addOption(RECORDS)
    .setAction(async () => ({ default: (await import("../receipts.ts")).answer }))
    .build(),
  sends("epoch:settle", "Settles an epoch, by base weights or, with the model's sketches, under a proof")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .addOption(optional("sketches", "Folder with the model's rows.int8, to prove from"))
    .addOption(KEYS)
    .addOption({
      name: "workers",
      type: ArgumentType.INT,
      defaultValue: 1,
      description: "Chunks to prove at a time, each in a process of its own",
    })
    .addOption({
      name: "memory",
      type: ArgumentType.INT,
      defaultValue: 0,
      description: "MB that they may take together (0: three quarters of the machine's)",
    })
    .setAction(async () => ({ default: (await import("../epoch.ts")).settle }))
    .build(),
  define("epoch:disputes", "Lists the disputes of an epoch's proposals, and what another would lock and win")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .setAction(async () => ({ default: (await import("../dispute.ts")).list }))
    .build(),
  sends("epoch:challenge", "Challenges an epoch's proposal; `epoch:disputes` shows what that locks and wins")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .addPositionalArgument({
      name: "kind",
      description:
        "One of step, payer, weight (decided at once, from --tree), demand, sketch (a bond, by --index), sample (auditors)",
    })
    .addOption(TREE)
    .addOption({
      ...number("index", "Leaf to demand, or whose sketch the committee shall judge; point of the sample, 0 to 29"),
      defaultValue: 0n,
    })
    .addOption(optional("sketches", "Folder with the model's rows.int8, to check and prove weights from"))
    .addOption(EVIDENCE)
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("../dispute.ts")).challenge }))
    .build(),
  sends("epoch:report", "Reports a settled epoch that paid wrong, under a bond, for the committee to judge")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .addPositionalArgument({
      name: "extra",
      description: "What each contributor should have had on top, in tokens, as `epoch:show` lists them: 1.5,0,2",
    })
    .addOption(EVIDENCE)
    .setAction(async () => ({ default: (await import("../report.ts")).report }))
    .build(),
  sends(
    "epoch:resolve",
    "Ends a dispute: a demand nobody answered, what the committee judged (a report corrects), or what is moot",
  )
    .addPositionalArgument(number("dispute", "Number of the dispute"))
    .setAction(async () => ({ default: (await import("../dispute.ts")).resolve }))
    .build(),
];
