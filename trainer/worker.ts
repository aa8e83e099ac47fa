import { parentPort, workerData } from "node:worker_threads";
import { ONNX_PROVIDERS, selectBackend } from "./backends.ts";
import type { Engine } from "./engine.ts";
import { OnnxEngine } from "./onnx/engine.ts";
import type { PoolTask, WorkerSetup } from "./pool.ts";
import type { StoredTensor } from "./safetensors.ts";
import { TfjsEngine } from "./tfjs-engine.ts";

// One thread of a Pool: answers one task at a time, in order.
const { config, weights, backend } = workerData as WorkerSetup;
const selected = await selectBackend(backend);
const provider = ONNX_PROVIDERS[selected.name];
const engine: Engine = provider
  ? new OnnxEngine(config, weights, provider)
  : new TfjsEngine(config, weights as ReadonlyMap<string, StoredTensor>); // the pool lets no other weights through

function work(task: PoolTask): Promise<unknown> {
  switch (task.kind) {
    case "gradients":
      return engine.gradients(task.adapter, task.examples, task.alpha, task.reduce, task.recompute);
    case "losses":
      return engine.losses(task.adapter, task.examples);
    case "tokenLosses":
      return engine.tokenLosses(task.adapter, task.examples);
    case "generate":
      return engine.generate(task.adapter, task.prompt, task.decoding);
    case "product":
      return engine.product(task.a, task.b, task.transposeA, task.transposeB);
  }
}

parentPort!.on("message", async (task: PoolTask) => {
  try {
    parentPort!.postMessage({ result: await work(task) });
  } catch (error) {
    parentPort!.postMessage({ error });
  }
});
parentPort!.postMessage({ result: selected });
