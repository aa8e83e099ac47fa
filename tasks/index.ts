import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** The protocol from the command line: docs/tasks.md. Actions are loaded when they run, so that Hardhat starts fast. */
const define = (id: string, description: string) =>
  task(id, description)
    .addFlag({ name: "json", description: "Print one line of JSON instead of tables" })
    .addOption({
      name: "account",
      type: ArgumentType.INT,
      defaultValue: 0,
      description: "Index of the account that signs; `accounts` lists them",
    })
    .addOption({
      name: "addresses",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
      description: "File of the deployment's addresses (default: deployments/<chain id>.json)",
    });

/** An option that may be left out. */
const optional = <Name extends string>(name: Name, description: string) =>
  ({ name, description, type: ArgumentType.STRING_WITHOUT_DEFAULT, defaultValue: undefined }) as const;

const number = <Name extends string>(name: Name, description: string) =>
  ({ name, description, type: ArgumentType.BIGINT }) as const;

const DATANET = number("datanet", "Id of the Datanet");
const MODEL = number("model", "Id of the model");
const EPOCH = number("epoch", "Number of the epoch, from 0");
const STORE = { name: "store", defaultValue: ".local/content", description: "Folder of the content store" } as const;
const KEYS = { name: "keys", defaultValue: ".local/keys", description: "Folder of exported proving keys" } as const;
const CHUNK_ROWS = {
  name: "chunkRows",
  type: ArgumentType.INT,
  defaultValue: 1260,
  description: "Rows that one proof takes: 210, 1260, 5040 or 20790",
} as const;
const POWERS = optional("powers", "Powers-of-tau file (default: the published one of the size, downloaded)");
const POWERS_HASH = optional("powersHash", "BLAKE2b of --powers, where that is none of the published files");
const PREVIOUS = { name: "previous", description: "Key file of the step before" } as const;
const NEXT = { name: "next", description: "File to write" } as const;
const FOR = optional("for", "Address of the account that is paid (default: the signer)");

