import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { areRecordsOf, type RowRecords } from "../../sdk/row-fates.ts";
import type { Matrix } from "../engine.ts";
import type { WeightFormat } from "../packed.ts";
import { sharedMatrix } from "./blocks.ts";
import type { SketchBasis } from "./sketch.ts";

export const METHOD_VERSION = 3;

/**
 * A model's sketches: what is committed, and what is needed to sketch a query the same way. On disk a folder of
 *
 * - `rows.int8`: N×k signed bytes, row-major, in on-chain row order
 * - `basis.f32`: P×k little-endian floats, row-major; P in the adapter's flat layout (see LoraModule)
 * - `sketches.json`: everything else
 */
export interface Sketches extends RowRecords {
  rows: Int8Array;
  count: number;
  k: number;
  basis: SketchBasis;
  /** Least movement, see leastMovement. */
  m0: number;
  /** Where gradients are taken: 0 base, 1 adapter. */
  alpha: number;
  /** How the base's weights were kept, where not in float32; queries are sketched over the same. */
  weightFormat?: WeightFormat;
  /** Names of the adapter's modules in the order of the flat layout. */
  modules: string[];
}

export function saveSketches(folder: string, sketches: Sketches): void {
  const { rows, basis, ...rest } = sketches;
  const { basis: matrix, eigenvalues, energyKept } = basis;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "rows.int8"), new Uint8Array(rows.buffer, rows.byteOffset, rows.length));
  writeFileSync(
    path.join(folder, "basis.f32"),
    new Uint8Array(matrix.data.buffer, matrix.data.byteOffset, matrix.data.byteLength),
  );
  const manifest = {
    methodVersion: METHOD_VERSION,
    ...rest,
    parameters: matrix.shape[0],
    eigenvalues,
    energyKept,
  };
  writeFileSync(path.join(folder, "sketches.json"), `${JSON.stringify(manifest)}\n`);
}

export function loadSketches(folder: string): Sketches {
  const read = (name: string) => {
    try {
      return new Uint8Array(readFileSync(path.join(folder, name)));
    } catch (cause) {
      throw new OpenLedgerError(
        "TRAINER_SKETCHES",
        `sketches: ${name} cannot be read from ${folder}; build them again`,
        { cause },
      );
    }
  };
  const manifest = parse(new TextDecoder().decode(read("sketches.json")));
  const { methodVersion, parameters, eigenvalues, energyKept, ...rest } = manifest;
  if (methodVersion !== METHOD_VERSION) {
    const found = `methodVersion is ${methodVersion}, this program implements ${METHOD_VERSION}`;
    throw new OpenLedgerError("TRAINER_SKETCHES", `sketches: ${found}; use the program of that version`);
  }
  const rows = new Int8Array(read("rows.int8").buffer);
  const { data } = shared(read("basis.f32"));
  if (rows.length !== rest.count * rest.k || data.length !== parameters * rest.k || !areRecordsOf(rest.count, rest)) {
    throw new OpenLedgerError("TRAINER_SKETCHES", "sketches: file sizes do not fit sketches.json; build them again");
  }
  const basis = {
    basis: { data, shape: [parameters, rest.k] as [number, number] },
    k: rest.k,
    eigenvalues,
    energyKept,
  };
  return { ...rest, rows, basis };
}

function parse(text: string) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OpenLedgerError("TRAINER_SKETCHES", "sketches: sketches.json is not JSON; build them again", { cause });
  }
}

/** Floats as memory that threads share: a basis is large. */
function shared(bytes: Uint8Array): Matrix {
  const matrix = sharedMatrix(1, Math.floor(bytes.length / 4));
  new Uint8Array(matrix.data.buffer).set(bytes.subarray(0, matrix.data.byteLength));
  return matrix;
}
