/**
 * Quality of attribution (docs/attribution-quality.md): `npm run bench:attribution -- --json` writes
 * bench/results/attribution-*.json. Trained models are kept in build/bench-attribution, so an interrupted run goes on.
 */
import { setPriority } from "node:os";
import { parseArgs } from "node:util";
import { attacksAnew } from "./anew.ts";
import { attacks } from "./attacks.ts";
import { contributorEffects } from "./contributors.ts";
import { tellingCopies } from "./copies.ts";
import { settingCurves } from "./curves.ts";
import { linearDatamodeling } from "./lds.ts";
import { gradientPoints } from "./points.ts";
import { routing } from "./routing.ts";
import { equalStorage } from "./storage.ts";
import { dataInfTasks } from "./tasks.ts";
import { wrongRows } from "./wrong.ts";

const BENCHES = {
  lds: linearDatamodeling,
  storage: equalStorage,
  contributors: contributorEffects,
  points: gradientPoints,
  attacks,
  anew: attacksAnew,
  copies: tellingCopies,
  routing,
  wrong: wrongRows,
  tasks: dataInfTasks,
  curves: settingCurves,
};

const { values: options } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string" } },
});
setPriority(19);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (options.only === undefined || options.only === name) await bench(options.json);
}
