/** An attribute of a node; ONNX tells floats from integers, JavaScript does not. */
export type Attribute = number | number[] | string | { float: number };
export interface NodeOptions {
  domain?: string;
  attributes?: Record<string, Attribute>;
}
export type ElementType = "float" | "float16" | "uint8" | "int64";
type Node = { op: string; inputs: string[]; outputs: string[] } & Required<NodeOptions>;

/** TensorProto.DataType */
export const ELEMENT_TYPES: Record<ElementType, number> = { float: 1, uint8: 2, int64: 7, float16: 10 };
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 }; // AttributeProto.AttributeType
const OPSETS = { "": 17, "com.microsoft": 1 };

/** Builds an ONNX model node by node. Values are known by name; their shapes are left to the run. */
export class Graph {
  readonly #nodes: Node[] = [];
  readonly #inputs = new Map<string, ElementType>();
  readonly #constants = new Map<string, number[]>();
  /** Name of each output, by the value it is. */
  readonly #outputs = new Map<string, string>();

  /** A value that the run is given; naming it again is the same value. */
  input(name: string, type: ElementType = "float"): string {
    this.#inputs.set(name, type);
    return name;
  }

  /** A list of integers, as shapes, axes and indices are given to nodes. */
  integers(values: number[]): string {
    const name = `ints:${values}`;
    this.#constants.set(name, values);
    return name;
  }

  /** Adds a node and returns its value (its first, where it has several). */
  add(op: string, inputs: string[], options: NodeOptions = {}): string {
    return this.addAll(op, inputs, 1, options)[0]!;
  }

  /** Adds a node of several values; an operator's optional outputs in between are written as "". */
  addAll(op: string, inputs: string[], outputs: number, { domain = "", attributes = {} }: NodeOptions = {}): string[] {
    const names = Array.from({ length: outputs }, (_, n) => `${op}:${this.#nodes.length}:${n}`);
    this.#nodes.push({ op, inputs, outputs: names, domain, attributes });
    return names;
  }

  /** Makes a value an output under a name of its own. */
  output(name: string, value: string): void {
    this.#outputs.set(value, name);
  }

  /** The serialised model (onnx.proto3, whose field numbers these are), without what no output needs. */
  encode(): Uint8Array {
    const needed = new Set(this.#outputs.keys());
    const nodes = this.#nodes.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some((name) => needed.has(name))) return false;
      for (const name of inputs) needed.add(name);
      return true;
    });
    const value = (name: string, type: ElementType) => [
      ...text(1, name),
      ...message(2, message(1, int(1, ELEMENT_TYPES[type]))),
    ];
    const graph = [
      ...nodes.toReversed().flatMap((node) => message(1, encodeNode(node, this.#outputs))),
      ...text(2, "graph"),
      ...[...this.#constants].flatMap(([name, values]) => (needed.has(name) ? message(5, constant(name, values)) : [])),
      ...[...this.#inputs].flatMap(([name, type]) => (needed.has(name) ? message(11, value(name, type)) : [])),
      ...[...this.#outputs.values()].flatMap((name) => message(12, value(name, "float"))),
    ];
    const opsets = Object.entries(OPSETS).flatMap(([domain, version]) =>
      message(8, [...text(1, domain), ...int(2, version)]),
    );
    return Uint8Array.from([...int(1, 8), ...message(7, graph), ...opsets]);
  }
}

function encodeNode(node: Node, renamed: ReadonlyMap<string, string>): number[] {
  const { op, inputs, outputs, domain, attributes } = node;
  return [
    ...inputs.flatMap((name) => text(1, renamed.get(name) ?? name)),
    ...outputs.flatMap((name) => text(2, renamed.get(name) ?? name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => message(5, [...text(1, name), ...attribute(value)])),
    ...text(7, domain),
  ];
}

function attribute(value: Attribute): number[] {
  if (Array.isArray(value)) return [...value.flatMap((v) => int(8, v)), ...int(20, ATTRIBUTE_TYPES.ints)];
  if (typeof value === "string") return [...text(4, value), ...int(20, ATTRIBUTE_TYPES.string)];
  if (typeof value === "number") return [...int(3, value), ...int(20, ATTRIBUTE_TYPES.int)];
  return [...float(2, value.float), ...int(20, ATTRIBUTE_TYPES.float)];
}

function constant(name: string, values: number[]): number[] {
  const raw = [...new Uint8Array(BigInt64Array.from(values, BigInt).buffer)];
  return [...int(1, values.length), ...int(2, ELEMENT_TYPES.int64), ...text(8, name), ...message(9, raw)];
}

// Protocol-buffer wire format, as far as the model above needs it.
function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
}
function int(field: number, value: number): number[] {
  return [...varint(BigInt(field << 3)), ...varint(BigInt.asUintN(64, BigInt(value)))];
}
function float(field: number, value: number): number[] {
  return [(field << 3) | 5, ...new Uint8Array(Float32Array.of(value).buffer)];
}
function message(field: number, bytes: number[]): number[] {
  return [...varint(BigInt((field << 3) | 2)), ...varint(BigInt(bytes.length)), ...bytes];
}
function text(field: number, value: string): number[] {
  return message(field, [...Buffer.from(value)]);
}
