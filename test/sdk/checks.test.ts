import { expect } from "chai";
import { featuresOf } from "../../sdk/checks/copies.ts";
import { type CheckName, checkAll, countFindings, objection, parseChecks, RowChecks } from "../../sdk/checks/rows.ts";
import { readRows } from "../../sdk/files.ts";
import { type Row, selectRows } from "../../sdk/rows.ts";
import { noisy, ROW_NOISE } from "../support/noise.ts";

const CODE = `    function transferFrom(address from, address to, uint256 amount) public virtual returns (bool) {
        address spender = msg.sender;
        uint256 allowed = allowance[from][spender];
        if (allowed != type(uint256).max) allowance[from][spender] = allowed - amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }
`;
const OTHER = `    /// @dev Returns the square root of a number, rounded down.
    function sqrt(uint256 x) internal pure returns (uint256 z) {
        assembly {
            z := 181
            let r := shl(7, lt(0xffffffffffffffffffffffffffffffffff, x))
            r := or(r, shl(6, lt(0xffffffffffffffffff, shr(r, x))))
            z := shr(18, mul(shl(shr(1, r), z), add(shr(r, x), 65536)))
        }
    }
`;
const PROSE =
  "The registry keeps contributions in the order in which they were accepted. A version that is frozen is never changed " +
  "again, so that models trained on it can be audited years later by people who were not there.\n";

const rowsOf = (...texts: string[]): Row[] => texts.map((text, i) => ({ path: `file${i}.sol`, text }));

