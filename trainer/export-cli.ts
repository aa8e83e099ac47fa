import { Command } from "../sdk/command.ts";
import { EXPORTS, type ExportKind, exportModel } from "./export.ts";
import { WEIGHT_FORMATS } from "./packed.ts";

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

const command = new Command("export");

/** `openledger export …` @returns exit code */
export async function main(args: string[]): Promise<number> {
  const { as: kind, base, adapter, weights, out, help } = command.parse(args, OPTIONS);
  if (help) {
    console.log(HELP);
    return 0;
  }
  const as = command.oneOf("as", kind ?? "", Object.keys(EXPORTS) as ExportKind[]);
  const format = command.oneOf("weights", weights, WEIGHT_FORMATS);
  const to = command.required("out", out);
  exportModel(as, base, adapter, to, format);
  console.log(`Wrote ${EXPORTS[as]}: ${to}`);
  return 0;
}
