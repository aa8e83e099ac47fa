import { parentPort, workerData } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs";
import { selectBackend } from "./backends.ts";
import { Engine } from "./engine.ts";
import type { PoolTask, WorkerSetup } from "./pool.ts";

// One thread of a Pool: answers one task at a time, in order.
const { config, weights, backend } = workerData as WorkerSetup;
const selected = await selectBackend(backend);
const engine = new Engine(config, weights);

async function work(task: PoolTask): Promise<unknown> {
  switch (task.kind) {
    case "gradients":
      return await engine.gradients(task.adapter, task.examples, task.alpha, task.reduce);
    case "losses":
      return await engine.losses(task.adapter, task.examples);
    case "generate":
      return await engine.generate(task.adapter, task.prompt, task.decoding);
    case "product": {
      const product = tf.tidy(() => {
        const [a, b] = [task.a, task.b].map(({ data, shape }) => tf.tensor2d(data, shape)) as [
          tf.Tensor2D,
          tf.Tensor2D,
        ];
        return tf.matMul(a, b, task.transposeA, task.transposeB);
      });
      const values = await product.data();
      product.dispose();
      return values;
    }
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
