import { readSections } from "./binary.ts";

/** Linear combinations of one kind (A, B or C), constraint by constraint, as flat arrays. */
export interface Terms {
  /** terms of constraint c are those from start[c] to start[c+1] */
  readonly start: Uint32Array;
  readonly signal: Uint32Array;
  readonly value: bigint[];
}

/** A·w ∘ B·w = C·w over signals w, where w_0 = 1 and w_1.. are the public inputs. */
export interface ConstraintSystem {
  readonly signals: number;
  readonly publics: number;
  readonly constraints: number;
  readonly a: Terms;
  readonly b: Terms;
  readonly c: Terms;
}

const FIELD_BYTES = 32;
const HEADER = 1;
const CONSTRAINTS = 2;

/** Reads a circom `.r1cs` file. Format: github.com/iden3/r1csfile, doc/r1cs_bin_format.md. */
export function readR1cs(path: string): ConstraintSystem {
  const found = readSections(path, "r1cs", [HEADER, CONSTRAINTS]);
  const sizes = header(found.get(HEADER)!);
  const data = found.get(CONSTRAINTS)!;
  const kinds = [0, 1, 2].map(() => ({
    start: new Uint32Array(sizes.constraints + 1),
    signal: [] as number[],
    value: [] as bigint[],
  }));
  const known = new Map<string, bigint>(); // few distinct coefficients: parse each once
  let at = 0;
  for (let constraint = 0; constraint < sizes.constraints; constraint++) {
    for (const kind of kinds) {
      const terms = data.readUInt32LE(at);
      at += 4;
      for (let term = 0; term < terms; term++) {
        kind.signal.push(data.readUInt32LE(at));
        const bytes = data.toString("latin1", at + 4, at + 4 + FIELD_BYTES);
        let value = known.get(bytes);
        if (value === undefined) {
          value = littleEndian(data.subarray(at + 4, at + 4 + FIELD_BYTES));
          known.set(bytes, value);
        }
        kind.value.push(value);
        at += 4 + FIELD_BYTES;
      }
      kind.start[constraint + 1] = kind.signal.length;
    }
  }
  const [a, b, c] = kinds.map(({ start, signal, value }) => ({ start, signal: Uint32Array.from(signal), value }));
  return { ...sizes, a: a!, b: b!, c: c! };
}

function header(data: Buffer): Pick<ConstraintSystem, "signals" | "publics" | "constraints"> {
  const at = 4 + FIELD_BYTES;
  return {
    signals: data.readUInt32LE(at),
    publics: data.readUInt32LE(at + 4) + data.readUInt32LE(at + 8),
    constraints: data.readUInt32LE(at + 24),
  };
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}
