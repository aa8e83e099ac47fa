import { getBytes } from "ethers";
import { keccak } from "../../sdk/hash.ts";

/** Entries this small keep Σ_j g_ij² ≤ 136² for every row of k entries. */
const LARGEST_ENTRY: Record<number, number> = { 128: 12, 256: 8, 512: 6 };

/** Column that is zero, row that is zero, and two columns that are the same. */
export const ZERO_COLUMN = 5;
export const ZERO_ROW = 7;
export const EQUAL_COLUMNS = [8, 9] as const;

/** The same integers in [-limit, limit] for the same label. */
export function integers(label: string, length: number, limit: number): Int8Array {
  const numbers = new Int8Array(length);
  for (let i = 0; i < length; i += 32) {
    getBytes(keccak(["string", "uint256"], [label, i])).forEach((byte, j) => {
      if (i + j < length) numbers[i + j] = (byte % (2 * limit + 1)) - limit;
    });
  }
  return numbers;
}

/** Sketches whose first column is positive, but for a zero row, and which have a zero column and two equal ones. */
export function sampleSketches(rows: number, k: number): Int8Array {
  const sketches = integers(`sketches ${rows} ${k}`, rows * k, LARGEST_ENTRY[k]!);
  for (let i = 0; i < rows; i++) {
    const row = sketches.subarray(i * k, (i + 1) * k);
    row[0] = 1 + Math.abs(row[0]!) / 2;
    row[ZERO_COLUMN] = 0;
    row[EQUAL_COLUMNS[1]] = row[EQUAL_COLUMNS[0]]!;
    if (i === ZERO_ROW) row.fill(0);
  }
  return sketches;
}

/** A query with entries of both signs. */
export const sampleQuery = (k: number): Int8Array => integers(`query ${k}`, k, 20);

/** A query of zeros but for the entries named. */
export function sparseQuery(k: number, entries: Record<number, number>): Int8Array {
  const query = new Int8Array(k);
  for (const [j, entry] of Object.entries(entries)) query[Number(j)] = entry;
  return query;
}
