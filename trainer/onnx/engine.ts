import { InferenceSession, Tensor } from "onnxruntime-node";
import type { OnnxProvider } from "../backends.ts";
import { type LlamaConfig, ropeFrequencies, weightShapes } from "../config.ts";
import {
  batchOf,
  type Decoding,
  decode,
  type Engine,
  type Gradients,
  type LossOf,
  type Matrix,
  type Reduce,
  sumRows,
  unpadded,
} from "../engine.ts";
import type { Example } from "../examples.ts";
import { type Adapter, loraLayout } from "../lora.ts";
import { attentionMask } from "../model.ts";
import { formatOf, type PackedTensor, type WeightFormat } from "../packed.ts";
import { Graph } from "./graph.ts";
import { type AdapterPlan, decodeGraph, type Frozen, logitsGraph, lossGraph } from "./llama.ts";

type Feeds = Record<string, Tensor>;

/**
 * The model as whole graphs of ONNX Runtime: no step between two operators, and memory that it plans ahead. The weights stand outside the
 * graphs, once for all of them, in float32 or packed.
 */
export class OnnxEngine implements Engine {
  readonly #config: LlamaConfig;
  readonly #provider: OnnxProvider;
  readonly #weights: Feeds;
  readonly #frozen: Frozen;
  /** Compiled graphs, by what they compute. */
  readonly #sessions = new Map<string, Promise<InferenceSession>>();

  constructor(config: LlamaConfig, weights: ReadonlyMap<string, PackedTensor>, provider: OnnxProvider = "cpu") {
    this.#config = config;
    this.#provider = provider;
    this.#weights = Object.fromEntries([...weights].flatMap(([name, tensor]) => weightFeeds(name, tensor)));
    const formats = new Map<string, WeightFormat>([...weights].map(([name, tensor]) => [name, formatOf(tensor)]));
    const shapes = weightShapes(config);
    this.#frozen = (name) => ({ format: formats.get(name)!, shape: shapes.get(name)! });
  }

  async gradients(
    adapter: Adapter,
    examples: readonly Example[],
    alpha: number,
    reduce: Reduce,
    recompute = false,
  ): Promise<Gradients> {
    const out = await this.#run(
      `gradients ${reduce} ${recompute}`,
      (plan) => lossGraph(this.#config, this.#frozen, plan, reduce, recompute),
      this.#batchFeeds(examples),
      adapter,
      alpha,
    );
    return { losses: sumRows(values(out.losses), examples.length), gradients: values(out.gradients) };
  }

