import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** A task that reads. Actions are loaded when they run, so that Hardhat starts fast. */
export const define = (id: string, description: string) =>
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

/** A task that sends: everything leaves through one `Sender`. */
export const sends = (id: string, description: string) =>
  define(id, description)
    .addFlag({ name: "dryRun", description: "Print target, arguments, calldata and effect, and send nothing" })
    .addOption(optional("propose", "Write the same for a Safe's Transaction Builder to this file, and send nothing"))
    .addOption(
      optional("from", "Address that a dry run or proposal is for, such as a multisig (default: the account)"),
    );

/** An option that may be left out. */
export const optional = <Name extends string>(name: Name, description: string) =>
  ({ name, description, type: ArgumentType.STRING_WITHOUT_DEFAULT, defaultValue: undefined }) as const;

export const number = <Name extends string>(name: Name, description: string) =>
  ({ name, description, type: ArgumentType.BIGINT }) as const;

export const DATANET = number("datanet", "Id of the Datanet");
export const MODEL = number("model", "Id of the model");
export const EPOCH = number("epoch", "Number of the epoch, from 0");
export const STORE = {
  name: "store",
  defaultValue: ".local/content",
  description: "Folder of the content store",
} as const;
export const KEYS = {
  name: "keys",
  defaultValue: ".local/keys",
  description: "Folder of exported proving keys",
} as const;
export const CHUNK_ROWS = {
  name: "chunkRows",
  type: ArgumentType.INT,
  defaultValue: 1260,
  description: "Rows that one proof takes: 210, 1260, 5040 or 20790",
} as const;
export const POWERS = optional("powers", "Powers-of-tau file (default: the published one of the size, downloaded)");
export const POWERS_HASH = optional("powersHash", "BLAKE2b of --powers, where that is none of the published files");
export const FOR = optional("for", "Address of the account that is paid (default: the signer)");
export const TOKEN = optional("token", "Address of the token (default: the deployment's test token)");
export const AMOUNT = { name: "amount", description: "Amount in tokens, such as 1.5" } as const;
