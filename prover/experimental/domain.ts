import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Bn254, G1_BYTES } from "../../circuits/bn254.ts";
import { cached, contentHash, ROOT } from "../../circuits/cache.ts";
import { inverses, power as raise } from "../../circuits/field.ts";
import { DEV_TAU, devSrs } from "../../circuits/setup/dev.ts";
import { multiplyGenerator } from "../../circuits/setup/fixed-base.ts";
import type { Srs } from "../../circuits/setup/srs.ts";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { FIELD, type G1, mod } from "../../sdk/hash.ts";
import { open } from "../kzg.ts";
import { domainId, tableChallenge } from "./transcript.ts";
import { Vectors } from "./vectors.ts";

/** Entries of the table: a limb is a byte. */
export const TABLE = 256;

const MIN_POWER = 8; // the table must fit
const MAX_POWER = 28; // of two in r − 1

/** EXPERIMENTAL: the rows 1, ω, …, ω^(n−1) and all that does not depend on a model. */
export interface Domain {
  /** n = 2^power */
  readonly power: number;
  readonly size: number;
  readonly omega: bigint;
  readonly srs: Srs;
  /** raw points L_i(τ)·G1, where L_i is 1 at ω^i and 0 at the other rows */
  readonly lagrange: Uint8Array;
  /** commits t(X), whose value at ω^i is i mod 256 */
  readonly table: G1;
  readonly id: string;
}

/** Domain over the development powers of τ; its Lagrange points are kept under `build/srs/`. */
export async function devDomain(power: number): Promise<Domain> {
  if (!Number.isInteger(power) || power < MIN_POWER || power > MAX_POWER)
    throw new OpenLedgerError(
      "DOMAIN_POWER",
      `power is ${power}. Take an integer from ${MIN_POWER} to ${MAX_POWER}: 2^power rows must hold all rows.`,
    );
  const bn254 = await Bn254.load();
  const size = 2 ** power;
  const omega = bn254.curve.Fr.toObject(bn254.curve.Fr.w[power]!);
  const name = `dev-${contentHash(String(DEV_TAU))}-lagrange-${size}.bin`;
  const path = await cached(join(ROOT, "build/srs", name), async (temporary) => {
    // L_i(τ) = (τ^n − 1)·ω^i / (n·(τ − ω^i))
    const rows = powersOf(omega, size);
    const factor = mod((raise(DEV_TAU, BigInt(size)) - 1n) * inverses([BigInt(size)])[0]!);
    const scalars = inverses(rows.map((row) => mod(DEV_TAU - row))).map((inverse, i) =>
      mod(mod(inverse * rows[i]!) * factor),
    );
    writeFileSync(temporary, multiplyGenerator(bn254, "G1", scalars));
  });
  const lagrange = new Uint8Array(readFileSync(path));
  const srs = await devSrs(size);
  const table = bn254.withMemory((allocate) => {
    const bases = allocate(size * G1_BYTES);
    bn254.write(bases, lagrange);
    return new Vectors(bn254, allocate).commitIntegers(tableRows(size), bases);
  });
  return { power, size, omega, srs, lagrange, table, id: domainId(power, table, srs.tauG2) };
}

/** Opening that shows a contract that `table` commits the table. */
export async function openTable({ size, id, srs }: Domain): Promise<G1> {
  const bn254 = await Bn254.load();
  const coefficients = bn254.withMemory((allocate) => {
    const vectors = new Vectors(bn254, allocate);
    const values = vectors.load(tableRows(size));
    bn254.wasm.frm_ifft!(values, size);
    return Array.from({ length: size }, (_, i) => vectors.read(values + i * 32));
  });
  return (await open(coefficients, tableChallenge(id), srs)).w;
}

export const tableRows = (size: number): bigint[] => Array.from({ length: size }, (_, i) => BigInt(i % TABLE));

export function powersOf(base: bigint, length: number): bigint[] {
  const result = new Array<bigint>(length);
  for (let i = 0, value = 1n; i < length; i++, value = (value * base) % FIELD) result[i] = value;
  return result;
}
