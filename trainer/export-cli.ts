import { parseArgs } from "node:util";
import { OpenLedgerError } from "../sdk/errors.ts";
import { EXPORTS, type ExportKind, exportModel } from "./export.ts";

export const HELP = `openledger export: writes a model for other programs, in float32

  openledger export --as KIND --base FOLDER --adapter FOLDER --out PATH

  --as KIND         what to write:
${Object.entries(EXPORTS)
  .map(([kind, what]) => `                      ${kind.padEnd(12)} ${what}`)
  .join("\n")}
  --base FOLDER     Hugging Face folder (default models/tiny-llama)
  --adapter FOLDER  PEFT folder; not needed for gguf
  --out PATH        file, or folder for merged; must not exist`;

const OPTIONS = {
  as: { type: "string" },
  base: { type: "string", default: "models/tiny-llama" },
  adapter: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** `openledger export …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const { as: kind = "", base, adapter, out, help } = parse(args);
  if (help) {
    console.log(HELP);
    return 0;
  }
  if (!Object.hasOwn(EXPORTS, kind)) throw wrong(`--as must be one of ${Object.keys(EXPORTS).join(", ")}`);
  if (out === undefined) throw wrong("--out is missing");
  exportModel(kind as ExportKind, base, adapter, out);
  console.log(`Wrote ${EXPORTS[kind as ExportKind]}: ${out}`);
  return 0;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

const wrong = (problem: string) => new OpenLedgerError("USAGE", `${problem}. See openledger export --help.`);
