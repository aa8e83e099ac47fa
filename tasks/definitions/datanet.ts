import { ArgumentType } from "hardhat/types/arguments";
import { DATANET, define, number, optional, STORE, sends } from "../define.ts";

export const datanetTasks = [
  sends("datanet:create", "Creates a Datanet owned by the signer")
    .addPositionalArgument({ name: "name", description: "Its name" })
    .addOption({ name: "licence", defaultValue: "MIT", description: "SPDX id of the licence of its data" })
    .addOption({ name: "description", defaultValue: "", description: "What it is for; goes to the content store" })
    .addOption(optional("reviewer", "Address of its reviewer (default: the signer)"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).create }))
    .build(),
  define("datanet:show", "Shows a Datanet, its contributions and its frozen versions")
    .addPositionalArgument(DATANET)
    .setAction(async () => ({ default: (await import("../datanet.ts")).show }))
    .build(),
  sends("datanet:contribute", "Cuts the files of a folder into rows and submits them for review")
    .addPositionalArgument(DATANET)
    .addPositionalArgument({ name: "folder", description: "Folder of the files, read with its subfolders" })
    .addPositionalArgument({ name: "extension", description: "How the names of the files end, such as .sol" })
    .addOption(optional("prefix", "Stands before the paths of the files (default: the folder's name)"))
    .addOption({
      name: "rows",
      type: ArgumentType.INT,
      defaultValue: 0,
      description: "Contribute this many rows, those of lowest hash (0: all)",
    })
    .addOption({
      name: "heldOut",
      type: ArgumentType.FLOAT,
      defaultValue: 0,
      description: "Fraction of the files to keep back for tests of the model",
    })
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).contribute }))
    .build(),
  sends("datanet:review", "Checks the content of contributions against the chain, then accepts or rejects them")
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addFlag({ name: "reject", description: "Reject them" })
    .addOption(optional("reason", "Why; published. Needed to reject (default: content checked)"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).review }))
    .build(),
  sends("datanet:freeze", "Freezes all accepted contributions as the Datanet's next version")
    .addPositionalArgument(DATANET)
    .setAction(async () => ({ default: (await import("../datanet.ts")).freeze }))
    .build(),
];
