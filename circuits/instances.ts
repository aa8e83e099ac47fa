import { OpenLedgerError } from "../sdk/errors.ts";

/**
 * Sizes of the attribution circuit, as data. A settlement of N rows uses ceil(N / rows) proofs of one instance; larger
 * instances cost fewer proofs on-chain and more time and memory in one piece off-chain.
 */
export interface Instance {
  /** Name in file names and logs. */
  readonly name: string;
  /** R: rows of one chunk, a multiple of BLOCK_ROWS. */
  readonly rows: number;
  /** log2 of the evaluation domain that the instance is meant to fill. */
  readonly domainPower: number;
  /** What proving one chunk takes, in MB: measured with snarkjs (Linux, two busy cores), and a quarter more. */
  readonly memoryMB: number;
}

/** Rows packed into one Poseidon-16 call: 15 elements of 14 rows (see src/attribution.circom). */
export const BLOCK_ROWS = 210;

/** Public inputs of the circuit: z, x, h, y, a. */
export const PUBLIC_INPUTS = 5;

export const INSTANCES = {
  r210: { name: "r210", rows: 210, domainPower: 13, memoryMB: 600 },
  r1260: { name: "r1260", rows: 1_260, domainPower: 15, memoryMB: 700 },
  r5040: { name: "r5040", rows: 5_040, domainPower: 17, memoryMB: 910 },
  r20790: { name: "r20790", rows: 20_790, domainPower: 19, memoryMB: 2420 },
} as const satisfies Record<string, Instance>;

/**
 * The instance for so many rows: the one with the fewest chunks, each of which costs gas in every settlement, whose chunk
 * can be proven in `memoryMB`; of several with as many chunks the smallest, which takes the least time.
 * @returns undefined where no chunk fits into the memory
 */
export function chooseInstance(
  rows: number,
  memoryMB: number,
  instances: readonly Instance[] = Object.values(INSTANCES),
): Instance | undefined {
  const chunks = (instance: Instance) => Math.ceil(rows / instance.rows);
  return instances
    .filter((instance) => instance.memoryMB <= memoryMB)
    .sort((a, b) => chunks(a) - chunks(b) || a.rows - b.rows)[0];
}

/** The instance of so many rows. @throws OpenLedgerError `CHUNK_UNKNOWN` */
export function instanceOf(chunkRows: number): Instance {
  const instance = Object.values(INSTANCES).find(({ rows }) => rows === chunkRows);
  if (!instance) {
    const sizes = Object.values(INSTANCES).map(({ rows }) => rows);
    throw new OpenLedgerError(
      "CHUNK_UNKNOWN",
      `chunkRows: there is no circuit of ${chunkRows} rows. Choose ${sizes.join(", ")}.`,
    );
  }
  return instance;
}

/** The domain must hold every constraint, one row per public input, and one for the constant 1 (snarkjs' layout). */
export function fitsDomain(instance: Instance, constraints: number): boolean {
  return constraints + PUBLIC_INPUTS + 1 <= 2 ** instance.domainPower;
}
