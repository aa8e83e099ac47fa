import { createRequire } from "node:module";
import { expect } from "chai";
import { instrument, LIBRARY, library } from "../../tools/coverage/branches.ts";

const require = createRequire(import.meta.url);
const solc = require("solc") as { compile(input: string): string };
const HIT = (digit: string) => `__NomicFoundationCoverage.sendHit(0x${digit.repeat(64)});`;
const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import "coverage.sol";
contract Sample { // Σ: two bytes, which offsets count
    error Small(uint256 a);
    function f(uint256 a, bool b) external view returns (uint256 c) {
${HIT("1")}         require(a > 1 && (b || a > 2), Small(a));
${HIT("2")} 
        // what follows a report may stand below it
        if (a > 3)
{${HIT("3")}             c = b ? 1 : a > 4 ? 2 : 3;
}        else
{${HIT("4")}             c = 4;
}${HIT("5")}         assembly ("memory-safe") {
            if gt(c, 3) { c := add(c, 1) }
            switch c
            case 0 { c := 7 }
            default { c := add(c, 2) }
        }
    }
}
`;

describe("Instrumentation for coverage", () => {
  const { source, statements, branches } = instrument("Sample.sol", SOURCE);

  it("finds every statement on its own line", () => {
    expect(statements.map(({ tag, line }) => [tag[0], line])).to.deep.equal([
      ["1", 7],
      ["2", 10],
      ["3", 11],
      ["4", 13],
      ["5", 14],
    ]);
  });

  it("finds both sides of every condition, those within others too", () => {
    expect(branches.map(({ line, condition }) => `${line}: ${condition}`)).to.have.members([
      "7: a > 1 && (b || a > 2)",
      "7: a > 1",
      "7: b",
      "10: a > 3",
      "11: b",
      "11: a > 4",
      "15: gt(c, 3)",
      "16: c",
    ]);
    const tags = branches.flatMap(({ holds, fails }) => [holds, fails]);
    expect(new Set(tags).size).to.equal(16);
  });

  it("gives a source that compiles, its lines where they were", () => {
    const input = {
      language: "Solidity",
      sources: {
        "Sample.sol": { content: source },
        [LIBRARY]: { content: library("coverage.sol") },
        "coverage.sol": {
          content:
            "pragma solidity ^0.8.28; library __NomicFoundationCoverage { function sendHit(uint256) internal pure {} }",
        },
      },
      settings: { outputSelection: { "*": { Sample: ["evm.bytecode.object"] } } },
    };
    const { errors, contracts } = JSON.parse(solc.compile(JSON.stringify(input)));
    expect((errors ?? []).filter(({ severity }: { severity: string }) => severity === "error")).to.deep.equal([]);
    expect(contracts["Sample.sol"].Sample.evm.bytecode.object).to.match(/^[0-9a-f]+$/);
    const below = source.split("\n").slice(0, SOURCE.split("\n").length);
    for (const [i, line] of SOURCE.split("\n").entries()) expect(below[i]).to.include(line.trim().split(" ")[0]);
  });
});
