import { ArgumentType } from "hardhat/types/arguments";
import { define, optional, sends } from "../define.ts";

export const adminTasks = [
  define("accounts", "Lists the accounts that the network signs for, with their balances")
    .setAction(async () => ({ default: (await import("../chain.ts")).accounts }))
    .build(),
  define("roles:show", "Shows the roles of the AccessManager, who holds them, and what they may call")
    .setAction(async () => ({ default: (await import("../chain.ts")).roles }))
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
    .addOption(optional("module", "Local (with a test token) or OpenLedger (default: Local on chain 31337 only)"))
    .addOption(optional("parameters", "JSON file of parameters (default: on chain 31337 deploy/parameters/local.json)"))
    .setAction(async () => ({ default: (await import("../deploy.ts")).deploy }))
    .build(),
  sends("key:register", "Registers the development verifying key of a circuit; the admin's, on chain 31337 only")
    .addOption({
      name: "chunkRows",
      type: ArgumentType.INT,
      defaultValue: 1260,
      description: "Rows that one proof takes: 210, 1260, 5040 or 20790",
    })
    .setAction(async () => ({ default: (await import("../mint.ts")).registerKey }))
    .build(),
];
