import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import ts from "typescript";
import { ROOT } from "../../circuits/cache.ts";

/** What a module loads from outside the repository, itself or by what it imports; in a browser, as package.json has it. */
function packagesOf(module: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(module) || !module.endsWith(".ts")) return packages;
  seen.add(module);
  const { outputText } = ts.transpileModule(readFileSync(join(ROOT, module), "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, verbatimModuleSyntax: true },
  });
  for (const [, name] of outputText.matchAll(/^(?:import|export)\s(?:[^"';]*\sfrom\s)?"([^"]+)"/gm)) {
    const inside = name === "#abi" ? "sdk/abi.browser.ts" : name!.startsWith(".") && join(dirname(module), name!);
    if (inside) for (const one of packagesOf(inside, seen)) packages.add(one);
    else packages.add(name!);
  }
  return packages;
}

describe("the module that verifies settlements", () => {
  const ofNode = (module: string) => [...packagesOf(module)].filter((name) => name.startsWith("node:"));

  it("loads nothing of Node's, so that a browser can run it", () => {
    expect([...packagesOf("prover/verify.ts")]).to.include.members(["ethers", "ffjavascript"]);
    expect(ofNode("prover/verify.ts")).to.deep.equal([]);
  });

  it("would be seen to: the command does", () => {
    expect(ofNode("prover/verify-cli.ts")).to.include("node:util");
  });
});
