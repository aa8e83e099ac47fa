import { AMOUNT, define, FOR, number, optional, sends, TOKEN } from "../define.ts";

const TO = optional(
  "to",
  "Address that gets the money (default: the account itself); for the account and its claimers",
);
const TOKENS = { name: "tokens", description: "Addresses of ERC-20 tokens" } as const;

export const moneyTasks = [
  sends("claim", "Pays an account all it earned as a contributor to the models, in one transaction")
    .addVariadicArgument(number("models", "Ids of the models"))
    .addOption(FOR)
    .addOption(TO)
    .setAction(async () => ({ default: (await import("../rewards.ts")).claim }))
    .build(),
  sends("withdraw", "Pays an account its shares of fees as owner, server, operator or treasury")
    .addOption(TOKEN)
    .addOption(FOR)
    .addOption(TO)
    .setAction(async () => ({ default: (await import("../rewards.ts")).withdraw }))
    .build(),
  sends("claimer:set", "Lets an account have the signer's claims and balances paid where it wants, or no longer")
    .addPositionalArgument({ name: "claimer", description: "Address of the account" })
    .addFlag({ name: "off", description: "No longer" })
    .setAction(async () => ({ default: (await import("../rewards.ts")).setClaimer }))
    .build(),
  define("payout:show", "Shows who is paid for what an account contributed, and a change under way")
    .addPositionalArgument({ name: "contributor", description: "Address of the account that contributed" })
    .setAction(async () => ({ default: (await import("../payout.ts")).show }))
    .build(),
  sends("payout:change", "Has another account paid for what one contributed, two days from now")
    .addPositionalArgument({ name: "payout", description: "Address of the account to be paid" })
    .addOption(optional("of", "Address of the account that contributed (default: the signer)"))
    .addOption(optional("signature", "ChangePayout as a contract wallet signed it (default: the signer signs)"))
    .addOption({ ...number("deadline", "Deadline in that signature, in seconds since 1970"), defaultValue: 0n })
    .setAction(async () => ({ default: (await import("../payout.ts")).change }))
    .build(),
  sends("escrow:deposit", "Deposits tokens, from which vouchers are redeemed")
    .addPositionalArgument(AMOUNT)
    .addOption(TOKEN)
    .addOption(optional("for", "Address of the customer (default: the signer)"))
    .addFlag({ name: "permit", description: "Sign an ERC-2612 permit in the place of an approval" })
    .setAction(async () => ({ default: (await import("../escrow.ts")).deposit }))
    .build(),
  sends("escrow:withdraw", "Starts to withdraw a part of the signer's deposit; without an amount, pays what has thawed")
    .addOption(optional("amount", "Amount to start with, such as 1.5; 0 stops"))
    .addOption(TOKEN)
    .setAction(async () => ({ default: (await import("../escrow.ts")).withdraw }))
    .build(),
  define("escrow:status", "Shows a customer's deposit")
    .addOption(TOKEN)
    .addOption(optional("for", "Address of the customer (default: the account)"))
    .setAction(async () => ({ default: (await import("../escrow.ts")).status }))
    .build(),
  define("tokens:list", "Lists the tokens that payments are taken in")
    .setAction(async () => ({ default: (await import("../tokens.ts")).list }))
    .build(),
  sends("tokens:allow", "Takes payments in tokens; for the admin")
    .addVariadicArgument(TOKENS)
    .setAction(async () => ({ default: (await import("../tokens.ts")).allow }))
    .build(),
  sends("tokens:deny", "Takes no new payments in tokens; for the admin")
    .addVariadicArgument(TOKENS)
    .setAction(async () => ({ default: (await import("../tokens.ts")).deny }))
    .build(),
];
