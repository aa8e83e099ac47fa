import { ArgumentType } from "hardhat/types/arguments";
import { DATANET, define, FOR, number, optional, STORE, sends, TOKEN } from "../define.ts";

const CODE = {
  name: "code",
  type: ArgumentType.INT,
  defaultValue: 0,
  description: "Reason code, as docs/contracts/DatanetRegistry.md lists them",
} as const;

const ALLOW = {
  name: "allow",
  defaultValue: "",
  description: "Data checks whose findings do not stop it, with commas, or all: docs/data-checks.md",
} as const;

export const datanetTasks = [
  sends("datanet:create", "Creates a Datanet owned by the signer")
    .addPositionalArgument({ name: "name", description: "Its name" })
    .addOption({ name: "licence", defaultValue: "MIT", description: "SPDX id of the licence of its data" })
    .addOption({ name: "description", defaultValue: "", description: "What it is for; goes to the content store" })
    .addOption({ name: "policy", defaultValue: "reviewed", description: "One of reviewed, allow-listed, public" })
    .addOption(optional("reviewers", "Addresses of its reviewers, with commas (default of a reviewed one: the signer)"))
    .addFlag({ name: "noTraining", description: "The licence does not allow training" })
    .addFlag({ name: "shareAlike", description: "What is made of the data must come under the same licence" })
    .addOption({ name: "bond", defaultValue: "0", description: "What each contribution puts down, such as 1.5" })
    .addOption(optional("token", "Address of the bond's token (default: the deployment's test token)"))
    .addOption(optional("beneficiary", "Address that gets slashed bonds"))
    .addOption({ name: "slashable", defaultValue: "", description: "Reason codes that slash the bond, with commas" })
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
    .addOption({
      name: "drop",
      defaultValue: "",
      description: "Leave out rows with findings of these data checks, with commas, or all",
    })
    .addOption(ALLOW)
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).contribute }))
    .build(),
  sends("datanet:review", "Checks the content of contributions against the chain, then accepts or rejects them")
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addFlag({ name: "reject", description: "Reject them" })
    .addOption(optional("reason", "Why; published. Needed to reject without a code (default: content checked)"))
    .addOption(CODE)
    .addOption(ALLOW)
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).review }))
    .build(),
  define(
    "datanet:check",
    "Checks contributions for copies, personal data, secrets, licences and damage, as a review does",
  )
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../data-checks.ts")).check }))
    .build(),
  sends("datanet:freeze", "Freezes all accepted contributions as the Datanet's next version")
    .addPositionalArgument(DATANET)
    .setAction(async () => ({ default: (await import("../datanet.ts")).freeze }))
    .build(),
  sends("datanet:withdraw", "Takes contributions out of all later versions; the contributor's and the reviewers'")
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addOption(CODE)
    .setAction(async () => ({ default: (await import("../datanet.ts")).withdraw }))
    .build(),
  sends("datanet:reviewers", "Shows a Datanet's reviewers; its owner adds and removes some")
    .addPositionalArgument(DATANET)
    .addOption(optional("add", "Addresses to add, with commas"))
    .addOption(optional("remove", "Addresses to remove, with commas"))
    .setAction(async () => ({ default: (await import("../datanet.ts")).reviewers }))
    .build(),
  sends("datanet:allow", "Shows who may contribute to an allow-listed Datanet; its owner adds and removes some")
    .addPositionalArgument(DATANET)
    .addOption(optional("add", "Addresses to add, with commas"))
    .addOption(optional("remove", "Addresses to remove, with commas"))
    .setAction(async () => ({ default: (await import("../datanet.ts")).allow }))
    .build(),
  sends("datanet:bonds", "Pays an account its bonds that were released")
    .addOption(TOKEN)
    .addOption(FOR)
    .setAction(async () => ({ default: (await import("../datanet.ts")).bonds }))
    .build(),
  define("datanet:sign-review", "Checks contributions and signs a decision on them, which anybody can submit")
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addFlag({ name: "reject", description: "Reject them" })
    .addOption(CODE)
    .addOption({ name: "days", type: ArgumentType.INT, defaultValue: 7, description: "How long the signature holds" })
    .addOption({ name: "out", defaultValue: "review.json", description: "File to write it to" })
    .addOption(ALLOW)
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../decisions.ts")).sign }))
    .build(),
  sends("datanet:decide", "Submits a decision that a reviewer signed, in his name")
    .addPositionalArgument({ name: "file", description: "File that datanet:sign-review wrote" })
    .setAction(async () => ({ default: (await import("../decisions.ts")).decide }))
    .build(),
];
