import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { OpenLedgerError } from "../sdk/errors.ts";
import { cached, contentHash, ROOT } from "./cache.ts";
import { BLOCK_ROWS, type Instance } from "./instances.ts";

/** What circom makes of a source. */
export interface Compiled {
  /** Hash of sources, compiler and options: equal hashes mean equal circuits. */
  readonly hash: string;
  /** Constraint system, for key generation. */
  readonly r1cs: string;
  /** Witness generator. */
  readonly wasm: string;
}

export interface CompiledCircuit extends Compiled {
  readonly instance: Instance;
}

const CIRCOM = join(ROOT, "node_modules/circom2");
const SOURCES = ["circuits/src/attribution.circom", "circuits/src/poseidon16.circom"];
// --O1 removes renamed signals only: fast, and the templates leave hardly any linear constraints to remove.
const OPTIONS = ["--O1", "--r1cs", "--wasm"];

/** Compiles an instance into `build/circuits/<name>-<hash>/`, once. */
export async function compileCircuit(instance: Instance): Promise<CompiledCircuit> {
  if (instance.rows < BLOCK_ROWS || instance.rows % BLOCK_ROWS !== 0) {
    throw new OpenLedgerError(
      "CIRCUIT_ROWS",
      `Instance ${instance.name} has ${instance.rows} rows. Give a positive multiple of ${BLOCK_ROWS}.`,
    );
  }
  const blocks = instance.rows / BLOCK_ROWS;
  const main =
    'pragma circom 2.2.0;\n\ninclude "attribution.circom";\n\n' +
    `component main {public [z, x, h, y, a]} = Attribution(${blocks});\n`;
  return { instance, ...(await compileSource(instance.name, main, SOURCES)) };
}

/**
 * Compiles a main component, once.
 * @param sources paths of all that it includes but circomlib, relative to the repository
 * @throws OpenLedgerError `CIRCUIT_COMPILE`
 */
export async function compileSource(name: string, main: string, sources: readonly string[]): Promise<Compiled> {
  const versions = ["circom2", "circomlib"].map((library) => {
    const manifest = readFileSync(join(ROOT, "node_modules", library, "package.json"), "utf8");
    return `${library}@${(JSON.parse(manifest) as { version: string }).version}`;
  });
  const hash = contentHash(main, ...sources.map((path) => readFileSync(join(ROOT, path))), ...versions, "--O1");
  const folders = [...new Set(sources.map((path) => join(ROOT, dirname(path)))), join(ROOT, "node_modules")];

  const folder = await cached(join(ROOT, "build/circuits", `${name}-${hash}`), async (temporary) => {
    mkdirSync(temporary, { recursive: true });
    const source = join(temporary, "main.circom");
    writeFileSync(source, main);
    await circom([source, ...OPTIONS, ...folders.flatMap((one) => ["-l", one]), "-o", temporary], name);
    renameSync(join(temporary, "main_js/main.wasm"), join(temporary, "main.wasm"));
  });
  return { hash, r1cs: join(folder, "main.r1cs"), wasm: join(folder, "main.wasm") };
}

async function circom(args: string[], name: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [join(CIRCOM, "cli.js"), ...args], { cwd: ROOT });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    throw new OpenLedgerError("CIRCUIT_COMPILE", `circom refused ${name}. Mend its sources: ${stdout}${stderr}`, {
      cause,
    });
  }
}
