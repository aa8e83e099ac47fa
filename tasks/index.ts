import { adminTasks } from "./definitions/admin.ts";
import { ceremonyTasks } from "./definitions/ceremony.ts";
import { committeeTasks } from "./definitions/committee.ts";
import { datanetTasks } from "./definitions/datanet.ts";
import { epochTasks } from "./definitions/epoch.ts";
import { modelTasks } from "./definitions/model.ts";
import { moneyTasks } from "./definitions/money.ts";
import { operatorTasks } from "./definitions/operator.ts";

/** The protocol from the command line: docs/tasks.md. */
export const tasks = [
  ...adminTasks,
  ...ceremonyTasks,
  ...datanetTasks,
  ...modelTasks,
  ...epochTasks,
  ...committeeTasks,
  ...moneyTasks,
  ...operatorTasks,
];
