import { AMOUNT, define, optional, sends, TOKEN } from "../define.ts";

export const operatorTasks = [
  sends("operator:bond", "Adds to the bond of an operator, auditor, challenger or model owner")
    .addPositionalArgument(AMOUNT)
    .addOption(TOKEN)
    .addOption(optional("for", "Address of who holds the bond (default: the signer)"))
    .setAction(async () => ({ default: (await import("../bonds.ts")).bond }))
    .build(),
  sends("operator:unbond", "Starts to withdraw a part of the signer's bond")
    .addPositionalArgument({ ...AMOUNT, description: "Amount, such as 1.5; 0 stops" })
    .addOption(TOKEN)
    .setAction(async () => ({ default: (await import("../bonds.ts")).unbond }))
    .build(),
  sends("operator:withdraw", "Pays the signer what has thawed of his bond, or what was slashed to him")
    .addOption(TOKEN)
    .addFlag({ name: "credit", description: "What was slashed to him" })
    .setAction(async () => ({ default: (await import("../bonds.ts")).withdraw }))
    .build(),
  define("operator:status", "Shows a bond: free, locked and by whom, on its way out")
    .addOption(TOKEN)
    .addOption(optional("for", "Address of who holds the bond (default: the account)"))
    .setAction(async () => ({ default: (await import("../bonds.ts")).status }))
    .build(),
];
