import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { Command } from "../../sdk/command.ts";

describe("options of a command", () => {
  const command = new Command("bake");
  const OPTIONS = { size: { type: "string" }, hot: { type: "boolean", default: false } } as const;

  it("end a check that could not look with 2", async () => {
    const { error } = console;
    const told: string[] = [];
    console.error = (line: string) => told.push(line);
    try {
      const look = async () => command.whole("size", "wide");
      expect([await command.checked(look), await command.checked(async () => 1)]).to.deep.equal([2, 1]);
    } finally {
      console.error = error;
    }
    expect(told).to.have.length(1);
    expect(told[0]).to.match(/^--size must be a whole number, not wide\./);
  });

  it("are read by name, and words beside them where a command takes some", () => {
    expect({ ...command.parse(["--size", "3"], OPTIONS) }).to.deep.equal({ size: "3", hot: false });
    expect(command.parseWithWords(["bread", "--hot"], OPTIONS).positionals).to.deep.equal(["bread"]);
    expect([command.whole("size", "12"), command.id("loaf", `1${"0".repeat(20)}`)]).to.deep.equal([12, 10n ** 20n]);
    expect(command.oneOf("kind", "rye", ["wheat", "rye"])).to.equal("rye");
  });

  const refused: Record<string, [() => unknown, RegExp]> = {
    "an option that there is not": [() => command.parse(["--cold"], OPTIONS), /^Unknown option '--cold'/],
    "an option without its value": [
      () => command.parse(["--size"], OPTIONS),
      /^Option '--size <value>' argument missing/,
    ],
    "words that nothing takes": [() => command.parse(["bread"], OPTIONS), /^Unexpected argument 'bread'/],
    "what is missing": [() => command.required("size", undefined), /^--size is missing\./],
    "a fraction": [() => command.whole("size", "1.5"), /^--size must be a whole number, not 1\.5\./],
    "less than the least": [() => command.whole("size", "0", 1), /^--size must be a whole number from 1, not 0\./],
    "more than a number holds": [
      () => command.whole("size", "9".repeat(17)),
      /^--size must be a whole number, not 9+\./,
    ],
    "a port that there is not": [() => command.port("65536"), /^--port must be at most 65535, not 65536\./],
    "an id below zero": [() => command.id("loaf", "-1"), /^--loaf must be a whole number, not -1\./],
    "what is none of the choices": [() => command.oneOf("kind", "oak", ["rye"]), /^--kind must be one of rye\./],
  };
  for (const [what, [act, words]] of Object.entries(refused))
    it(`are refused with ${what}, naming it and the help`, () => {
      expect(act).to.throw(words);
      expect(act).to.throw(/See openledger bake --help\. \[USAGE/);
    });
});

describe("openledger", () => {
  const run = (...args: string[]) => spawnSync(process.execPath, ["bin/openledger.ts", ...args], { encoding: "utf8" });

  it("says what each command does when asked, and where a command is none", () => {
    const help = run("--help");
    expect([help.status, help.stderr]).to.deep.equal([0, ""]);
    for (const name of ["studio", "train", "export", "serve", "operator", "verify", "audit"])
      expect(help.stdout).to.match(new RegExp(`^  ${name} +\\w`, "m"));
    const other = run("bake");
    expect([other.status, other.stdout]).to.deep.equal([1, ""]);
    expect(other.stderr).to.equal(`There is no command bake.\n\n${help.stdout}`);
  });
});
