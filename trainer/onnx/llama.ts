import type { LlamaConfig } from "../config.ts";
import type { Reduce } from "../engine.ts";
import type { LoraLayout } from "../lora.ts";
import { BLOCK, type WeightFormat } from "../packed.ts";
import { ELEMENT_TYPES, type ElementType, Graph, type NodeOptions } from "./graph.ts";

/**
 * The model of ../model.ts and ../lora.ts as ONNX graphs: forward pass, and backward pass written out beside it.
 *
 * Weights are inputs under their Hugging Face names, in the format that Frozen tells, parts of an adapter under `<module>.a` [rank, in] and `.b` [out, rank],
 * so that all graphs share one copy. The others: `ids` and `targets` [B, T], `weights` [B, T, 1] of the positions' losses,
 * `cos`, `sin` and `back` (= −sin) [T, headDim / 2], `mask` [1, 1, group·T, S], and while decoding `keys:<layer>` and
 * `values:<layer>` [B, kvHeads, S − T, headDim].
 */
export interface AdapterPlan {
  layout: LoraLayout;
  /** Where on the way from base (0) to adapter (1); scales the forward pass, as in ../lora.ts. */
  alpha: number;
}

/** Format and [out, in] of a weight. In 4 bits it is an input of bytes [out, blocks, 16] and one of `:scales` [out, blocks]: see ../packed.ts. */
export type Frozen = (name: string) => { format: WeightFormat; shape: readonly number[] };

/**
 * Outputs `losses` [B, T, 1], weighted; with `reduce` also `gradients` [B, P] in the adapter's flat layout, or their sum [1, P].
 * @param recompute the values of a layer are computed again when the way back reaches it (gradient checkpointing)
 */
export function lossGraph(
  config: LlamaConfig,
  frozen: Frozen,
  adapter: AdapterPlan | undefined,
  reduce?: Reduce,
  recompute = false,
): Uint8Array {
  const model = new Model(config, frozen, adapter, reduce ?? "none", recompute);
  const hidden = model.hidden();
  const loss = model.loss(hidden.y);
  model.graph.output("losses", loss.y);
  if (reduce !== undefined) {
    hidden.back(loss.back());
    model.graph.output("gradients", model.flatGradients());
  }
  return model.graph.encode();
}

/** Outputs `logits` [B, T, vocab]. */
export function logitsGraph(config: LlamaConfig, frozen: Frozen, adapter: AdapterPlan | undefined): Uint8Array {
  const model = new Model(config, frozen, adapter);
  model.graph.output("logits", model.logits(model.hidden().y));
  return model.graph.encode();
}

/** Outputs `logits` [B, 1, vocab] of the last position, and `keys:<layer>:next` and `values:<layer>:next` of all so far. */
export function decodeGraph(config: LlamaConfig, frozen: Frozen, adapter: AdapterPlan | undefined): Uint8Array {
  const model = new Model(config, frozen, adapter);
  const { graph } = model;
  const hidden = model.hidden((name, part) => {
    const whole = graph.add("Concat", [graph.input(name), part], { attributes: { axis: 2 } });
    graph.output(`${name}:next`, whole);
    return whole;
  });
  const last = graph.add("Gather", [hidden.y, graph.integers([-1])], { attributes: { axis: 1 } });
  graph.output("logits", model.logits(last));
  return graph.encode();
}

/** A value, and what the gradient of it says about the gradient of the value that it was made from. */
interface Step {
  y: string;
  back(dy: string): string;
}
/** Puts the cached part in front of a layer's keys or values. */
type Cached = (name: string, part: string) => string;

const MICROSOFT = { domain: "com.microsoft" };

class Model {
  readonly graph = new Graph();
  readonly #config: LlamaConfig;
  readonly #frozen: Frozen;
  readonly #adapter: AdapterPlan | undefined;
  readonly #reduce: Reduce;
  readonly #recompute: boolean;
  /** Gradients of A and B by module, each [rows, values]. */
  readonly #gradients = new Map<string, [a: string, b: string]>();

  constructor(
    config: LlamaConfig,
    frozen: Frozen,
    adapter: AdapterPlan | undefined,
    reduce: Reduce = "none",
    recompute = false,
  ) {
    this.#config = config;
    this.#frozen = frozen;
    this.#adapter = adapter;
    this.#reduce = reduce;
    this.#recompute = recompute;
  }

