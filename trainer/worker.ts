import { parentPort, workerData } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs";
import { selectBackend } from "./backends.ts";
import { Engine } from "./engine.ts";
import type { PoolTask, WorkerSetup } from "./pool.ts";

// One thread of a Pool: answers one task at a time, in order.
const { config, weights, backend } = workerData as WorkerSetup;
const selected = await selectBackend(backend);
const engine = new Engine(config, weights);

function work(task: PoolTask): unknown {
  switch (task.kind) {
    case "gradients":
      return engine.gradients(task.adapter, task.examples, task.alpha, task.reduce);
    case "losses":
      return engine.losses(task.adapter, task.examples);
    case "generate":
      return engine.generate(task.adapter, task.prompt, task.decoding);
    case "product":
      return tf.tidy(() => {
        const [a, b] = [task.a, task.b].map(({ data, shape }) => tf.tensor2d(data, shape)) as [
          tf.Tensor2D,
          tf.Tensor2D,
        ];
        return tf.matMul(a, b, task.transposeA, task.transposeB).dataSync();
      });
  }
}

parentPort!.on("message", (task: PoolTask) => {
  try {
    parentPort!.postMessage({ result: work(task) });
  } catch (error) {
    parentPort!.postMessage({ error });
  }
});
parentPort!.postMessage({ result: selected });
