import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../circuits/cache.ts";

/** solc of npm, by its standard JSON. */
const solc = createRequire(import.meta.url)("solc") as {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
};

/** A node of solc's syntax tree. `src` is "start:length:file", in bytes of the UTF-8 source. */
export interface Node {
  readonly nodeType: string;
  readonly src: string;
  readonly [key: string]: unknown;
}

export interface Compiled {
  readonly abi: never[];
  /** Creation code. */
  readonly bytecode: string;
  /** Of the file compiled. */
  readonly ast: Node;
}

const texts = new Map<string, string>();

/** The text of a source by its import path; ours begin with "contracts/". */
export function sourceOf(path: string): string {
  let text = texts.get(path);
  if (text === undefined) {
    text = readFileSync(join(ROOT, path.startsWith("contracts/") ? path : join("node_modules", path)), "utf8");
    texts.set(path, text);
  }
  return text;
}

/**
 * Compiles one contract, without the metadata's hash in its code.
 * @param read what gives each source
 * @throws Error with solc's message
 */
export function compile(file: string, contract: string, optimizer: object, read = sourceOf): Compiled {
  const input = {
    language: "Solidity",
    sources: { [file]: { content: read(file) } },
    settings: {
      optimizer,
      evmVersion: "cancun",
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { [file]: { [contract]: ["abi", "evm.bytecode.object"], "": ["ast"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) })) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { abi: never[]; evm: { bytecode: { object: string } } }>>;
    sources: Record<string, { ast: Node }>;
  };
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error) throw new Error(error.formattedMessage);
  const { abi, evm } = output.contracts[file]![contract]!;
  return { abi, bytecode: `0x${evm.bytecode.object}`, ast: output.sources[file]!.ast };
}