describe("data checks", () => {
  const alone = (text: string, licence = "MIT") =>
    new RowChecks(licence)
      .check({ id: undefined, rows: rowsOf(text) })
      .map(({ check, reason }) => `${check}: ${reason}`);

  describe("of copies", () => {
    const checks = new RowChecks("MIT");
    checks.add({ id: 7n, rows: rowsOf(OTHER, CODE, PROSE) });
    const kind = (text: string) => checks.check({ id: 8n, rows: rowsOf(text) }).find(({ of }) => of);

    it("name the row that a copy is of, whatever noise it was given", () => {
      const planted: Record<string, [string, CheckName]> = {
        "the same text": [CODE, "copy"],
        "other white space": [CODE.replaceAll("    ", "\t").replaceAll("\n", "\n\n"), "near-copy"],
        "characters that nobody sees": [CODE.replaceAll("a", "a\u200b"), "near-copy"],
        "upper case": [CODE.toUpperCase(), "near-copy"],
        "one word replaced": [CODE.replace("spender =", "operator ="), "near-copy"],
        "lines in another order": [CODE.split("\n").reverse().join("\n"), "near-copy"],
        "the second half, after other lines": [`${OTHER.slice(0, 40)}\n${CODE.slice(100)}`, "near-copy"],
        "names changed": [
          ["transferFrom", "from", "to", "amount", "spender", "allowed", "allowance", "balanceOf", "Transfer"].reduce(
            (text, name, i) => text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), `other${i}`),
            CODE,
          ),
          "renamed-copy",
        ],
      };
      for (const [name, [text, expected]] of Object.entries(planted)) {
        const found = kind(text);
        expect(found?.check, name).to.equal(expected);
        expect(found!.of, name).to.deep.equal({ contribution: 7n, row: 1, path: "file1.sol" });
        expect(found!.reason, name).to.contain("row 1 of contribution 7 (file1.sol)");
      }
      expect(kind(PROSE.replace("years", "decades"))?.check).to.equal("near-copy");
    });

    it("leave alone what is only of the same kind", () => {
      const fine = [
        "    function mint(address to, uint256 id) external onlyOwner {\n        if (owner[id] != address(0)) revert Exists(id);\n        owner[id] = to;\n        count++;\n    }\n",
        'import { A } from "./A.sol";\nimport { B } from "./B.sol";\nimport { C } from "./C.sol";\n',
        "Contributions are rows of text. Reviewers look at them before they count, and say in public why they refuse one.\n",
        "}\n}\n",
      ];
      for (const text of fine) expect(kind(text), text).to.equal(undefined);
      expect(
        checkAll("MIT", [{ id: 1n, rows: rowsOf("}\n", ")\n", ...fine.slice(0, 3)) }]).some(({ of }) => of),
      ).to.equal(false);
    });

    it("find copies inside of one contribution too, and not the row itself", () => {
      const found = checks.check({ id: undefined, rows: rowsOf(fresh(1), fresh(2), fresh(1)) });
      expect(found.map(({ row, check, of }) => [row, check, of?.contribution, of?.row])).to.deep.equal([
        [2, "copy", undefined, 0],
      ]);
      expect(found[0]!.reason).to.contain("row 0 of this contribution");
    });

    it("depend on nothing but the rows and their order", () => {
      const all = [
        { id: 1n, rows: rowsOf(CODE, OTHER) },
        { id: 2n, rows: rowsOf(CODE.replace("true", "false"), fresh(3)) },
      ];
      expect(checkAll("MIT", all)).to.deep.equal(checkAll("MIT", structuredClone(all)));
    });

    it("on four packages, find the noisy copies of one and hardly a row of another", async function () {
      this.timeout(60_000);
      const packages = ["@openzeppelin/contracts", "solady", "@solidstate/contracts", "@prb/math"];
      const [known, other] = [new RowChecks("MIT"), new RowChecks("MIT")];
      let clean = 0;
      let flagged = 0;
      let sample: Row[] = [];
      for (const [n, name] of packages.entries()) {
        const { train } = await readRows(`node_modules/${name}`, ".sol", name, 0);
        const rows = selectRows(train, 250);
        if (n > 0) {
          flagged += other
            .check({ id: BigInt(n), rows })
            .filter(({ of }) => of && of.contribution !== BigInt(n)).length;
          clean += rows.length;
        } else sample = rows.filter(({ text }) => featuresOf(text).noisy).slice(0, 100);
        for (const checks of [known, other]) checks.add({ id: BigInt(n), rows });
      }
      expect(flagged / clean, "clean rows flagged as another package's").to.be.below(0.02);
      const least: Record<string, number> = {
        nothing: 1,
        "other white space": 0.95,
        "lines in another order": 0.95,
        "10 % of the words replaced": 0.95,
        "30 % of the words replaced": 0.9,
        "names of the code changed": 0.9,
      };
      for (const [name, share] of Object.entries(least)) {
        const copies = noisy(
          ROW_NOISE[name]!,
          sample.map(({ text }) => text),
        );
        const found = known.check({ id: 9n, rows: rowsOf(...copies) }).filter(({ of }) => of && of.contribution === 0n);
        expect(found.length / sample.length, name).to.be.at.least(share);
      }
    });
  });

  it("name personal data and secrets without repeating them", () => {
    const planted: Record<string, string> = {
      "personal: holds an e-mail address": "Ask jane.doe+law@firm-berlin.de about the contract of last year.",
      "personal: holds a phone number": "Call the office at +49 30 1234 5678 between nine and five.",
      "personal: holds a US social security number": "The patient with number 219-09-9999 was seen in May.",
      "secret: holds a private key (PEM)": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n",
      "secret: holds an Ethereum private key": `const PRIVATE_KEY = "0x${"4f3e".repeat(16)}"; // deployer`,
      "secret: holds a wallet's seed phrase":
        "mnemonic: 'legal winner thank year wave sausage worth useful legal winner thank yellow'",
      "secret: holds an AWS key": "aws_access_key_id = AKIAIOSFODNN7EXAMPLE and some more text",
      "secret: holds a GitHub token": `token is ghp_${"a1B2".repeat(9)} for the whole organisation`,
      "secret: holds a card number": "Please charge 4539 1488 0343 6467 for the whole order of books.",
      "secret: holds a bank account (IBAN)": "Transfer the rent to DE89 3704 0044 0532 0130 00 every month.",
    };
    for (const [finding, text] of Object.entries(planted)) expect(alone(text), text).to.deep.equal([finding]);
  });

  it("do not take for personal data what only looks like it", () => {
    const fine = [
      "The card number 4539 1488 0343 6468 has a wrong checksum, so that nobody can use it.",
      "The account DE89 3704 0044 0532 0130 01 has a wrong checksum, so that nobody has it.",
      "uint256 constant MAX = 115792089237316195423570985008687907853269984665640564039457584007913129639935;",
      "bytes32 constant SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;",
      "return 1000000000000000000 + 4200000000000000 * count; // eighteen decimals of ether",
      'import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol"; // git@github.com:a/b.git',
      "Write to someone@example.com, or to user@mail.test, and nobody will ever read it.",
      "On 2024-05-17 the versions 10.20.30.40 and 192.168.100.200 of it were released.",
      "int256 sum = a +1234 + b +98765; // the offsets of both tables, 555-1234 apart",
    ];
    for (const text of fine) expect(alone(text), text).to.deep.equal([]);
  });

  it("name licences that contradict the Datanet's", () => {
    const other = (tag: string, licence?: string) =>
      alone(`// SPDX-License-Identifier: ${tag}\npragma solidity ^0.8.20;\n`, licence);
    expect(other("GPL-3.0-only")).to.deep.equal(["licence: says licence GPL-3.0-only; the Datanet's is MIT"]);
    expect(other("UNLICENSED")).to.have.length(1);
    expect(other("MIT AND GPL-2.0")).to.have.length(1);
    expect(alone('{ "name": "tool", "version": "1.0.0", "license": "BUSL-1.1" }')).to.have.length(1);
    expect(alone("Copyright 2020 Some Firm. All rights reserved. Not for you to use.")).to.have.length(1);
    for (const fine of ["MIT", "mit", "GPL-2.0 OR MIT", "(Apache-2.0 OR MIT)", "CC0-1.0", "MIT AND 0BSD"])
      expect(other(fine), fine).to.deep.equal([]);
    expect(other("Apache-2.0", "Apache-2.0")).to.deep.equal([]);
  });

  it("name damaged and useless text", () => {
    const checksOf = (text: string) => alone(text).map((finding) => finding.split(":")[0]);
    const damaged = [
      "Gr\ufffdn ist die Farbe der Wiesen im Mai",
      "GrÃ¼n ist die Farbe der Wiesen im Mai",
      "a bell \u0007 rings in the middle of this sentence",
    ];
    damaged.push(
      "access \u202e level user \u2066 admin only check here",
      "in\u200bvi\u200bsible marks stand in these words here",
    );
    damaged.push("the p\u0430ssword has a Cyrillic letter in it here"); // U+0430
    for (const text of damaged) expect(checksOf(text), text).to.deep.equal(["encoding"]);
    const numbers = Array.from({ length: 200 }, (_, i) => 1009 * (i + 7));
    const [line, encoded] = [numbers.join(" ").slice(0, 510), numbers.map((n) => n.toString(36)).join("")];
    const again = "a sentence that stands in this row again and again; ".repeat(6);
    for (const text of ["}\n}\n", "x = 1;\n", `data = "${encoded.slice(0, 320)}"\n`, `${line}no`, again])
      expect(checksOf(text), text).to.deep.equal(["length"]);
    expect(alone(again)[0]).to.include("the same again and again: 83 % of it stands further in front");
    for (const text of [
      "Grün, naïve, 東京の人口は増えています。毎年少しずつ増えていると言われています。",
      "Привет, мир! Это обычный русский текст.",
      `${line}\n`,
      again.slice(0, 100),
    ])
      expect(checksOf(text), text).to.deep.equal([]);
  });

  it("object to secrets, other licences, and to too many copies of others' rows, unless they are allowed", () => {
    const checks = new RowChecks("MIT");
    const ten = Array.from({ length: 10 }, (_, i) => fresh(i));
    checks.add({ id: 1n, rows: rowsOf(...ten) });
    const against = (texts: string[], allowed: CheckName[] = []) => {
      const draft = { id: undefined, rows: rowsOf(...texts) };
      return objection(draft, checks.check(draft), allowed);
    };
    const own = Array.from({ length: 10 }, (_, i) => fresh(100 + i));
    expect(against(own)).to.equal(undefined);
    expect(against([...own, ...own]), "copies of its own rows are only shown").to.equal(undefined);
    expect(against([...own.slice(2), ...ten.slice(0, 2)]), "a fifth").to.equal(undefined);
    const third = [...own.slice(3), ...ten.slice(0, 3)];
    expect(against(third)).to.match(/3 of the 10 rows of these rows are copies of rows of contribution 1/);
    expect(against(third, ["copy"])).to.equal(undefined);
    const leaked = ["key: -----BEGIN PRIVATE KEY----- and so on and so on", ...own];
    expect(against(leaked)).to.match(/row 0 of these rows \(file0\.sol\) holds a private key/);
    expect(against(leaked, ["secret"])).to.equal(undefined);
  });

  it("count rows by check, and refuse the name of a check that there is not", () => {
    const found = checkAll("MIT", [{ id: 1n, rows: rowsOf("}\n", "x\n", CODE, CODE) }]);
    expect(countFindings(found)).to.deep.equal({ copy: 1, length: 2 });
    expect(parseChecks("drop", "copy, length")).to.deep.equal(["copy", "length"]);
    expect(parseChecks("drop", "all")).to.have.length(8);
    expect(() => parseChecks("drop", "coppy")).to.throw(/drop: there is no check coppy.*CHECK_UNKNOWN/);
  });
});

/** A sentence that is like no other. */
function fresh(n: number): string {
  const word = (i: number) => ((n + 1) * 7919 * (i + 3) ** 3).toString(36);
  return `${Array.from({ length: 30 }, (_, i) => word(i)).join(" ")}\n`;
}
