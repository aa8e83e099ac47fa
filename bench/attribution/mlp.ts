import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Span } from "../../trainer/attribution/blocks.ts";
import { Graph } from "../../trainer/onnx/graph.ts";
import { Random } from "../../trainer/random.ts";
import { CLASSES, type Images, PIXELS } from "./fashion.ts";

/** dattri's MNIST-MLP: 784-128-64-10, ReLU, dropout 0.1, SGD 0.01 with momentum 0.9, 50 epochs. */
const WIDTHS = [PIXELS, 128, 64, CLASSES] as const;
const LAYERS = WIDTHS.length - 1;
const [RATE, MOMENTUM, DROPOUT, BATCH] = [0.01, 0.9, 0.1, 64];
export const EPOCHS = 50;

/** Weight [in, out] and bias [out] of each layer, one after the other. */
export type Weights = Float32Array[];
const shapeOf = (n: number) => (n % 2 === 0 ? [WIDTHS[n >> 1]!, WIDTHS[(n >> 1) + 1]!] : [WIDTHS[(n >> 1) + 1]!]);
export const PARAMETERS = WIDTHS.slice(1).reduce<number>((sum, out, l) => sum + (WIDTHS[l]! + 1) * out, 0);

/** Where the weights and the biases of each layer stand in the flat vector of eachEntry. */
export const MATRICES: Span[] = WIDTHS.slice(1).flatMap((out, l): Span[] => {
  const at = WIDTHS.slice(0, l).reduce<number>((sum, width, n) => sum + (width + 1) * WIDTHS[n + 1]!, 0);
  const biases = at + WIDTHS[l]! * out;
  return [
    [at, biases],
    [biases, biases + out],
  ];
});

/** Adds the forward and backward pass: inputs and output gradients of every layer, and the probabilities. */
function backward(graph: Graph, dropout: boolean) {
  const inputs = [graph.input("x")];
  const gates: string[] = [];
  let logits = "";
  for (let l = 0; l < LAYERS; l++) {
    logits = graph.add("Gemm", [inputs[l]!, graph.input(`p${2 * l}`), graph.input(`p${2 * l + 1}`)]);
    if (l === LAYERS - 1) break;
    const on = graph.add("Relu", [logits]);
    const step = graph.add("Sign", [on]);
    gates.push(dropout ? graph.add("Mul", [step, graph.input(`m${l}`)]) : step);
    inputs.push(graph.add("Mul", [on, gates[l]!]));
  }
  const probabilities = graph.add("Softmax", [logits]);
  const deltas = [graph.add("Mul", [graph.add("Sub", [probabilities, graph.input("y")]), graph.input("weight")])];
  for (let l = LAYERS - 1; l > 0; l--) {
    const back = graph.add("Gemm", [deltas[0]!, `p${2 * l}`], { attributes: { transB: 1 } });
    deltas.unshift(graph.add("Mul", [back, gates[l - 1]!]));
  }
  return { inputs, deltas, probabilities };
}

const scalar = (value: number) => new Tensor("float32", Float32Array.of(value), [1]);
const open = (graph: Graph, threads: number) =>
  InferenceSession.create(graph.encode(), { intraOpNumThreads: threads, interOpNumThreads: 1 });

function initial(random: Random): Weights {
  return Array.from({ length: 2 * LAYERS }, (_, n) => {
    const bound = 1 / Math.sqrt(WIDTHS[n >> 1]!); // torch's default of nn.Linear
    return Float32Array.from(
      { length: shapeOf(n).reduce<number>((a, b) => a * b, 1) },
      () => bound * (2 * random.uniform() - 1),
    );
  });
}

function oneHot(labels: ArrayLike<number>): Float32Array {
  const out = new Float32Array(labels.length * CLASSES);
  for (let i = 0; i < labels.length; i++) out[i * CLASSES + labels[i]!] = 1;
  return out;
}

let stepper: Promise<InferenceSession> | undefined;

