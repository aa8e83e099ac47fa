import { expect } from "chai";
import {
  cutRows,
  decodeContribution,
  encodeContribution,
  holdOut,
  MAX_ROW_BYTES,
  rowHash,
  rowRoot,
  selectRows,
} from "../../sdk/rows.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("rows", () => {
  it("are cut at line ends, at most 512 bytes each, and lose nothing but blank rows", () => {
    const text = Array.from({ length: 200 }, (_, i) => `line ${i} ${"x".repeat((i * 37) % 90)}\n`).join("");
    const { rows, longLines } = cutRows("a.sol", bytes(text));
    expect(rows.map((row) => row.text).join("")).to.equal(text);
    expect(longLines).to.equal(0);
    for (const row of rows) {
      expect(Buffer.byteLength(row.text)).to.be.at.most(MAX_ROW_BYTES);
      expect(row.text.endsWith("\n")).to.equal(true);
    }
  });

  it("are as long as fits: two neighbours never fit into one", () => {
    const text = Array.from({ length: 100 }, (_, i) => `${"y".repeat((i * 53) % 300)}z\n`).join("");
    const { rows } = cutRows("a.sol", bytes(text));
    for (let i = 1; i < rows.length; i++) {
      const firstLine = rows[i]!.text.split("\n")[0]!;
      expect(Buffer.byteLength(rows[i - 1]!.text) + firstLine.length + 1).to.be.above(MAX_ROW_BYTES);
    }
  });

  it("cut a line of over 512 bytes between characters and say how many lines that were", () => {
    const { rows, longLines } = cutRows("long.sol", bytes(`${"é".repeat(700)}\nshort\n`));
    expect(longLines).to.equal(1);
    expect(rows.map((row) => row.text).join("")).to.equal(`${"é".repeat(700)}\nshort\n`);
    for (const row of rows) expect(Buffer.byteLength(row.text)).to.be.at.most(MAX_ROW_BYTES);
  });

  it("are the lines of a .jsonl file, none of which is cut or joined to another", () => {
    const line = (n: number) => `${JSON.stringify({ prompt: `question ${n}`, completion: `answer ${n}` })}\n`;
    const { rows } = cutRows("qa.jsonl", bytes(`${line(1)}\n${line(2)}${line(3)}`));
    expect(rows.map(({ text }) => text)).to.deep.equal([line(1), line(2), line(3)]);
    const long = JSON.stringify({ text: "x".repeat(600) });
    expect(() => cutRows("qa.jsonl", bytes(`${line(1)}${long}\n`))).to.throw(/qa\.jsonl has a line.*ROWS_LONG_SAMPLE/);
  });

  it("have one form whatever the line ends of the file are", () => {
    expect(cutRows("a", bytes("one\r\ntwo\r\n"))).to.deep.equal(cutRows("a", bytes("one\ntwo\n")));
  });

  it("refuse a file that is not UTF-8, naming it", () => {
    expect(() => cutRows("bad.sol", new Uint8Array([0x61, 0xff, 0xfe]))).to.throw(
      /bad\.sol is not valid UTF-8.*ROWS_NOT_UTF8/,
    );
  });

  it("refuse an empty file and one of white space only, naming it", () => {
    for (const text of ["", " \n\t\n"])
      expect(() => cutRows("empty.sol", bytes(text))).to.throw(/empty\.sol holds no text.*ROWS_EMPTY/);
  });

  it("come back from a contribution file as they went in", () => {
    const { rows } = cutRows("päth.sol", bytes('quote " and \\ and é\nsecond\n'.repeat(40)));
    expect(decodeContribution(encodeContribution(rows))).to.deep.equal(rows);
  });

  it("refuse a contribution file with a broken line, naming the line", () => {
    const good = encodeContribution([{ path: "a", text: "x" }]);
    const bad = (line: string) => new Uint8Array([...good, ...bytes(`${line}\n`)]);
    expect(() => decodeContribution(bad("{"))).to.throw(/Line 2 .*not JSON.*CONTRIBUTION_INVALID/);
    expect(() => decodeContribution(bad('{"path":"a"}'))).to.throw(/Line 2 .*needs the strings/);
    expect(() => decodeContribution(bad('{"path":"a","text":" "}'))).to.throw(/Line 2 .*is empty/);
    expect(() => decodeContribution(bad(JSON.stringify({ path: "a", text: "x".repeat(513) })))).to.throw(
      /over 512 bytes/,
    );
  });

  it("of lowest hash are selected whatever the order of the files, and too few are refused", () => {
    const { rows } = cutRows(
      "a",
      bytes(Array.from({ length: 300 }, (_, i) => `row ${i} ${"-".repeat(400)}\n`).join("")),
    );
    const selected = selectRows(rows, 50);
    expect(selectRows(rows.toReversed(), 50)).to.deep.equal(selected);
    const border = rowHash(selected.at(-1)!.text);
    expect(rows.filter((row) => rowHash(row.text) < border)).to.have.length(49);
    expect(() => selectRows(rows, 301)).to.throw(/There are 300 rows, 301 are needed.*ROWS_TOO_FEW/);
  });

  it("have a root that depends on each row and on their order", () => {
    const rows = ["a", "b", "c"].map((text) => ({ path: "p", text }));
    const root = rowRoot(rows);
    expect(rowRoot([rows[1]!, rows[0]!, rows[2]!])).to.not.equal(root);
    expect(rowRoot([...rows.slice(0, 2), { path: "p", text: "d" }])).to.not.equal(root);
    expect(rowRoot(rows.slice(0, 2))).to.not.equal(root);
  });

  it("of held-out files never stand among the rows trained on", () => {
    const files = Array.from({ length: 37 }, (_, i) => ({ path: `f${i}.sol` }));
    const { train, heldOut } = holdOut(files, 0.1);
    expect(heldOut).to.have.length(4);
    expect(new Set([...train, ...heldOut])).to.have.property("size", 37);
    expect(holdOut(files.toReversed(), 0.1).heldOut).to.deep.equal(heldOut);
  });
});
