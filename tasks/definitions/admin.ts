import { ArgumentType } from "hardhat/types/arguments";
import { CHUNK_ROWS, define, optional, POWERS, POWERS_HASH, sends } from "../define.ts";

const ROLE = { name: "role", description: "One of admin, operator, guardian, auditor, or a role's number" } as const;
const HOLDER = { name: "holder", description: "Address of the account" } as const;
const TARGET = { name: "contract", description: "Name of a contract as `deploy` lists it, or an address" } as const;
const CALLDATA = { name: "calldata", description: "The call, as a task prints it with --dry-run" } as const;

export const adminTasks = [
  define("accounts", "Lists the accounts that the network signs for, with their balances")
    .setAction(async () => ({ default: (await import("../chain.ts")).accounts }))
    .build(),
  define("roles:show", "Shows the roles of the AccessManager, who holds them, and what they may call")
    .setAction(async () => ({ default: (await import("../roles.ts")).show }))
    .build(),
  sends("roles:grant", "Grants a role, or changes the delay of who holds it; for the admin")
    .addPositionalArgument(ROLE)
    .addPositionalArgument(HOLDER)
    .addOption({
      name: "delay",
      type: ArgumentType.INT,
      defaultValue: 0,
      description: "Seconds that each use of the role must be scheduled ahead",
    })
    .setAction(async () => ({ default: (await import("../roles.ts")).grant }))
    .build(),
  sends("roles:revoke", "Takes a role away; the admin's, or the holder's own")
    .addPositionalArgument(ROLE)
    .addPositionalArgument(HOLDER)
    .setAction(async () => ({ default: (await import("../roles.ts")).revoke }))
    .build(),
  sends("roles:schedule", "Schedules a call whose caller has a role with a delay")
    .addPositionalArgument(TARGET)
    .addPositionalArgument(CALLDATA)
    .setAction(async () => ({ default: (await import("../roles.ts")).schedule }))
    .build(),
  sends("roles:execute", "Makes a scheduled call, once its delay is over")
    .addPositionalArgument(TARGET)
    .addPositionalArgument(CALLDATA)
    .setAction(async () => ({ default: (await import("../roles.ts")).execute }))
    .build(),
  sends("roles:cancel", "Cancels a scheduled call; for who scheduled it and for the admin")
    .addPositionalArgument(TARGET)
    .addPositionalArgument(CALLDATA)
    .addOption(optional("caller", "Address of who scheduled it (default: the signer)"))
    .setAction(async () => ({ default: (await import("../roles.ts")).cancel }))
    .build(),
  define("pause:show", "Shows which groups of new obligations are paused")
    .setAction(async () => ({ default: (await import("../pause.ts")).show }))
    .build(),
  sends("pause:set", "Pauses a group of new obligations, or lets it go on; for guardians")
    .addPositionalArgument({ name: "group", description: "One of datanets, contributions, models, epochs, deposits" })
    .addFlag({ name: "off", description: "Let it go on" })
    .setAction(async () => ({ default: (await import("../pause.ts")).set }))
    .build(),
  define("deploy", "Deploys the protocol as account 0, once a chain, and writes its addresses to a file")
    .addOption(
      optional(
        "module",
        "Local (with a test token), OpenLedger, or Production (default: Local on chain 31337, else OpenLedger)",
      ),
    )
    .addOption(
      optional("parameters", "JSON5 file of parameters (default: on chain 31337 deploy/parameters/local.json5)"),
    )
    .addFlag({ name: "dryRun", description: "Print the steps and parameters, and send nothing" })
    .setAction(async () => ({ default: (await import("../deploy.ts")).deploy }))
    .build(),
  define("deployment:check", "Holds what is deployed against its parameters; exits with 1 where they differ")
    .addOption(
      optional("parameters", "JSON5 file of parameters (default: on chain 31337 deploy/parameters/local.json5)"),
    )
    .setAction(async () => ({ default: (await import("../check.ts")).check }))
    .build(),
  define("deployment:verify", "Submits the sources of what is deployed to a block explorer that speaks Etherscan's API")
    .addOption(optional("api", "Address of its API, such as https://eth.blockscout.com/api"))
    .addOption(optional("apiKey", "Key of its API, where it asks for one"))
    .addOption(optional("contracts", "Names of contracts, with commas (default: all)"))
    .addOption({
      name: "poll",
      type: ArgumentType.INT,
      defaultValue: 3,
      description: "Seconds between two questions for the verdict",
    })
    .setAction(async () => ({ default: (await import("../verify.ts")).verify }))
    .build(),
  sends(
    "verifier:register",
    "Registers the key of a ceremony, checked again, or on chain 31337 a development key; the admin's",
  )
    .addOption(optional("key", "Folder that zk:export wrote (default: the development key, on chain 31337 only)"))
    .addOption({ ...CHUNK_ROWS, description: "Of the development key: 210, 1260, 5040 or 20790 rows a proof" })
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("../verifier.ts")).register }))
    .build(),
  define(
    "verifier:check",
    "Holds every constant of a verifying key on the chain against a key file; exits with 1 if one differs",
  )
    .addOption(CHUNK_ROWS)
    .addOption(optional("zkey", "Proving key of the circuit (default: the development key)"))
    .addOption(optional("vk", "Id of the key on the chain (default: the last one of these rows)"))
    .setAction(async () => ({ default: (await import("../verifier.ts")).check }))
    .build(),
];
