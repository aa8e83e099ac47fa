import { parentPort, workerData } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs";
import { selectBackend } from "../backends.ts";
import { type LlamaConfig, weightShapes } from "../config.ts";
import { embed, hiddenStates, logits, positions, tokenLosses } from "../model.ts";

/** Shared with the main thread: the parameters to read, and this worker's gradient to fill, in weightShapes order. */
export interface PretrainWorkerData {
  config: LlamaConfig;
  params: Float32Array;
  gradient: Float32Array;
}
/** Windows of context + 1 tokens, one after another; `train` asks for the gradient too. */
export interface PretrainTask {
  windows: Int32Array;
  train: boolean;
}

const { config, params, gradient } = workerData as PretrainWorkerData;
await selectBackend();
const shapes = [...weightShapes(config)];
const at = positions(config, config.context);

parentPort!.on("message", ({ windows, train }: PretrainTask) => {
  const loss = tf.tidy(() => {
    const length = config.context;
    const batch = windows.length / (length + 1);
    const cut = (shift: number) =>
      Int32Array.from(
        { length: batch * length },
        (_, n) => windows[Math.floor(n / length) * (length + 1) + (n % length) + shift]!,
      );
    const [ids, targets] = [cut(0), cut(1)];
    const meanLoss = (...tensors: tf.Tensor[]) => {
      const named = new Map(shapes.map(([name], i) => [name, tensors[i]!]));
      const hidden = hiddenStates(config, named, embed(named, ids, batch), at);
      return tf.mean<tf.Scalar>(tokenLosses(logits(named, tf.reshape(hidden, [-1, config.hiddenSize])), targets));
    };
    let offset = 0;
    const tensors = shapes.map(([, shape]) => {
      const size = tf.util.sizeFromShape(shape);
      return tf.tensor(params.slice(offset, (offset += size)), shape);
    });
    if (!train) return meanLoss(...tensors).dataSync()[0]!;
    const { value, grads } = tf.valueAndGrads(meanLoss)(tensors);
    offset = 0;
    for (const grad of grads) {
      gradient.set(grad.dataSync(), offset);
      offset += grad.size;
    }
    return value.dataSync()[0]!;
  });
  parentPort!.postMessage(loss);
});
