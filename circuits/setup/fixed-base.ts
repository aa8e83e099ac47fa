import { type Bn254, G1_BYTES, G2_BYTES } from "../bn254.ts";

const WINDOW = 12; // bits; three hexadecimal digits
const WINDOWS = 22; // 22 * 12 = 264 ≥ 254
const ENTRIES = 2 ** WINDOW;
const BATCH = 4_096;

/**
 * Multiples of the generator of G1 or G2 by many scalars: with all multiples of 2^(12w)·G in a table, each costs 22
 * additions. Returns raw points, in the order of the scalars (each in [0, r)).
 */
export function multiplyGenerator(bn254: Bn254, group: "G1" | "G2", scalars: readonly bigint[]): Uint8Array {
  const { wasm, curve } = bn254;
  const prefix = group === "G1" ? "g1m" : "g2m";
  const affine = group === "G1" ? G1_BYTES : G2_BYTES;
  const jacobian = (affine / 2) * 3;
  const call = (name: string, ...pointers: number[]) => wasm[`${prefix}_${name}`]!(...pointers);
  const result = new Uint8Array(scalars.length * affine);

  bn254.withMemory((allocate) => {
    const table = allocate(WINDOWS * ENTRIES * affine);
    const multiples = allocate(ENTRIES * jacobian);
    const base = allocate(jacobian);
    const sums = allocate(BATCH * jacobian);
    const points = allocate(BATCH * affine);

    bn254.write(base, curve[group].g);
    for (let w = 0; w < WINDOWS; w++) {
      call("zero", multiples);
      for (let i = 1; i < ENTRIES; i++) call("add", multiples + (i - 1) * jacobian, base, multiples + i * jacobian);
      call("add", multiples + (ENTRIES - 1) * jacobian, base, base);
      call("batchToAffine", multiples, ENTRIES, table + w * ENTRIES * affine);
    }

    for (let start = 0; start < scalars.length; start += BATCH) {
      const batch = scalars.slice(start, start + BATCH);
      batch.forEach((scalar, i) => {
        const sum = sums + i * jacobian;
        call("zero", sum);
        const digits = scalar.toString(16).padStart((WINDOWS * WINDOW) / 4, "0");
        for (let w = 0; w < WINDOWS; w++) {
          const at = digits.length - 3 * (w + 1);
          const digit = Number.parseInt(digits.slice(at, at + 3), 16);
          if (digit !== 0) call("addMixed", sum, table + (w * ENTRIES + digit) * affine, sum);
        }
      });
      call("batchToAffine", sums, batch.length, points);
      result.set(bn254.read(points, batch.length * affine), start * affine);
    }
  });
  return result;
}
