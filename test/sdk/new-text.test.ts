import { expect } from "chai";
import { newText } from "../../sdk/new-text.ts";
import { Random } from "../../trainer/random.ts";

const random = new Random(3);
const letter = (alphabet: number) => String.fromCharCode(97 + Math.floor(alphabet * random.uniform()));
const word = (alphabet = 26) =>
  Array.from({ length: 3 + Math.floor(6 * random.uniform()) }, () => letter(alphabet)).join("");
const words = (count: number, alphabet?: number) => Array.from({ length: count }, () => word(alphabet));
const line = () => `${words(8).join(" ")};\n`;
const lines = (count: number) => Array.from({ length: count }, line);
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

/** Rows before, of which the last is copied, and the share of a copy that is new. */
const [before, original] = [Array.from({ length: 20 }, () => lines(6).join("")), lines(6)];
const newIn = (copy: string) => {
  const { letters, fresh } = newText([...before, original.join(""), copy]).at(-1)!;
  return fresh / letters;
};
/** With this share of the words replaced by others. */
const noisy = (text: string, share: number) =>
  text.replace(/\w+/g, (word) => (random.uniform() < share ? words(1)[0]! : word));

describe("What a row says that is new", () => {
  it("is nothing of what was said before: exactly, spaced or written otherwise, in another order, in parts of several rows", () => {
    const text = original.join("");
    expect(newIn(text)).to.equal(0);
    expect(newIn(text.toUpperCase().replaceAll(" ", "\n  ").replaceAll(";", "!!"))).to.equal(0);
    expect(newIn(text.replaceAll("a", "\uff41")), "wide letters").to.equal(0);
    expect(newIn(original.toReversed().join(""))).to.be.below(0.02);
    expect(newIn(text.slice(150) + before[3]!.slice(0, 150))).to.be.below(0.03);
    expect(newIn(before.map((row) => row.slice(60, 100)).join(""))).to.be.below(0.3);
    expect(newText(["short", "SHORT!", "other", "{ }", ""]).map(({ fresh }) => fresh)).to.deep.equal([5, 0, 5, 0, 0]);
  });

  it("is the noise of a noisy copy", () => {
    for (const share of [0.03, 0.1, 0.2]) {
      const found = Array.from({ length: 20 }, () => newIn(noisy(original.join(""), share)));
      expect(sum(found) / 20, `${share}`).to.be.within(0.7 * share, 1.4 * share);
    }
    expect(
      newIn(original.join("").replaceAll(/(\w\W*){10}/g, (ten) => `${ten}q`)),
      "a letter after every ten",
    ).to.be.below(0.15);
    expect(newIn(lines(6).join("")), "another text").to.equal(1);
  });

  it("is what a row says beside a text that all have, such as a system prompt", () => {
    const rows = Array.from({ length: 30 }, () => `${original.join("")}${line()}`);
    for (const { fresh } of newText(rows).slice(1)) expect(fresh).to.be.within(25, 70);
  });

  it("does not grow with blanks, ornaments, repeating itself, or a text that another row has, too", () => {
    const own = line();
    const size = (row: string) => newText([...before, original.join(""), row]).at(-1)!.fresh;
    const plain = size(own);
    expect(size(`${own}${" ".repeat(200)}${"/*-*/\n".repeat(40)}`)).to.equal(plain);
    expect(size(own.repeat(8))).to.be.within(plain, plain + 24);
    expect(size(`${own}${original.join("")}`)).to.be.within(plain, plain + 12);
    expect(size("a".repeat(500))).to.be.below(2 * 24);
  });

  it("does not depend on rows that come later", () => {
    const rows = [...before, ...before.map((row) => noisy(row, 0.1))];
    expect(newText(rows).slice(0, 25)).to.deep.equal(newText(rows.slice(0, 25)));
  });

  it("is what the rule gives as it is written", () => {
    let made = 0;
    for (let n = 0; n < 12; n++) {
      const start = Array.from({ length: 6 }, () => words(1 + Math.floor(40 * random.uniform()), 4).join(" "));
      const rows = [...start, ...start.map((row) => noisy(row, 0.15)), `${start[0]} ${start[1]} ${start[0]}`];
      const [found, plain] = [newText(rows), plainly(rows)];
      expect(found).to.deep.equal(plain.map(({ letters, fresh }) => ({ letters, fresh })));
      made += plain.filter((row) => row.made).length;
    }
    expect(made).to.be.within(20, 150);
  });
});

/** The rule, letter by letter. */
function plainly(rows: readonly string[]) {
  const said = rows.map((row) => row.toLowerCase().replaceAll(/[^a-z]/g, ""));
  const places = (text: string, length: number) =>
    Array.from({ length: Math.max(1, text.length - length + 1) }, (_, at) => at);
  const kept = (text: string, length: number) => {
    const all = places(text, length);
    return all
      .filter((at) => at % 4 === 0 || at === all.length - 1)
      .map((at) => ({ at, piece: text.slice(at, at + length) }));
  };
  const pieces = said.map((text) => ({ long: kept(text, 24), middle: kept(text, 8) }));
  return said.map((text, row) => {
    const known = new Set<number>();
    const mark = (at: number, length: number) => {
      for (let i = at; i < Math.min(at + length, text.length); i++) known.add(i);
    };
    for (const at of places(text, 24)) {
      const own = text.slice(at, at + 24);
      const before = pieces.slice(0, row).some(({ long }) => long.some(({ piece }) => piece === own));
      const inFront = pieces[row]!.long.some(
        ({ at: place, piece }) => place % 4 === 0 && place <= at - 24 && piece === own,
      );
      if (before || inFront) mark(at, 24);
    }
    const votes = said.map(() => 0);
    for (const at of places(text, 8)) {
      const own = text.slice(at, at + 8);
      const holder = pieces.slice(0, row).findIndex(({ middle }) => middle.some(({ piece }) => piece === own));
      if (holder >= 0) votes[holder]!++;
    }
    const sources = [...votes.keys()].filter((i) => votes[i]! > 0).sort((a, b) => votes[b]! - votes[a]! || a - b);
    let made = false;
    for (const source of sources.slice(0, 3)) {
      const common = places(text, 6).filter(
        (at) => at + 6 <= text.length && said[source]!.includes(text.slice(at, at + 6)),
      );
      const covered = new Set(common.flatMap((at) => [0, 1, 2, 3, 4, 5].map((i) => at + i)));
      if (covered.size < 0.5 * text.length) continue;
      made = true;
      for (const at of covered) known.add(at);
    }
    return { letters: text.length, fresh: text.length - known.size, made };
  });
}
