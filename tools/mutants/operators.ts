import { compile, type Node, sourceOf } from "../../test/support/solc.ts";

/** One small change of a source. */
export interface Mutant {
  /** Names it by what it changes and where, not by line: it stays the same when other lines change. */
  readonly key: string;
  readonly operator: string;
  readonly line: number;
  /** In UTF-16 units of the source. */
  readonly start: number;
  readonly end: number;
  readonly from: string;
  readonly to: string;
}

const RELATIONS: Record<string, string[]> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
};
const CONNECTIVES: Record<string, string[]> = { "&&": ["||"], "||": ["&&"] };
const ARITHMETIC: Record<string, string[]> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<<": [">>"],
  ">>": ["<<"],
  "&": ["|"],
  "|": ["&"],
};
const ASSIGNMENTS: Record<string, string[]> = { "+=": ["-=", "="], "-=": ["+=", "="], "|=": ["&=", "="] };
const STEPS: Record<string, string> = { "++": "--", "--": "++" };
const FUNCTIONS: Record<string, string> = { min: "max", max: "min" };
/** What a deleted statement is called, by its type. */
const STATEMENTS: Record<string, string> = {
  ExpressionStatement: "statement",
  EmitStatement: "emit",
  Return: "return",
  RevertStatement: "require",
  Continue: "continue",
  Break: "break",
};

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "nodeType" in value;

/** Every mutant of a source, in its order. Those that do not compile are among them. */
export function mutantsOf(file: string): Mutant[] {
  const text = sourceOf(file);
  const bytes = Buffer.from(text);
  const name = file.slice(file.lastIndexOf("/") + 1, -".sol".length);
  const found: Mutant[] = [];
  const used = new Map<string, number>();

  const range = (node: Node): [number, number] => {
    const [start, length] = node.src.split(":").map(Number) as [number, number];
    const before = bytes.subarray(0, start).toString().length;
    return [before, before + bytes.subarray(start, start + length).toString().length];
  };

  const add = (scope: string, operator: string, [start, end]: [number, number], to: string) => {
    const from = text.slice(start, end);
    const short = (code: string) => code.replace(/\s+/g, " ");
    const base = `${scope} | ${operator} | ${short(from)} → ${short(to)}`;
    const count = (used.get(base) ?? 0) + 1;
    used.set(base, count);
    const key = count === 1 ? base : `${base} | ${count}`;
    found.push({ key, operator, line: text.slice(0, start).split("\n").length, start, end, from, to });
  };

  /** The operator between two operands. */
  const between = (left: Node, right: Node, operator: string): [number, number] => {
    const start = text.indexOf(operator, range(left)[1]);
    if (start + operator.length > range(right)[0]) throw new Error(`${file}: no ${operator} at ${left.src}.`);
    return [start, start + operator.length];
  };

  const visit = (node: Node, scope: string): void => {
    switch (node.nodeType) {
      case "PragmaDirective":
      case "ImportDirective":
      case "InlineAssembly":
      case "StructDefinition":
      case "EventDefinition":
      case "ErrorDefinition":
      case "UsingForDirective":
      case "InheritanceSpecifier":
      case "ArrayTypeName":
        return;
      case "FunctionDefinition":
      case "ModifierDefinition":
        scope = `${name}.${(node.name as string) || (node.kind as string)}`;
        break;
      case "VariableDeclaration":
        if (node.stateVariable) scope = `${name}.${node.name as string}`;
        break;
      case "ModifierInvocation":
        if (node.kind === "modifierInvocation") add(scope, "modifier", range(node), "");
        break;
      case "BinaryOperation": {
        const operator = node.operator as string;
        const at = between(node.leftExpression as Node, node.rightExpression as Node, operator);
        for (const to of RELATIONS[operator] ?? []) add(scope, "relation", at, to);
        for (const to of CONNECTIVES[operator] ?? []) add(scope, "connective", at, to);
        for (const to of ARITHMETIC[operator] ?? []) add(scope, "arithmetic", at, to);
        break;
      }
      case "UnaryOperation": {
        const operator = node.operator as string;
        const [start, end] = range(node);
        const at: [number, number] = node.prefix ? [start, start + operator.length] : [end - operator.length, end];
        if (operator in STEPS) add(scope, "step", at, STEPS[operator]!);
        else if (operator === "!") add(scope, "negation", at, "");
        break;
      }
      case "Assignment": {
        const operator = node.operator as string;
        const at = between(node.leftHandSide as Node, node.rightHandSide as Node, operator);
        for (const to of ASSIGNMENTS[operator] ?? []) add(scope, "assignment", at, to);
        break;
      }
      case "IfStatement":
      case "Conditional":
        for (const to of ["true", "false"]) add(scope, "condition", range(node.condition as Node), to);
        break;
      case "VariableDeclarationStatement": {
        const [declared] = node.declarations as Node[];
        if ((node.declarations as Node[]).length === 1 && isNode(node.initialValue))
          add(scope, "initial value", [range(declared!)[1], range(node.initialValue)[1]], "");
        break;
      }
      case "MemberAccess": {
        const to = FUNCTIONS[node.memberName as string];
        const [, end] = range(node);
        if (to) add(scope, "function", [end - 3, end], to);
        break;
      }
      case "Literal": {
        const at = range(node);
        if (node.kind === "bool") add(scope, "constant", at, node.value === "true" ? "false" : "true");
        if (node.kind === "string") add(scope, "constant", at, node.value === "" ? '"x"' : '""');
        if (node.kind === "number") {
          const digits = node.value as string;
          const value = BigInt(digits.replaceAll("_", ""));
          add(scope, "constant", [at[0], at[0] + digits.length], `${value + 1n}`);
          if (value === 1n) add(scope, "constant", [at[0], at[0] + digits.length], "0");
        }
        return;
      }
    }
    if (node.nodeType in STATEMENTS) {
      const [start, end] = range(node);
      const semicolon = /^\s*;/.exec(text.slice(end));
      const called = (node.expression as Node | undefined)?.expression as Node | undefined;
      const operator = called?.name === "require" ? "require" : STATEMENTS[node.nodeType]!;
      if (semicolon) add(scope, operator, [start, end + semicolon[0].length], "{}");
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === "documentation" || key === "typeName" || key === "overrides") continue;
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, scope);
    }
  };

  visit(compile(file, name, { enabled: false }).ast, name);
  return found.sort((a, b) => a.start - b.start || a.end - b.end || (a.to < b.to ? -1 : 1));
}
