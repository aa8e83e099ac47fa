import { define, EPOCH, MODEL, optional, sends } from "../define.ts";

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
    .setAction(async () => ({ default: (await import("../epoch.ts")).settle }))
    .build(),
];
