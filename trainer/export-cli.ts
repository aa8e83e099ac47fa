import { parseArgs } from "node:util";
import { OpenLedgerError } from "../sdk/errors.ts";
import { EXPORTS, type ExportKind, exportModel } from "./export.ts";
import { WEIGHT_FORMATS, type WeightFormat } from "./packed.ts";

export const HELP = `openledger export: writes a model for other programs, in float32

  openledger export --as KIND --base FOLDER --adapter FOLDER --out PATH

  --as KIND         what to write:
${Object.entries(EXPORTS)
  .map(([kind, what]) => `                      ${kind.padEnd(12)} ${what}`)
  .join("\n")}
  --base FOLDER     Hugging Face folder (default models/tiny-llama)
  --adapter FOLDER  PEFT folder; not needed for gguf
  --weights FORMAT  of the base that the adapter was learned over: f32 (default), f16 or q4. The base is then written with the
                    values that they stand for, still in float32, so that it answers as it was trained; the adapter
                    alone (gguf-lora) is the same for all
  --out PATH        file, or folder for merged; must not exist`;

const OPTIONS = {
  as: { type: "string" },
  base: { type: "string", default: "models/tiny-llama" },
  adapter: { type: "string" },
  weights: { type: "string", default: "f32" },
  out: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** `openledger export …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const { as: kind = "", base, adapter, weights, out, help } = parse(args);
  if (help) {
    console.log(HELP);
    return 0;
  }
  if (!Object.hasOwn(EXPORTS, kind)) throw wrong(`--as must be one of ${Object.keys(EXPORTS).join(", ")}`);
  if (!WEIGHT_FORMATS.includes(weights as WeightFormat))
    throw wrong(`--weights must be one of ${WEIGHT_FORMATS.join(", ")}`);
  if (out === undefined) throw wrong("--out is missing");
  exportModel(kind as ExportKind, base, adapter, out, weights as WeightFormat);
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
