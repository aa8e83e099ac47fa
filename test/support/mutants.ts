import { compile, sourceOf } from "./solc.ts";

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
    let text = sourceOf(path);
    for (const { source, from, to } of mutations) {
      if (path !== `contracts/${source}.sol`) continue;
      if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${path}.`);
      text = text.replace(from, () => to);
    }
    return text;
  };
  return compile(VERIFIER, "AttributionVerifier", { enabled: true, runs: 1 }, read);
}
