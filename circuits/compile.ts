import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { OpenLedgerError } from "../sdk/errors.ts";
import { cached, contentHash, ROOT } from "./cache.ts";
import { BLOCK_ROWS, type Instance } from "./instances.ts";

export interface CompiledCircuit {
  readonly instance: Instance;
  /** Hash of sources, compiler and options: equal hashes mean equal circuits. */
  readonly hash: string;
  /** Constraint system, for key generation. */
  readonly r1cs: string;
  /** Witness generator. */
  readonly wasm: string;
}

const CIRCOM = join(ROOT, "node_modules/circom2");
const SOURCES = ["circuits/src/attribution.circom", "circuits/src/poseidon16.circom"];
// --O1 removes renamed signals only: fast, and the templates leave hardly any linear constraints to remove.
const OPTIONS = ["--O1", "--r1cs", "--wasm", "-l", join(ROOT, "circuits/src"), "-l", join(ROOT, "node_modules")];

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
  const versions = ["circom2", "circomlib"].map((name) => {
    const manifest = readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8");
    return `${name}@${(JSON.parse(manifest) as { version: string }).version}`;
  });
  const hash = contentHash(main, ...SOURCES.map((path) => readFileSync(join(ROOT, path))), ...versions, "--O1");

  const folder = await cached(join(ROOT, "build/circuits", `${instance.name}-${hash}`), async (temporary) => {
    mkdirSync(temporary, { recursive: true });
    const source = join(temporary, "main.circom");
    writeFileSync(source, main);
    await circom([source, ...OPTIONS, "-o", temporary], instance);
    renameSync(join(temporary, "main_js/main.wasm"), join(temporary, "main.wasm"));
  });
  return { instance, hash, r1cs: join(folder, "main.r1cs"), wasm: join(folder, "main.wasm") };
}

async function circom(args: string[], instance: Instance): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [join(CIRCOM, "cli.js"), ...args], { cwd: ROOT });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    throw new OpenLedgerError(
      "CIRCUIT_COMPILE",
      `circom refused instance ${instance.name}. Mend circuits/src: ${stdout}${stderr}`,
      { cause },
    );
  }
}
