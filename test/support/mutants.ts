import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../../circuits/cache.ts";

/** solc of npm, by its standard JSON. */
const solc = createRequire(import.meta.url)("solc") as {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
};

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: never[]; evm: { bytecode: { object: string } } }>>;
}

/** One change of a source's text: `from` must stand there exactly once. */
export interface Mutation {
  readonly source: "attribution/AttributionVerifier" | "libraries/Transcript";
  readonly from: string;
  readonly to: string;
}

const VERIFIER = "contracts/attribution/AttributionVerifier.sol";

/** AttributionVerifier as it would be with these changes: the verifier that a check's absence gives. */
export function compileVerifier(mutations: readonly Mutation[]): { abi: never[]; bytecode: string } {
  const read = (path: string): string => {
    let text = readFileSync(join(ROOT, path.startsWith("contracts/") ? path : join("node_modules", path)), "utf8");
    for (const { source, from, to } of mutations) {
      if (path !== `contracts/${source}.sol`) continue;
      if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${path}.`);
      text = text.replace(from, () => to);
    }
    return text;
  };
  const input = {
    language: "Solidity",
    sources: { [VERIFIER]: { content: read(VERIFIER) } },
    settings: {
      optimizer: { enabled: true, runs: 1 },
      evmVersion: "cancun",
      outputSelection: { [VERIFIER]: { AttributionVerifier: ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) }),
  ) as Output;
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error) throw new Error(error.formattedMessage);
  const { abi, evm } = output.contracts[VERIFIER]!.AttributionVerifier!;
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}
