import { define, MODEL, number, optional, STORE, sends } from "../define.ts";

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
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../mint.ts")).mint }))
    .build(),
  sends("model:register", "Commits a model's sketches, proves whose rows are whose, and opens its epoch 0")
    .addPositionalArgument(MODEL)
    .addOption(optional("vk", "Id of the verifying key its epochs are proven under (default: the last registered)"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("../mint.ts")).register }))
    .build(),
];
