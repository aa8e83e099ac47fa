import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** solc of npm, by its standard JSON. */
const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };

/** A statement; the engine reports its tag whenever it runs. */
export interface Statement {
  readonly tag: string;
  readonly line: number;
}

/** A condition; the engine reports one tag when it holds, the other when it does not. */
export interface Branch {
  readonly line: number;
  readonly condition: string;
  readonly holds: string;
  readonly fails: string;
}

/** What of a source can be reached. */
export interface Points {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly branches: readonly Branch[];
}

interface AstNode {
  readonly nodeType: string;
  readonly src: string;
  readonly operator?: string;
  readonly name?: string;
  readonly condition?: AstNode;
  readonly leftExpression?: AstNode;
  readonly expression?: AstNode;
  readonly arguments?: AstNode[];
  readonly AST?: AstNode;
  readonly cases?: { body: AstNode }[];
}

/** Where the library stands among the sources. */
export const LIBRARY = "__Branches.sol";

/** Reports the outcome of a condition through Hardhat's own library, of file `coverage`, and hands it on. */
export const library = (coverage: string): string => `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import "${coverage}";
library __Branches {
    function at(bool holds, uint256 tag) internal pure returns (bool) {
        __NomicFoundationCoverage.sendHit(holds ? tag : tag | 1);
        return holds;
    }
}
`;

/** The same in assembly, which can call no library; the word of memory that it uses is put back. */
const YUL = [
  "function __branch(__holds, __tag) -> __outcome {",
  "__outcome := __holds let __at := mload(0x40) let __kept := mload(__at) mstore(__at, or(__tag, iszero(__holds)))",
  "pop(staticcall(gas(), 0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE, __at, 0x20, 0, 0)) mstore(__at, __kept) }",
].join(" ");

/**
 * Adds to a source that Hardhat instrumented, statement by statement, a report of both outcomes of each condition: of
 * every `if`, `require` and `? :`, of what stands left of `&&` and `||`, and of `if` and `switch` in assembly. These are
 * the two-way jumps that a source asks for, loops aside, whose bodies are statements. No line moves.
 */
export function instrument(name: string, text: string): Points & { source: string } {
  const bytes = Buffer.from(text); // the syntax tree counts in bytes
  const lineAt = (offset: number) => bytes.subarray(0, offset).toString().split("\n").length;
  const inserts: { offset: number; text: string }[] = [];
  const insert = (offset: number, added: string) => inserts.push({ offset, text: added });
  const branches: Branch[] = [];
  const conditions = new Map<AstNode, string>(); // and what they are handed to

  /** The tag of a new branch: the last digit is 0 where the condition holds, else 1. */
  const branch = ([start, end]: [number, number]): string => {
    const hash = createHash("sha256").update(`${name}:${start}:${end}`).digest("hex").slice(0, -1);
    const condition = bytes.subarray(start, end).toString().replace(/\s+/g, " ");
    branches.push({ line: lineAt(start), condition, holds: `${hash}0`, fails: `${hash}1` });
    return `0x${hash}0`;
  };

  const visit = (node: AstNode): void => {
    const condition = conditionOf(node);
    if (condition) conditions.set(condition, node.nodeType === "YulIf" ? "__branch" : "__Branches.at");
    const [start, end] = range(node);
    if (node.nodeType === "InlineAssembly" && /\b(if|switch)\b/.test(bytes.subarray(start, end).toString()))
      insert(range(node.AST!)[0] + 1, YUL);
    if (node.nodeType === "YulSwitch") visitCases(node);
    const reporter = conditions.get(node);
    if (reporter) insert(start, `${reporter}(`);
    for (const child of children(node)) visit(child);
    if (reporter) insert(end, `, ${branch([start, end])})`);
  };

  const visitCases = (node: AstNode): void => {
    if (node.cases!.length !== 2) throw new Error(`${name}: line ${lineAt(range(node)[0])}: a switch of more than two`);
    const tag = branch(range(node.expression!));
    for (const [i, { body }] of node.cases!.entries()) insert(range(body)[0] + 1, ` pop(__branch(${1 - i}, ${tag})) `);
  };

  visit(parse(name, text));
  if (branches.length > 0) insert(bytes.length, `\nimport "${LIBRARY}";\n`);
  // A stable sort: of what is inserted in one place, the outer call opens first and closes last.
  let source = "";
  let from = 0;
  for (const { offset, text: added } of inserts.sort((a, b) => a.offset - b.offset)) {
    source += bytes.subarray(from, offset).toString() + added;
    from = offset;
  }
  source += bytes.subarray(from).toString();
  return { source, name, statements: statementsOf(text), branches };
}

/** Of two conditions in one expression each is found at its own node. */
function conditionOf(node: AstNode): AstNode | undefined {
  switch (node.nodeType) {
    case "IfStatement":
    case "Conditional":
    case "YulIf":
      return node.condition;
    case "BinaryOperation":
      return node.operator === "&&" || node.operator === "||" ? node.leftExpression : undefined;
    case "FunctionCall":
      return node.expression!.name === "require" || node.expression!.name === "assert" ? node.arguments![0] : undefined;
  }
  return undefined;
}

function children(node: AstNode): AstNode[] {
  const isNode = (value: unknown) => typeof value === "object" && value !== null && "nodeType" in value;
  return Object.values(node).flat().filter(isNode) as AstNode[];
}

function range({ src }: AstNode): [start: number, end: number] {
  const [start, length] = src.split(":").map(Number) as [number, number];
  return [start, start + length];
}

function parse(name: string, text: string): AstNode {
  const input = {
    language: "Solidity",
    sources: { [name]: { content: text } },
    settings: { stopAfter: "parsing", outputSelection: { "*": { "": ["ast"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    errors?: { severity: string; formattedMessage: string }[];
    sources: Record<string, { ast: AstNode }>;
  };
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error) throw new Error(error.formattedMessage);
  return output.sources[name]!.ast;
}

/** Each stands after its report, behind spaces and comments. */
function statementsOf(text: string): Statement[] {
  const report = /__NomicFoundationCoverage\.sendHit\(0x([0-9a-f]{64})\);(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/g;
  return [...text.matchAll(report)].map((match) => ({
    tag: match[1]!,
    line: text.slice(0, match.index + match[0].length).split("\n").length,
  }));
}
