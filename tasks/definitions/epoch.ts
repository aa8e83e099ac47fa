import { ArgumentType } from "hardhat/types/arguments";
import { define, EPOCH, KEYS, MODEL, number, optional, sends } from "../define.ts";

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
      description: "One of step, payer, weight (decided at once, from --tree), demand, sketch (a bond, by --index)",
    })
    .addOption(optional("tree", "File of the proposal's leaves, as its operator gives it to auditors"))
    .addOption({ ...number("index", "Leaf to demand, or whose sketch the committee shall judge"), defaultValue: 0n })
    .addOption(optional("sketches", "Folder with the model's rows.int8, to check and prove weights from"))
    .addOption(optional("evidence", "Content id of the evidence that the committee shall look at"))
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("../dispute.ts")).challenge }))
    .build(),
  sends("epoch:resolve", "Ends a dispute: a demand that nobody answered, what the committee judged, or what is moot")
    .addPositionalArgument(number("dispute", "Number of the dispute"))
    .setAction(async () => ({ default: (await import("../dispute.ts")).resolve }))
    .build(),
];
