import { ArgumentType } from "hardhat/types/arguments";
import { define, KEYS, MODEL, number, optional, STORE, sends } from "../define.ts";

export const modelTasks = [
  define("model:show", "Shows a model: manifest, terms, versions, commitment, contributors, current epoch")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("../model.ts")).show }))
    .build(),
  sends("model:mint", "Mints a fine-tuned model from its manifest, whose files are in the content store")
    .addPositionalArgument({ name: "manifest", description: "File of the manifest, or its content id" })
    .addOption(optional("token", "Address of the token it is paid in (default: the deployment's test token)"))
    .addOption({ ...number("inputPrice", "Token units for 1,000 tokens of prompt"), defaultValue: 100_000n })
    .addOption({ ...number("outputPrice", "Token units for 1,000 tokens of answer"), defaultValue: 400_000n })
    .addOption({
      name: "split",
      defaultValue: "5000,2000,2000,500,500",
      description: "Basis points of a fee for data,owner,server,operator,protocol",
    })
    .addOption({
      name: "parents",
      defaultValue: "",
      description: "Models it was made from, each with basis points of the owner's share for it: 3:1000,4:500",
    })
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../mint.ts")).mint }))
    .build(),
  sends("model:register", "Commits a model's sketches, proves whose rows are whose, and opens its epoch 0")
    .addPositionalArgument(MODEL)
    .addOption(
      optional(
        "instance",
        "Circuit its epochs are proven by, r210 to r20790 (default: what suits its rows and this machine)",
      ),
    )
    .addOption(optional("vk", "Id of the verifying key its epochs are proven under, in place of an instance's"))
    .addOption(STORE)
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("../mint.ts")).register }))
    .build(),
  sends("model:challenge", "Looks for a wrong row in what a pending registration published, and challenges it")
    .addPositionalArgument(MODEL)
    .addFlag({
      name: "demand",
      description: "Demand a row, under a bond, where what is published does not show the fault",
    })
    .addOption(
      optional(
        "sums",
        "File with the registered sums, a JSON list of pairs P, N of decimal texts (default: the rows' own)",
      ),
    )
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../sketches.ts")).challenge }))
    .build(),
  sends("model:answer", "Shows the rows of a pending registration that were demanded; for its owner")
    .addPositionalArgument(MODEL)
    .addOption(STORE)
    .addOption({
      name: "every",
      type: ArgumentType.INT,
      defaultValue: 0,
      description: "Goes on, looking each so many seconds, until the registration is active; then frees its bond",
    })
    .setAction(async () => ({ default: (await import("../sketches.ts")).answer }))
    .build(),
  sends("model:resolve", "Ends demands of rows that nobody answered, and frees the bond of an active registration")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("../sketches.ts")).resolve }))
    .build(),
  sends("model:retrain", "Names the retrained adapter that takes the place of a model's current one")
    .addPositionalArgument(MODEL)
    .addPositionalArgument({ name: "manifest", description: "File of its manifest, or its content id" })
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../mint.ts")).retrain }))
    .build(),
  define("model:lineage", "Shows the models that a model was made from, and what each gets of its owner's share")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("../model.ts")).lineage }))
    .build(),
  sends("model:terms", "Shows a model's prices and royalties; its owner changes some")
    .addPositionalArgument(MODEL)
    .addOption({ ...number("inputPrice", "Token units for 1,000 tokens of prompt; -1: as before"), defaultValue: -1n })
    .addOption({ ...number("outputPrice", "Token units for 1,000 tokens of answer; -1: as before"), defaultValue: -1n })
    .addOption({
      name: "minRoyalty",
      type: ArgumentType.INT,
      defaultValue: -1,
      description: "Basis points of the owner's share that models made from it must give; -1: as before",
    })
    .addOption({
      name: "saleRoyalty",
      type: ArgumentType.INT,
      defaultValue: -1,
      description:
        "Basis points that ERC-2981 asks of a sale of the token; the creator's, while he holds it; -1: as before",
    })
    .addOption(optional("saleReceiver", "Address that gets it (default: as before, or the signer)"))
    .setAction(async () => ({ default: (await import("../model.ts")).terms }))
    .build(),
];
