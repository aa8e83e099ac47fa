/** The process that trains one model: takes a task from its parent, tells it what changes, and ends with it. */
import { JsonRpcProvider } from "ethers";
import { checkVersion } from "../../../sdk/checks/datanet.ts";
import { countFindings } from "../../../sdk/checks/rows.ts";
import { canonicalJson, manifestHash } from "../../../sdk/content.ts";
import { ContentStore } from "../../../sdk/content-store.ts";
import { protocol } from "../../../sdk/contracts.ts";
import { fetchVersion } from "../../../sdk/datanets.ts";
import { describeError } from "../../../sdk/errors.ts";
import { buildSketches } from "../../../trainer/attribution/build.ts";
import { loadPackedBase } from "../../../trainer/base.ts";
import { finetune } from "../../../trainer/finetune.ts";
import { Pool } from "../../../trainer/pool.ts";
import { PRESETS } from "../../../trainer/presets.ts";
import { publishModel } from "../../../trainer/publish.ts";
import { Eta } from "./eta.ts";
import type { News, Task } from "./job.ts";

const tell = (news: News) => new Promise((sent) => process.send!(news, undefined, undefined, sent));

async function train(task: Task): Promise<void> {
  const { job, content, folder } = task;
  const store = new ContentStore(content);
  const texts = await textsOf(task, store);
  const preset = PRESETS[job.preset];
  const base = loadPackedBase(task.base, job.weights);
  const pool = await Pool.start(base);
  try {
    const eta = new Eta(texts.length, preset.epochs);
    const started = performance.now();
    let trained = 0; // tokens
    const { adapter, epochLosses, truncatedRows } = await finetune(pool, {
      ...preset,
      rows: texts,
      heldOut: [],
      onProgress({ step, steps, loss, tokens }) {
        trained += tokens;
        const tokensPerSecond = Math.round((1000 * trained) / (performance.now() - started));
        tell({ fields: { step, steps, tokensPerSecond, etaSeconds: eta.training(step / steps) }, loss: [step, loss] });
      },
    });
    tell({ fields: { state: "sketching", step: 0, steps: texts.length, epochLosses, truncatedRows } });
    const sketches = await buildSketches(pool, adapter, texts, {
      onProgress: (step) => tell({ fields: { step, etaSeconds: eta.sketching(step) } }),
    });
    const { k, basis } = sketches;
    tell({ fields: { state: "publishing", etaSeconds: 1, k, energyKept: basis.energyKept } });
    const manifest = {
      name: job.name,
      ...(await publishModel(folder, store, base, adapter, sketches)),
      versions: [{ datanetId: job.datanetId, version: job.version }],
      training: { ...preset, ...(job.weights !== "f32" && { weights: job.weights }) },
    };
    const bytes = canonicalJson(manifest);
    const manifestCid = await store.put(bytes);
    await tell({ fields: { state: "done", etaSeconds: 0, manifest, manifestCid, manifestHash: manifestHash(bytes) } });
  } finally {
    await pool.close();
  }
}

/** The rows of the job's Datanet version, each contribution checked against the chain; tells what the data checks find. */
async function textsOf({ rpc, addresses, job }: Task, store: ContentStore): Promise<string[]> {
  const provider = new JsonRpcProvider(rpc);
  try {
    const { datanets } = protocol(addresses, provider);
    const datanetId = BigInt(job.datanetId);
    const version = await fetchVersion(datanets, store, datanetId, BigInt(job.version));
    tell({ fields: { flaggedRows: countFindings(await checkVersion(datanets, datanetId, version)) } });
    return version.rows.map(({ text }) => text);
  } finally {
    provider.destroy();
  }
}

// Without its parent nobody would hear of it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.once("message", async (task: Task) => {
  try {
    await train(task);
  } catch (error) {
    await tell({ fields: { state: "failed", error: describeError(error) } });
  }
  process.exit();
});
