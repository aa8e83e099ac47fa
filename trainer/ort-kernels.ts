import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs";
import { Tensor as OrtTensor } from "onnxruntime-node";
import { Graph } from "./onnx/graph.ts";

/**
 * Replaces the heavy kernels of tfjs-wasm by synchronous calls into ONNX Runtime, which read and write the wasm heap
 * in place. tfjs' own matrix product is naive as soon as there is a batch dimension or a transposed operand
 * (1.3 GFLOP/s against 30 to 100 on one thread), and its elementwise kernels are about ten times slower.
 *
 * tfjs kernels must return synchronously, so this uses the native binding below onnxruntime-node's asynchronous
 * `InferenceSession`. That path is internal: onnxruntime-node is pinned for it.
 */
export function installOrtKernels(): void {
  const require = createRequire(import.meta.url);
  const { binding, initOrt } = require("onnxruntime-node/dist/binding.js") as OrtBinding;
  initOrt();
  for (const kernel of KERNELS) {
    const sessions = new Map<string, OrtSession>();
    const original = tf.getKernel(kernel.name, "wasm").kernelFunc;
    tf.unregisterKernel(kernel.name, "wasm");
    tf.registerKernel({
      kernelName: kernel.name,
      backendName: "wasm",
      kernelFunc: (call) => {
        const inputs = kernel.inputs.map((name) => call.inputs[name] as tf.TensorInfo);
        if (inputs.some((t) => t.dtype !== "float32" || tf.util.sizeFromShape(t.shape) === 0)) return original(call);
        const { shape, attributes = {} } = kernel.plan(
          inputs.map((t) => t.shape),
          (call.attrs ?? {}) as unknown as KernelAttributes,
        );
        const key = JSON.stringify(attributes);
        let session = sessions.get(key);
        if (session === undefined) {
          session = new binding.InferenceSession();
          const model = onnxModel(kernel, attributes);
          // One thread: data parallelism over worker threads beats ORT's spinning pool on a busy machine.
          const options = { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 };
          session.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
          sessions.set(key, session);
        }
        const wasm = call.backend as WasmBackend;
        const out = wasm.makeOutput(shape, "float32");
        // Views only now: makeOutput may have grown the heap, which detaches older ones.
        const view = (t: tf.TensorInfo) => new OrtTensor("float32", wasm.typedArrayFromHeap(t), t.shape);
        session.run(Object.fromEntries(inputs.map((t, i) => [`x${i}`, view(t)])), { y: view(out) }, {});
        return out;
      },
    });
  }
}

/** A tfjs kernel as one ONNX node: the names of its inputs in order, and its output shape and node attributes. */
interface Kernel {
  name: string;
  op: string;
  domain?: string;
  inputs: string[];
  plan(shapes: number[][], attrs: KernelAttributes): { shape: number[]; attributes?: Attributes };
}
type Attributes = Record<string, number | number[]>;
interface KernelAttributes {
  transposeA: boolean;
  transposeB: boolean;
  perm: number[];
}

const broadcast = (shapes: number[][]) => tf.broadcast_util.assertAndGetBroadcastShape(shapes[0]!, shapes[1]!);
const elementwise = (name: string, op: string): Kernel => ({
  name,
  op,
  inputs: ["a", "b"],
  plan: (shapes) => ({ shape: broadcast(shapes) }),
});

const KERNELS: Kernel[] = [
  {
    name: "BatchMatMul",
    op: "FusedMatMul",
    domain: "com.microsoft",
    inputs: ["a", "b"],
    plan: ([a, b], { transposeA, transposeB }) => ({
      shape: [
        ...broadcast([a!.slice(0, -2), b!.slice(0, -2)]),
        a!.at(transposeA ? -1 : -2)!,
        b!.at(transposeB ? -2 : -1)!,
      ],
      attributes: { transA: Number(transposeA), transB: Number(transposeB) },
    }),
  },
  elementwise("Add", "Add"),
  elementwise("Sub", "Sub"),
  elementwise("Multiply", "Mul"),
  elementwise("RealDiv", "Div"),
  { name: "Softmax", op: "Softmax", inputs: ["logits"], plan: ([x]) => ({ shape: x! }) },
  { name: "Sigmoid", op: "Sigmoid", inputs: ["x"], plan: ([x]) => ({ shape: x! }) },
  { name: "Exp", op: "Exp", inputs: ["x"], plan: ([x]) => ({ shape: x! }) },
  {
    name: "Transpose",
    op: "Transpose",
    inputs: ["x"],
    plan: ([x], { perm }) => ({ shape: perm.map((axis) => x![axis]!), attributes: { perm } }),
  },
];

interface OrtSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: Record<string, OrtTensor>, fetches: Record<string, OrtTensor>, options: object): object;
}
interface OrtBinding {
  binding: { InferenceSession: new () => OrtSession };
  initOrt(): void;
}
interface WasmBackend {
  makeOutput(shape: number[], dtype: "float32"): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

/** A serialised ONNX model of one node y = op(x0, x1, ...) on float32 of any shape. */
function onnxModel({ op, domain = "", inputs }: Kernel, attributes: Attributes): Uint8Array {
  const graph = new Graph();
  const names = inputs.map((_, i) => graph.input(`x${i}`));
  graph.output("y", graph.add(op, names, { domain, attributes }));
  return graph.encode();
}
