import { expect } from "chai";
import { RowChecks } from "../../sdk/checks/rows.ts";
import { draftOf, MAX_CONTRIBUTION, refusal, without } from "../../studio/web/src/draft.ts";

const file = (path: string, text: string) => ({ path, bytes: new TextEncoder().encode(text) });
const names = (problems: { path: string; name: string }[]) => problems.map(({ path, name }) => `${path}: ${name}`);

describe("a contribution's draft", () => {
  it("has the rows of every good file, with their bytes, and names what is wrong with the others", () => {
    const { rows, problems } = draftOf([
      file("good.sol", "contract Grün {}\n"),
      { path: "image.png", bytes: Uint8Array.of(0x89, 0x50, 0xff) },
      file("blank.txt", " \n\n"),
      file("long.txt", `${"x".repeat(600)}\nend\n`),
    ]);
    expect(rows.map(({ path, text }) => `${path} ${Buffer.byteLength(text)}`)).to.deep.equal([
      "good.sol 18",
      "long.txt 512",
      "long.txt 93",
    ]);
    expect(names(problems)).to.deep.equal(["image.png: Not UTF-8", "blank.txt: Empty", "long.txt: Long lines cut"]);
    expect(problems.map(({ refused }) => refused)).to.deep.equal([true, true, false]);
  });

  it("is left without the rows of some checks, while those of others stay", () => {
    const known = new RowChecks("MIT");
    known.add({ id: 7n, rows: draftOf([file("old.txt", "known rows are known by their text\n")]).rows });
    const { rows } = draftOf([
      file("a.txt", "new rows are not known by their text\n"),
      file("b.txt", "known rows are known by their text\n"),
      file("c.txt", "short\n"),
    ]);
    const findings = known.check({ id: undefined, rows });
    expect(findings.map(({ path, check }) => `${path}: ${check}`)).to.deep.equal(["b.txt: copy", "c.txt: length"]);
    expect(without(rows, findings, ["copy"]).map(({ path }) => path)).to.deep.equal(["a.txt", "c.txt"]);
    expect(without(rows, findings, [])).to.deep.equal(rows);
  });

  it("is refused without rows, and over the size that is stored", () => {
    const row = { path: "a.txt", text: "x".repeat(512) };
    expect(refusal([])).to.match(/no rows/);
    expect(refusal([row])).to.equal(undefined);
    expect(refusal(Array(MAX_CONTRIBUTION / 512).fill(row))).to.match(/17 MiB, a contribution at most 16/);
  });
});
