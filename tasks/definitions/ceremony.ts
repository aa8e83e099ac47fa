import { ArgumentType } from "hardhat/types/arguments";
import { CHUNK_ROWS, define, KEYS, POWERS, POWERS_HASH } from "../define.ts";

const PREVIOUS = { name: "previous", description: "Key file of the step before" } as const;
const NEXT = { name: "next", description: "File to write" } as const;

export const ceremonyTasks = [
  define("zk:setup", "Starts a key ceremony: the key of a circuit before any contribution")
    .addPositionalArgument(NEXT)
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("../zk.ts")).setup }))
    .build(),
  define("zk:contribute", "Adds a contribution to a key: a secret that is used once and forgotten")
    .addPositionalArgument(PREVIOUS)
    .addPositionalArgument(NEXT)
    .addOption({ name: "name", defaultValue: "anonymous", description: "Who contributes, for the transcript" })
    .setAction(async () => ({ default: (await import("../zk.ts")).contribute }))
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
    .setAction(async () => ({ default: (await import("../zk.ts")).beacon }))
    .build(),
  define("zk:verify", "Checks a key or an exported folder from scratch: circuit, powers, every contribution, beacon")
    .addPositionalArgument({ name: "key", description: "Key file, or folder that zk:export wrote" })
    .addFlag({ name: "unfinished", description: "Accept a key without beacon, or without contributions" })
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .setAction(async () => ({ default: (await import("../zk.ts")).verify }))
    .build(),
  define("zk:export", "Checks a final key and writes the folder that operators and model owners need")
    .addPositionalArgument({ name: "key", description: "Final key file" })
    .addOption(CHUNK_ROWS)
    .addOption(POWERS)
    .addOption(POWERS_HASH)
    .addOption(KEYS)
    .setAction(async () => ({ default: (await import("../zk.ts")).exported }))
    .build(),
];
