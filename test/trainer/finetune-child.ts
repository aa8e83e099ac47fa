// A run of fine-tuning that finetune.test.ts kills and starts again: node finetune-child.ts <options as JSON>
import { finetune } from "../../trainer/finetune.ts";
import { Pool } from "../../trainer/pool.ts";
import { tinyBase } from "./tiny.ts";

const pool = await Pool.start(tinyBase(), { threads: 2 });
await finetune(pool, JSON.parse(process.argv[2]!));
await pool.close();