  /** Hidden states [B, T, d] after the last norm; the way back ends at the embeddings. */
  hidden(cached: Cached = (_name, part) => part): Step {
    const { graph } = this;
    const steps: Step[] = [];
    let h = this.#rows("model.embed_tokens.weight", graph.input("ids", "int64"));
    const then = (step: Step) => {
      steps.push(step);
      h = step.y;
    };
    for (let layer = 0; layer < this.#config.layers; layer++) {
      const whole = (x: string) => this.#layer(x, layer, cached);
      then(this.#recompute ? this.#checkpointed(h, whole) : whole(h));
    }
    then(this.#norm(h, "model.norm"));
    return { y: h, back: (dy) => steps.reduceRight((d, step) => step.back(d), dy) };
  }

  #layer(h: string, layer: number, cached: Cached): Step {
    const name = `model.layers.${layer}`;
    const attention = this.#residual(h, `${name}.input_layernorm`, (x) =>
      this.#attention(x, `${name}.self_attn`, layer, cached),
    );
    const mlp = this.#residual(attention.y, `${name}.post_attention_layernorm`, (x) => this.#mlp(x, `${name}.mlp`));
    return {
      y: mlp.y,
      back: (dy) => {
        const before = new Set(this.#gradients.keys());
        const dx = attention.back(mlp.back(dy));
        // Its gradients first, or ONNX Runtime would keep what they are made of until all layers are through.
        const own = [...this.#gradients].filter(([name]) => !before.has(name)).flatMap(([, parts]) => parts);
        return this.#late(dx, [0, 0, -1], ...own);
      },
    };
  }

  /**
   * A step of which nothing but what it began with waits for the way back. That takes the step again, and not before it is there, or ONNX
   * Runtime would take it the first time for both.
   */
  #checkpointed(x: string, step: (x: string) => Step): Step {
    return { y: step(x).y, back: (dy) => step(this.#late(x, [0, 0, -1], dy)).back(dy) };
  }

  /** Next-token logits [B, T, vocab]. */
  logits(hidden: string): string {
    return this.#times(hidden, this.#head());
  }

  /** Weighted losses [B, T, 1], and the gradient of their sum with respect to the hidden states. */
  loss(hidden: string): { y: string; back(): string } {
    const { graph } = this;
    const [targets, weights] = [graph.input("targets", "int64"), graph.input("weights")];
    const logs = graph.add("LogSoftmax", [this.logits(hidden)], { attributes: { axis: -1 } });
    const places = this.#reshape(targets, [0, 0, 1]);
    const picked = graph.add("GatherElements", [logs, places], { attributes: { axis: 2 } });
    return {
      y: this.#mul(graph.add("Neg", [picked]), weights),
      back: () => {
        // (softmax − one-hot)·head, where the product with one-hot rows is a look-up.
        const expected = this.#back(graph.add("Exp", [logs]), this.#head());
        return this.#mul(this.#sub(expected, this.#rows(this.#head(), targets)), weights);
      },
    };
  }

  /** All gradients in the flat layout, [B, P] or [1, P]. */
  flatGradients(): string {
    const parts = this.#adapter!.layout.modules.flatMap(({ name }) => this.#gradients.get(name)!);
    return this.graph.add("Concat", parts, { attributes: { axis: 1 } });
  }

  #head(): string {
    return this.#config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  }

  /** x·Wᵀ. */
  #times(x: string, name: string): string {
    const { format, shape } = this.#frozen(name);
    if (format === "f32") return this.#matMul(x, this.graph.input(name), { transB: 1 });
    if (format === "f16") return this.#matMul(x, this.#widened(name, x), { transB: 1 });
    const [out, input] = shape as [number, number];
    const packed = [x, this.graph.input(name, "uint8"), this.graph.input(`${name}:scales`)];
    const attributes = { K: input, N: out, bits: 4, block_size: BLOCK };
    return this.graph.add("MatMulNBits", packed, { ...MICROSOFT, attributes });
  }

  /** dy·W, the gradient of x. */
  #back(dy: string, name: string): string {
    const { format, shape } = this.#frozen(name);
    if (format === "f32") return this.#matMul(dy, this.graph.input(name));
    if (format === "f16") return this.#matMul(dy, this.#widened(name, dy));
    // The low and the high halves of the bytes are every other column of W: the products with either are put together by turns.
    const { graph } = this;
    const [, input] = shape as [number, number];
    const bytes = this.#late(graph.input(name, "uint8"), [0, 0, BLOCK / 2], dy);
    const scales = this.#reshape(graph.input(`${name}:scales`), [0, 0, 1]);
    const [four, zero] = [this.#cast(graph.integers([4]), "uint8"), this.#cast(graph.integers([8]), "float")];
    const shift = (x: string, direction: string) => graph.add("BitShift", [x, four], { attributes: { direction } });
    const part = (half: string) => {
      const values = this.#mul(this.#sub(this.#cast(half, "float"), zero), scales);
      return graph.add("Unsqueeze", [this.#matMul(dy, this.#reshape(values, [0, -1])), graph.integers([-1])]);
    };
    const parts = [part(shift(shift(bytes, "LEFT"), "RIGHT")), part(shift(bytes, "RIGHT"))];
    const whole = this.#reshape(graph.add("Concat", parts, { attributes: { axis: -1 } }), [0, 0, -1]);
    if (input % BLOCK === 0) return whole;
    return graph.add("Slice", [whole, ...[[0], [input], [-1]].map((list) => graph.integers(list))]);
  }

  /** Rows of a matrix, which is not in 4 bits. */
  #rows(name: string, indices: string): string {
    if (this.#frozen(name).format === "f32") return this.graph.add("Gather", [this.graph.input(name), indices]);
    return this.#cast(this.graph.add("Gather", [this.graph.input(name, "float16"), indices]), "float");
  }

  /** A matrix of float16 as float32, for the time of one product. */
  #widened(name: string, when: string): string {
    return this.#cast(this.#late(this.graph.input(name, "float16"), [...this.#frozen(name).shape], when), "float");
  }

  /**
   * Reshapes a value, but only once others are there: the shape is said to depend on their sizes. Without it ONNX Runtime computes early, and
   * once for forward and backward pass: it would unpack all weights first, which takes the memory of the whole model in float32.
   */
  #late(x: string, shape: number[], ...when: string[]): string {
    const { graph } = this;
    const size = when.map((value) => graph.add("Size", [value])).reduce((sum, one) => this.#sum(sum, one));
    const nothing = this.#mul(size, graph.integers([0]));
    return graph.add("Reshape", [x, this.#sum(graph.integers(shape), nothing)]);
  }

  #cast(x: string, type: ElementType): string {
    return this.graph.add("Cast", [x], { attributes: { to: ELEMENT_TYPES[type] } });
  }

  /** x + inner(norm(x)). */
  #residual(x: string, norm: string, inner: (x: string) => Step): Step {
    const normed = this.#norm(x, norm);
    const step = inner(normed.y);
    return {
      y: this.#sum(x, step.y),
      back: (dy) => this.#sum(dy, normed.back(step.back(dy))),
    };
  }

  /** x / rms(x) · g. */
  #norm(x: string, name: string): Step {
    const { graph } = this;
    const gain = graph.input(`${name}.weight`);
    const attributes = { axis: -1, epsilon: { float: this.#config.normEps } };
    const [y, scale] = graph.addAll("SimplifiedLayerNormalization", [x, gain], 2, { attributes }) as [string, string];
    return {
      y,
      back: (dy) => {
        const [unit, du] = [this.#mul(x, scale), this.#mul(dy, gain)];
        const along = graph.add("ReduceMean", [this.#mul(du, unit)], { attributes: { axes: [-1], keepdims: 1 } });
        return this.#mul(scale, this.#sub(du, this.#mul(unit, along)));
      },
    };
  }

  /** x·Wᵀ + bias + α·s·(x·Aᵀ)·Bᵀ; leaves the gradients of A and B behind. */
  #linear(x: string, name: string): Step {
    const { graph } = this;
    const weight = `${name}.weight`;
    let y = this.#times(x, weight);
    if (this.#config.biases.some((linear) => name.endsWith(linear))) y = this.#sum(y, graph.input(`${name}.bias`));
    const module = this.#adapter?.layout.modules.find((each) => each.name === name);
    if (module === undefined) return { y, back: (dy) => this.#back(dy, weight) };

    const { layout, alpha } = this.#adapter!;
    const scale = layout.lora.alpha / layout.lora.rank;
    const [a, b] = [graph.input(`${name}.a`), graph.input(`${name}.b`)];
    const u = this.#matMul(x, a, { transB: 1 });
    const low = this.#matMul(u, b, { transB: 1, alpha: { float: alpha * scale } });
    return {
      y: this.#sum(y, low),
      back: (dy) => {
        const v = this.#matMul(dy, b, { alpha: { float: scale } });
        // Batched products over [B, T, ·] keep the examples apart, plain ones over [B·T, ·] add them up.
        const rows = (t: string, width: number) => (this.#reduce === "none" ? t : this.#reshape(t, [-1, width]));
        const flat = (t: string) => this.#reshape(t, this.#reduce === "none" ? [0, -1] : [1, -1]);
        const [dys, us] = [rows(dy, module.out), rows(u, layout.lora.rank)];
        const [vs, xs] = [rows(v, layout.lora.rank), rows(x, module.in)];
        const da = flat(this.#matMul(vs, xs, { transA: 1 }));
        const db = flat(this.#matMul(dys, us, { transA: 1, alpha: { float: scale } }));
        this.#gradients.set(name, [da, db]);
        return this.#sum(this.#back(dy, weight), this.#matMul(v, a, { alpha: { float: alpha } }));
      },
    };
  }

  /** Grouped-query attention; the query heads that share a key head are folded into its rows. */
  #attention(x: string, name: string, layer: number, cached: Cached): Step {
    const { graph } = this;
    const { heads, kvHeads, headDim } = this.#config;
    const alpha = { float: 1 / Math.sqrt(headDim) };
    const swap = (t: string) => graph.add("Transpose", [t], { attributes: { perm: [0, 2, 1, 3] } });
    /** [B, T, n·headDim] to [B, n, T, headDim] and back. */
    const split = (t: string, n: number) => swap(this.#reshape(t, [0, 0, n, headDim]));
    const join = (t: string, n: number) => this.#reshape(swap(t), [0, 0, n * headDim]);
    /** [B, heads, T, headDim] to [B, kvHeads, group·T, headDim] and back. */
    const fold = (t: string) => this.#reshape(t, [0, kvHeads, -1, headDim]);
    const unfold = (t: string) => this.#reshape(t, [0, heads, -1, headDim]);

    const q = this.#linear(x, `${name}.q_proj`);
    const k = this.#linear(x, `${name}.k_proj`);
    const v = this.#linear(x, `${name}.v_proj`);
    const queries = fold(split(this.#rotate(q.y, "sin"), heads));
    const keys = cached(`keys:${layer}`, split(this.#rotate(k.y, "sin"), kvHeads));
    const values = cached(`values:${layer}`, split(v.y, kvHeads));
    const scores = this.#sum(this.#matMul(queries, keys, { transB: 1, alpha }), graph.input("mask"));
    const shares = graph.add("Softmax", [scores], { attributes: { axis: -1 } });
    const o = this.#linear(join(unfold(this.#matMul(shares, values)), heads), `${name}.o_proj`);
    return {
      y: o.y,
      back: (dy) => {
        const mixed = fold(split(o.back(dy), heads));
        const weighted = this.#mul(this.#matMul(mixed, values, { transB: 1 }), shares);
        const total = graph.add("ReduceSum", [weighted, graph.integers([-1])], { attributes: { keepdims: 1 } });
        const dscores = this.#sub(weighted, this.#mul(shares, total));
        const dq = join(unfold(this.#matMul(dscores, keys, { alpha })), heads);
        const dk = join(this.#matMul(dscores, queries, { transA: 1, alpha }), kvHeads);
        const dv = join(this.#matMul(shares, mixed, { transA: 1 }), kvHeads);
        const [fromQ, fromK] = [q.back(this.#rotate(dq, "back")), k.back(this.#rotate(dk, "back"))];
        return this.#sum(this.#sum(fromQ, fromK), v.back(dv));
      },
    };
  }

  /** down(silu(gate(x))·up(x)). */
  #mlp(x: string, name: string): Step {
    const { graph } = this;
    const gate = this.#linear(x, `${name}.gate_proj`);
    const up = this.#linear(x, `${name}.up_proj`);
    const sigmoid = graph.add("Sigmoid", [gate.y]);
    const silu = this.#mul(gate.y, sigmoid);
    const down = this.#linear(this.#mul(silu, up.y), `${name}.down_proj`);
    return {
      y: down.y,
      back: (dy) => {
        const d = down.back(dy);
        // σ + xσ(1−σ) = σ + silu − silu·σ
        const slope = this.#sub(this.#sum(sigmoid, silu), this.#mul(silu, sigmoid));
        const dgate = this.#mul(this.#mul(d, up.y), slope);
        return this.#sum(gate.back(dgate), up.back(this.#mul(d, silu)));
      },
    };
  }

  /** Rotary position embedding of [B, T, n·headDim]; its transpose, for gradients, turns the other way. */
  #rotate(x: string, sin: "sin" | "back"): string {
    const { graph } = this;
    const inputs = [x, graph.integers([0]), graph.input("cos"), graph.input(sin)];
    return graph.add("RotaryEmbedding", inputs, MICROSOFT);
  }

  #matMul(a: string, b: string, attributes: NonNullable<NodeOptions["attributes"]> = {}): string {
    return this.graph.add("FusedMatMul", [a, b], { ...MICROSOFT, attributes });
  }
  #reshape(x: string, shape: number[]): string {
    return this.graph.add("Reshape", [x, this.graph.integers(shape)]);
  }
  #sum(a: string, b: string): string {
    return this.graph.add("Add", [a, b]);
  }
  #sub(a: string, b: string): string {
    return this.graph.add("Sub", [a, b]);
  }
  #mul(a: string, b: string): string {
    return this.graph.add("Mul", [a, b]);
  }
}
