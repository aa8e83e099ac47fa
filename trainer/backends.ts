import { createRequire } from "node:module";
import util from "node:util";
import * as tf from "@tensorflow/tfjs";
import { OpenLedgerError } from "../sdk/errors.ts";
import { installOrtKernels } from "./ort-kernels.ts";

/**
 * A CUDA card, any maker's card, whole graphs in ONNX Runtime (on a CUDA card, any maker's, the CPU), wasm with kernels of ONNX Runtime, plain
 * wasm, plain JavaScript. All but the "onnx" ones (see onnx/engine.ts) are backends of tfjs.
 */
export const BACKENDS = [
  "tfjs-node-gpu",
  "webgpu",
  "onnx-cuda",
  "onnx-webgpu",
  "onnx",
  "wasm+ort",
  "wasm",
  "cpu",
] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Execution provider of ONNX Runtime behind each of its backends. */
export const ONNX_PROVIDERS: Partial<Record<BackendName, OnnxProvider>> = {
  onnx: "cpu",
  "onnx-cuda": "cuda",
  "onnx-webgpu": "webgpu",
};
export type OnnxProvider = "cpu" | "cuda" | "webgpu";

/**
 * What is tried without a preference, fastest first. WebGPU is asked for, since a card is slower than a CPU on small models;
 * so is ONNX, to keep the last bits of published results as they are.
 */
const LADDER = BACKENDS.filter((name) => name !== "webgpu" && !(name in ONNX_PROVIDERS));

/** Starts a backend and says what it runs on, or throws with the reason why it cannot be used here. */
const starters: Record<BackendName, () => Promise<string>> = {
  "tfjs-node-gpu": async () => {
    // tfjs-node calls util.isNullOrUndefined, which Node 23 removed.
    (util as { isNullOrUndefined?: (value: unknown) => boolean }).isNullOrUndefined ??= (value) => value == null;
    const optionalPeer = "@tensorflow/tfjs-node-gpu"; // a variable, so that neither tsc nor a bundler needs the package
    await import(optionalPeer);
    await activate("tensorflow");
    return "the optional peer @tensorflow/tfjs-node-gpu is installed";
  },
  webgpu: async () => {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    const gpu = create([]);
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter === null)
      throw new Error("no graphics driver answers (on Linux it needs Vulkan: libvulkan1 and the card's driver)");
    Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true }); // where tfjs looks for it
    await import("@tensorflow/tfjs-backend-webgpu");
    await activate("webgpu");
    const { description, device, vendor, isFallbackAdapter: software } = adapter.info;
    return `${software ? "a software imitation of a GPU, slow" : "the GPU"}: ${description || device || vendor}`;
  },
  "onnx-cuda": () => startOnnx("cuda"),
  "onnx-webgpu": () => startOnnx("webgpu"),
  onnx: async () => {
    await import("onnxruntime-node");
    return "forward and backward pass as one graph in ONNX Runtime, the fastest way on a CPU";
  },
  "wasm+ort": async () => {
    await startWasm();
    installOrtKernels();
    return "wasm with its heavy kernels run by onnxruntime-node";
  },
  wasm: async () => {
    await startWasm();
    return "plain WebAssembly";
  },
  cpu: async () => {
    await activate("cpu");
    return "plain JavaScript, slow but available everywhere";
  },
};

/**
 * Starts the preferred backend, or without a preference the first of the ladder that starts here.
 * Once per thread: tfjs keeps one global backend, and ONNX Runtime's kernel stays installed once it is.
 */
export async function selectBackend(preference?: BackendName): Promise<{ name: BackendName; why: string }> {
  tf.enableProdMode(); // also silences tfjs' banner
  if (preference !== undefined) {
    try {
      return { name: preference, why: `asked for: ${await starters[preference]()}` };
    } catch (cause) {
      throw new OpenLedgerError(
        "TRAINER_BACKEND",
        `backend "${preference}" does not start here: ${reason(cause)}; leave the preference out to take the fastest that does`,
        { cause },
      );
    }
  }
  const skipped: string[] = [];
  for (const name of LADDER) {
    try {
      const why = await starters[name]();
      return { name, why: [why, ...skipped].join("; ") };
    } catch (cause) {
      skipped.push(`not ${name}: ${reason(cause)}`);
    }
  }
  throw new OpenLedgerError("TRAINER_BACKEND", "no tfjs backend starts here; reinstall the dependencies with npm ci");
}

/** The first line of what was thrown. */
function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
}

async function startOnnx(provider: OnnxProvider): Promise<string> {
  const { tryProvider } = await import("./onnx/engine.ts");
  try {
    await tryProvider(provider);
  } catch (cause) {
    const script = "node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12";
    const advice = provider === "cuda" ? `; its libraries come with \`${script}\`` : "";
    throw new Error(`ONNX Runtime has no ${provider} here (${reason(cause)})${advice}`, { cause });
  }
  return `forward and backward pass as one graph in ONNX Runtime on ${provider}`;
}

async function startWasm(): Promise<void> {
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const require = createRequire(import.meta.url);
  const folder = require.resolve("@tensorflow/tfjs-backend-wasm").replace(/[^/\\]*$/, "");
  wasm.setWasmPaths(folder);
  await activate("wasm");
}

async function activate(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs could not initialise "${backend}"`);
  await tf.ready();
}
