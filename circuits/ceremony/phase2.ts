import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zKey } from "snarkjs";
import { OpenLedgerError } from "../../sdk/errors.ts";
import { cached, contentHash, ROOT } from "../cache.ts";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import type { Instance } from "../instances.ts";
import { sectionTable } from "../setup/binary.ts";
import { type Contribution, readContributions } from "./contributions.ts";
import type { Powers } from "./powers.ts";

/*
 * Phase 2 of a Groth16 setup (Bowe, Gabizon, Miers: eprint.iacr.org/2017/1050): each contributor multiplies δ by a secret of his
 * own and forgets it. Whoever knows all of them can forge; one who kept none is enough. snarkjs does the arithmetic.
 */

const BEACON_EXPONENTS = { least: 10, most: 63 };

/**
 * The key before any contribution. It follows from the circuit's sources and the powers alone, so anyone makes the same; it is
 * kept under `build/`, since a large one takes long.
 */
export async function initialKey(circuit: CompiledCircuit, powers: Powers): Promise<string> {
  const hash = contentHash(readFileSync(circuit.r1cs), powers.blake2b);
  const path = join(ROOT, "build/ceremony", `initial-${circuit.instance.name}-${hash}.zkey`);
  return cached(path, async (temporary) => {
    if ((await zKey.newZKey(circuit.r1cs, powers.path, temporary)) === -1)
      throw new OpenLedgerError(
        "POWERS_TOO_SMALL",
        `powers: ${powers.path} does not reach the circuit of ${circuit.instance.rows} rows, or was not prepared for phase 2. ` +
          `Take one of 2^${circuit.instance.domainPower} or more.`,
      );
  });
}

/** Starts a ceremony: writes the key that the first contributor takes. */
export async function setup(instance: Instance, powers: Powers, next: string): Promise<void> {
  const initial = await initialKey(await compileCircuit(instance), powers);
  await write(next, async (temporary) => copyFileSync(initial, temporary));
}

/**
 * Adds a contribution. Its secret comes from the operating system's randomness and is nowhere kept.
 * @param name shown in the transcript
 */
export async function contribute(previous: string, next: string, name: string): Promise<Contribution> {
  sectionTable(previous, "zkey");
  await write(next, async (temporary) => {
    await zKey.contribute(previous, temporary, name, randomBytes(64).toString("hex"));
  });
  return (await readContributions(next)).at(-1)!;
}

/**
 * Ends a ceremony with public randomness that nobody could know before the last contribution.
 * @param value hex, up to 255 bytes
 * @param iterationsExponent the value is hashed 2^exponent times, 10 to 63
 * @throws OpenLedgerError `BEACON_INVALID`
 */
export async function beacon(
  previous: string,
  next: string,
  value: string,
  iterationsExponent: number,
): Promise<Contribution> {
  const { least, most } = BEACON_EXPONENTS;
  const wrong = !/^([0-9a-f]{2}){1,255}$/.test(value)
    ? "value: must be 1 to 255 bytes in hex, lower case, without 0x"
    : !Number.isInteger(iterationsExponent) || iterationsExponent < least || iterationsExponent > most
      ? `iterations: must be ${least} to ${most}, for 2^${least} to 2^${most} hashes`
      : undefined;
  if (wrong) throw new OpenLedgerError("BEACON_INVALID", `${wrong}. Take the randomness that was announced.`);
  sectionTable(previous, "zkey");
  await write(next, async (temporary) => {
    await zKey.beacon(previous, temporary, "beacon", value, iterationsExponent);
  });
  return (await readContributions(next)).at(-1)!;
}

/** A ceremony's files are never overwritten. */
async function write(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  if (existsSync(path))
    throw new OpenLedgerError("KEY_EXISTS", `next: ${path} exists already. Name another file, or move it away.`);
  await cached(path, make);
}