export const tasks = [
  define("accounts", "Lists the accounts that the network signs for, with their balances")
    .setAction(async () => ({ default: (await import("./chain.ts")).accounts }))
    .build(),
  define("roles:show", "Shows the roles of the AccessManager, who holds them, and what they may call")
    .setAction(async () => ({ default: (await import("./chain.ts")).roles }))
    .build(),
  define("pause:show", "Shows which groups of new obligations are paused")
    .setAction(async () => ({ default: (await import("./pause.ts")).show }))
    .build(),
  define("pause:set", "Pauses a group of new obligations, or lets it go on; for guardians")
    .addPositionalArgument({ name: "group", description: "One of datanets, contributions, models, epochs, deposits" })
    .addFlag({ name: "off", description: "Let it go on" })
    .setAction(async () => ({ default: (await import("./pause.ts")).set }))
    .build(),
  define("deploy", "Deploys the protocol as account 0, once a chain, and writes its addresses to a file")
    .addOption(optional("module", "Local (with a test token) or OpenLedger (default: Local on chain 31337 only)"))
    .addOption(optional("parameters", "JSON file of parameters (default: on chain 31337 deploy/parameters/local.json)"))
    .setAction(async () => ({ default: (await import("./deploy.ts")).deploy }))
    .build(),
  define("datanet:create", "Creates a Datanet owned by the signer")
    .addPositionalArgument({ name: "name", description: "Its name" })
    .addOption({ name: "licence", defaultValue: "MIT", description: "SPDX id of the licence of its data" })
    .addOption({ name: "description", defaultValue: "", description: "What it is for; goes to the content store" })
    .addOption(optional("reviewer", "Address of its reviewer (default: the signer)"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("./datanet.ts")).create }))
    .build(),
  define("datanet:show", "Shows a Datanet, its contributions and its frozen versions")
    .addPositionalArgument(DATANET)
    .setAction(async () => ({ default: (await import("./datanet.ts")).show }))
    .build(),
  define("datanet:contribute", "Cuts the files of a folder into rows and submits them for review")
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
    .setAction(async () => ({ default: (await import("./datanet.ts")).contribute }))
    .build(),
  define("datanet:review", "Checks the content of contributions against the chain, then accepts or rejects them")
    .addVariadicArgument(number("contributions", "Ids of the contributions"))
    .addFlag({ name: "reject", description: "Reject them" })
    .addOption(optional("reason", "Why; published. Needed to reject (default: content checked)"))
    .addOption(STORE)
    .setAction(async () => ({ default: (await import("./datanet.ts")).review }))
    .build(),
  define("datanet:freeze", "Freezes all accepted contributions as the Datanet's next version")
    .addPositionalArgument(DATANET)
    .setAction(async () => ({ default: (await import("./datanet.ts")).freeze }))
    .build(),
  define("model:show", "Shows a model: manifest, terms, versions, commitment, contributors, current epoch")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("./model.ts")).show }))
    .build(),
  define("zk:setup", "Starts a key ceremony: the key of a circuit before any contribution")
    .addPositionalArgument(NEXT)
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("./zk.ts")).setup }))
    .build(),
  define("zk:contribute", "Adds a contribution to a key: a secret that is used once and forgotten")
    .addPositionalArgument(PREVIOUS)
    .addPositionalArgument(NEXT)
    .addOption({ name: "name", defaultValue: "anonymous", description: "Who contributes, for the transcript" })
    .setAction(async () => ({ default: (await import("./zk.ts")).contribute }))
    .build(),
  define("zk:beacon", "Ends a key ceremony with public randomness that was announced before")
    .addPositionalArgument(PREVIOUS)
    .addPositionalArgument(NEXT)
    .addPositionalArgument({ name: "value", description: "The randomness in hex, without 0x" })
    .addOption({
      name: "iterations",
      type: ArgumentType.INT,
      defaultValue: 20,
      description: "It is hashed 2^iterations times, 10 to 63",
    })
    .setAction(async () => ({ default: (await import("./zk.ts")).beacon }))
    .build(),
  define("zk:verify", "Checks a key or an exported folder from scratch: circuit, powers, every contribution, beacon")
    .addPositionalArgument({ name: "key", description: "Key file, or folder that zk:export wrote" })
    .addFlag({ name: "unfinished", description: "Accept a key without beacon, or without contributions" })
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("./zk.ts")).verify }))
    .build(),
  define("zk:export", "Checks a final key and writes the folder that operators and model owners need")
    .addPositionalArgument({ name: "key", description: "Final key file" })
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("./zk.ts")).exported }))
    .build(),
  define(
    "key:register",
    "Registers the key of a ceremony, checked again, or on chain 31337 a development key; the admin's",
  )
    .addOption(optional("key", "Folder that zk:export wrote (default: the development key, on chain 31337 only)"))
    .addOption({ ...CHUNK_ROWS, description: "Of the development key: 210, 1260, 5040 or 20790 rows a proof" })
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("./key.ts")).register }))
    .build(),
  define("model:mint", "Mints a fine-tuned model from its manifest, whose files are in the content store")
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
    .setAction(async () => ({ default: (await import("./mint.ts")).mint }))
    .build(),
  define("model:register", "Commits a model's sketches, proves whose rows are whose, and opens its epoch 0")
    .addPositionalArgument(MODEL)
    .addOption(optional("vk", "Id of the verifying key its epochs are proven under (default: the last registered)"))
    .addOption(STORE)
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("./mint.ts")).register }))
    .build(),
  define("epoch:show", "Shows an epoch: state, deadlines, fees, proposal, totals, payouts")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .setAction(async () => ({ default: (await import("./epoch.ts")).show }))
    .build(),
  define("epoch:open", "Opens a model's next epoch and closes the current one")
    .addPositionalArgument(MODEL)
    .setAction(async () => ({ default: (await import("./epoch.ts")).open }))
    .build(),
  define("epoch:settle", "Settles an epoch, by base weights or, with the model's sketches, under a proof")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .addOption(optional("sketches", "Folder with the model's rows.int8, to prove from"))
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("./epoch.ts")).settle }))
    .build(),
  define("epoch:disputes", "Lists the disputes of an epoch's proposals: kind, bond, until when, outcome")
    .addPositionalArgument(MODEL)
    .addPositionalArgument(EPOCH)
    .setAction(async () => ({ default: (await import("./dispute.ts")).list }))
    .build(),
  define("epoch:challenge", "Challenges an epoch's proposal; shows what it locks and wins, and with --dry only that")
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
    .addFlag({ name: "dry", description: "Send nothing" })
    .setAction(async () => ({ default: (await import("./dispute.ts")).challenge }))
    .build(),
  define("claim", "Pays an account all it earned as a contributor to the models, in one transaction")
    .addVariadicArgument(number("models", "Ids of the models"))
    .addOption(FOR)
    .setAction(async () => ({ default: (await import("./rewards.ts")).claim }))
    .build(),
  define("withdraw", "Pays an account its shares of fees as owner, server, operator or treasury")
    .addOption(optional("token", "Address of the token (default: the deployment's test token)"))
    .addOption(FOR)
    .setAction(async () => ({ default: (await import("./rewards.ts")).withdraw }))
    .build(),
];