/** Trains on the rows of `subset`; batches of 64, an incomplete last one is left out. Returns the weights after each epoch of `keep`. */
export async function train(
  data: Images,
  subset: readonly number[],
  seed: number,
  keep: readonly number[] = [EPOCHS],
): Promise<Weights[]> {
  stepper ??= open(stepGraph(), 1);
  const session = await stepper;
  const random = new Random(seed);
  const tensors = (values: Weights, name: string) =>
    values.map((v, n) => [`${name}${n}`, new Tensor("float32", v, shapeOf(n))] as const);
  const fresh = () => initial(new Random(0)).map((v) => new Float32Array(v.length));
  // Two sets of buffers that change places at each step: a step may not write what it reads.
  let now = [...tensors(initial(random), "p"), ...tensors(fresh(), "v")];
  let next = [...tensors(fresh(), "p"), ...tensors(fresh(), "v")];
  const x = new Float32Array(BATCH * PIXELS);
  const masks = WIDTHS.slice(1, -1).map((width) => new Float32Array(BATCH * width));
  const kept: Weights[] = [];
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const order = random.shuffle(subset);
    for (let at = 0; at + BATCH <= order.length; at += BATCH) {
      const rows = order.slice(at, at + BATCH);
      rows.forEach((row, b) => {
        x.set(data.pixels.subarray(row * PIXELS, (row + 1) * PIXELS), b * PIXELS);
      });
      for (const mask of masks)
        for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < DROPOUT ? 0 : 1 / (1 - DROPOUT);
      const feeds = {
        ...Object.fromEntries(now),
        ...Object.fromEntries(masks.map((m, l) => [`m${l}`, new Tensor("float32", m, [BATCH, m.length / BATCH])])),
        x: new Tensor("float32", x, [BATCH, PIXELS]),
        y: new Tensor("float32", oneHot(rows.map((row) => data.labels[row]!)), [BATCH, CLASSES]),
        weight: scalar(1 / BATCH),
        rate: scalar(RATE),
        momentum: scalar(MOMENTUM),
      };
      await session.run(feeds, Object.fromEntries(next.map(([name, tensor]) => [`new-${name}`, tensor])));
      [now, next] = [next, now];
    }
    if (keep.includes(epoch))
      kept.push(now.slice(0, 2 * LAYERS).map(([, t]) => Float32Array.from(t.data as Float32Array)));
  }
  return kept;
}

function stepGraph(): Graph {
  const graph = new Graph();
  const { inputs, deltas } = backward(graph, true);
  for (let n = 0; n < 2 * LAYERS; n++) {
    const [l, velocity] = [n >> 1, graph.input(`v${n}`)];
    const moved =
      n % 2 === 0
        ? graph.add("Gemm", [inputs[l]!, deltas[l]!, velocity], {
            attributes: { transA: 1, beta: { float: MOMENTUM } },
          })
        : graph.add("Add", [
            graph.add("ReduceSum", [deltas[l]!, graph.integers([0])], { attributes: { keepdims: 0 } }),
            graph.add("Mul", [velocity, graph.input("momentum")]),
          ]);
    graph.output(`new-v${n}`, moved);
    graph.output(`new-p${n}`, graph.add("Sub", [`p${n}`, graph.add("Mul", [moved, graph.input("rate")])]));
  }
  return graph;
}

/** Loss of each example, probability of its label, and its loss gradient in factors: layer l's is inputs[l] ⊗ deltas[l]. */
export interface Backward {
  count: number;
  losses: Float64Array;
  sure: Float64Array;
  inputs: Float32Array[];
  deltas: Float32Array[];
}

let evaluator: Promise<InferenceSession> | undefined;

export async function evaluate(weights: Weights, { pixels, labels, count }: Images): Promise<Backward> {
  evaluator ??= open(evaluateGraph(), 2);
  const feeds = {
    ...Object.fromEntries(weights.map((v, n) => [`p${n}`, new Tensor("float32", v, shapeOf(n))])),
    x: new Tensor("float32", pixels, [count, PIXELS]),
    y: new Tensor("float32", oneHot(labels), [count, CLASSES]),
    weight: scalar(1),
  };
  const out = await (await evaluator).run(feeds);
  const values = (name: string) => out[name]!.data as Float32Array;
  const sure = Float64Array.from(labels, (label, i) => Math.max(values("probabilities")[i * CLASSES + label]!, 1e-30));
  return {
    count,
    sure,
    losses: sure.map((p) => -Math.log(p)),
    inputs: [pixels, ...Array.from({ length: LAYERS - 1 }, (_, l) => values(`input${l + 1}`))],
    deltas: Array.from({ length: LAYERS }, (_, l) => values(`delta${l}`)),
  };
}

function evaluateGraph(): Graph {
  const graph = new Graph();
  const { inputs, deltas, probabilities } = backward(graph, false);
  graph.output("probabilities", probabilities);
  for (const [l, value] of inputs.entries()) if (l > 0) graph.output(`input${l}`, value);
  deltas.forEach((value, l) => {
    graph.output(`delta${l}`, value);
  });
  return graph;
}

/** Calls `each` with the flat index and value of every non-zero entry of example i's gradient. */
export function eachEntry({ inputs, deltas }: Backward, i: number, each: (index: number, value: number) => void): void {
  let offset = 0;
  for (let l = 0; l < LAYERS; l++) {
    const [width, out] = [WIDTHS[l]!, WIDTHS[l + 1]!];
    const delta = deltas[l]!.subarray(i * out, (i + 1) * out);
    for (let a = 0; a <= width; a++) {
      const input = a === width ? 1 : inputs[l]![i * width + a]!;
      if (input !== 0) for (let b = 0; b < out; b++) each(offset + a * out + b, input * delta[b]!);
    }
    offset += (width + 1) * out;
  }
}

/** Dense gradients [to − from, P]. */
export function denseGradients(all: Backward, from: number, to: number) {
  const data = new Float32Array((to - from) * PARAMETERS);
  for (let i = from; i < to; i++) {
    const base = (i - from) * PARAMETERS;
    eachEntry(all, i, (index, value) => {
      data[base + index] = value;
    });
  }
  return { data, shape: [to - from, PARAMETERS] as [number, number] };
}
