import { expect } from "chai";
import { rowHash } from "../../sdk/rows.ts";
import { draftOf, MAX_CONTRIBUTION, refusal } from "../../studio/web/src/draft.ts";

const file = (path: string, text: string) => ({ path, bytes: new TextEncoder().encode(text) });
const names = (problems: { path: string; name: string }[]) => problems.map(({ path, name }) => `${path}: ${name}`);

describe("a contribution's draft", () => {
  it("has the rows of every good file, with their bytes, and names what is wrong with the others", () => {
    const { rows, problems } = draftOf(
      [
        file("good.sol", "contract Grün {}\n"),
        { path: "image.png", bytes: Uint8Array.of(0x89, 0x50, 0xff) },
        file("blank.txt", " \n\n"),
        file("long.txt", `${"x".repeat(600)}\nend\n`),
      ],
      new Map(),
    );
    expect(rows.map(({ path, bytes }) => `${path} ${bytes}`)).to.deep.equal([
      "good.sol 18",
      "long.txt 512",
      "long.txt 93",
    ]);
    expect(names(problems)).to.deep.equal(["image.png: Not UTF-8", "blank.txt: Empty", "long.txt: Long lines cut"]);
    expect(problems.map(({ refused }) => refused)).to.deep.equal([true, true, false]);
  });

  it("marks exact copies, of an earlier file and of what was accepted, and leaves the first as it is", () => {
    const accepted = new Map([[rowHash("known\n"), 7n]]);
    const { rows, problems } = draftOf(
      [file("a.txt", "new\n"), file("b.txt", "new\n"), file("c.txt", "known\n")],
      accepted,
    );
    expect(rows.map(({ copyOf }) => copyOf)).to.deep.equal([undefined, "here", 7n]);
    expect(names(problems)).to.deep.equal(["b.txt: Copies", "c.txt: Already accepted"]);
    expect(problems[1]!.text).to.match(/contribution 7/);
  });

  it("is refused without rows, and over the size that is stored", () => {
    const row = { path: "a.txt", text: "x".repeat(512) };
    expect(refusal([])).to.match(/no rows/);
    expect(refusal([row])).to.equal(undefined);
    expect(refusal(Array(MAX_CONTRIBUTION / 512).fill(row))).to.match(/17 MiB, a contribution at most 16/);
  });
});
