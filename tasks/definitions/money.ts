import { FOR, number, optional, sends } from "../define.ts";

export const moneyTasks = [
  sends("claim", "Pays an account all it earned as a contributor to the models, in one transaction")
    .addVariadicArgument(number("models", "Ids of the models"))
    .addOption(FOR)
    .setAction(async () => ({ default: (await import("../rewards.ts")).claim }))
    .build(),
  sends("withdraw", "Pays an account its shares of fees as owner, server, operator or treasury")
    .addOption(optional("token", "Address of the token (default: the deployment's test token)"))
    .addOption(FOR)
    .setAction(async () => ({ default: (await import("../rewards.ts")).withdraw }))
    .build(),
];