  async losses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array> {
    return sumRows(await this.#losses(adapter, examples, "mean"), examples.length);
  }

  async tokenLosses(adapter: Adapter | undefined, examples: readonly Example[]): Promise<Float32Array[]> {
    return unpadded(await this.#losses(adapter, examples, "tokens"), examples);
  }

  async logits(adapter: Adapter | undefined, ids: readonly number[]): Promise<Float32Array> {
    const feeds = { ids: integers(ids, [1, ids.length]), ...this.#positionFeeds(ids.length) };
    return values(
      (await this.#run("logits", (plan) => logitsGraph(this.#config, this.#frozen, plan), feeds, adapter)).logits,
    );
  }

  generate(
    adapter: Adapter | undefined,
    prompt: readonly number[],
    decoding: Decoding,
    onLogits?: (logits: Float32Array) => void,
  ): Promise<number[]> {
    const { kvHeads, headDim, layers } = this.#config;
    const names = Array.from({ length: layers }, (_, layer) => [`keys:${layer}`, `values:${layer}`]).flat();
    let cache: Feeds = Object.fromEntries(
      names.map((name) => [name, floats(new Float32Array(), [1, kvHeads, 0, headDim])]),
    );
    const step = async (ids: readonly number[], seen: number) => {
      const feeds = { ids: integers(ids, [1, ids.length]), ...this.#positionFeeds(ids.length, seen), ...cache };
      const out = await this.#run("decode", (plan) => decodeGraph(this.#config, this.#frozen, plan), feeds, adapter);
      cache = Object.fromEntries(names.map((name) => [name, out[`${name}:next`]!]));
      return values(out.logits);
    };
    return decode(step, this.#config.context, prompt, decoding, onLogits);
  }

  async product(a: Matrix, b: Matrix, transposeA: boolean, transposeB: boolean): Promise<Float32Array> {
    const feeds = { a: floats(a.data, a.shape), b: floats(b.data, b.shape) };
    const out = await this.#run(`product ${transposeA} ${transposeB}`, () => product(transposeA, transposeB), feeds);
    return values(out.c);
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }

  /** Weighted losses of every position, [B·T]. */
  async #losses(adapter: Adapter | undefined, examples: readonly Example[], of: LossOf) {
    const graph = (plan: AdapterPlan | undefined) => lossGraph(this.#config, this.#frozen, plan);
    return values((await this.#run("losses", graph, this.#batchFeeds(examples, of), adapter)).losses);
  }

  async #run(
    what: string,
    graph: (plan: AdapterPlan | undefined) => Uint8Array,
    feeds: Feeds,
    adapter?: Adapter,
    alpha = 1,
  ): Promise<Feeds> {
    const key = JSON.stringify([what, adapter?.lora, alpha]);
    const layout = adapter && loraLayout(this.#config, adapter.lora);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = startSession(graph(layout && { layout, alpha }), this.#provider);
      this.#sessions.set(key, session);
    }
    const ready = await session;
    const all: Feeds = { ...this.#weights, ...feeds };
    for (const { name, in: input, out, offset } of layout?.modules ?? []) {
      const { rank } = adapter!.lora;
      const [middle, end] = [offset + rank * input, offset + rank * (input + out)];
      all[`${name}.a`] = floats(adapter!.params.subarray(offset, middle), [rank, input]);
      all[`${name}.b`] = floats(adapter!.params.subarray(middle, end), [out, rank]);
    }
    return ready.run(Object.fromEntries(ready.inputNames.map((name) => [name, all[name]!])));
  }

  #batchFeeds(examples: readonly Example[], of?: LossOf): Feeds {
    const { length, ids, targets, weights } = batchOf(this.#config, examples, of);
    return {
      ids: integers(ids, [examples.length, length]),
      targets: integers(targets, [examples.length, length]),
      weights: floats(weights, [examples.length, length, 1]),
      ...this.#positionFeeds(length),
    };
  }

  /** Of positions start..start+length−1, which see all earlier ones. */
  #positionFeeds(length: number, start = 0): Feeds {
    const frequencies = ropeFrequencies(this.#config);
    const shape = [length, frequencies.length];
    const angles = Float32Array.from(
      { length: length * frequencies.length },
      (_, i) => (start + Math.floor(i / frequencies.length)) * frequencies[i % frequencies.length]!,
    );
    const sin = angles.map(Math.sin);
    const group = this.#config.heads / this.#config.kvHeads;
    const mask = attentionMask(this.#config, length, start);
    const folded = new Float32Array(group * mask.length);
    for (let n = 0; n < group; n++) folded.set(mask, n * mask.length);
    return {
      cos: floats(angles.map(Math.cos), shape),
      sin: floats(sin, shape),
      back: floats(
        sin.map((s) => -s),
        shape,
      ),
      mask: floats(folded, [1, 1, group * length, start + length]),
    };
  }
}

function startSession(graph: Uint8Array, provider: OnnxProvider): Promise<InferenceSession> {
  return InferenceSession.create(graph, {
    executionProviders: [provider],
    // Data parallelism over worker threads beats ORT's spinning pool on a busy machine.
    ...{ intraOpNumThreads: 1, interOpNumThreads: 1 },
    enableMemPattern: false, // which would take up to 1.8 times the memory, and no less time
  });
}

/** Runs the smallest graph, to see whether the provider's driver and libraries are there. */
export async function tryProvider(provider: OnnxProvider): Promise<void> {
  const session = await startSession(product(false, false), provider);
  const one = floats(Float32Array.of(1), [1, 1]);
  await session.run({ a: one, b: one });
  await session.release();
}

/** A weight as the graphs take it (see Frozen in ./llama.ts). */
function weightFeeds(name: string, tensor: PackedTensor): [string, Tensor][] {
  if (!("format" in tensor)) return [[name, floats(tensor.data, tensor.shape)]];
  const { data, shape } = tensor;
  if (tensor.format === "q4") {
    const [out] = shape as [number, number];
    const blocks = tensor.scales.length / out;
    return [
      [name, new Tensor("uint8", tensor.data, [out, blocks, data.length / out / blocks])],
      [`${name}:scales`, floats(tensor.scales, [out, blocks])],
    ];
  }
  // ONNX Runtime 1.30 takes float16 as bits only, and its class Tensor turns bits into a Float16Array where there is one.
  const half = { type: "float16", data, dims: shape, size: data.length, location: "cpu" };
  return [[name, half as unknown as Tensor]];
}

function product(transA: boolean, transB: boolean): Uint8Array {
  const graph = new Graph();
  const attributes = { transA: Number(transA), transB: Number(transB) };
  const inputs = [graph.input("a"), graph.input("b")];
  graph.output("c", graph.add("FusedMatMul", inputs, { domain: "com.microsoft", attributes }));
  return graph.encode();
}

const floats = (data: Float32Array, shape: readonly number[]) => new Tensor("float32", data, shape);
const integers = (data: ArrayLike<number>, shape: readonly number[]) =>
  new Tensor("int64", BigInt64Array.from(Array.from(data), BigInt), shape);
const values = (tensor: Tensor | undefined) => tensor!.data as Float32Array;
