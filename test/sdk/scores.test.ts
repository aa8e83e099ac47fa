import { expect } from "chai";
import { scoreRows, signedTotals, topRows, totalsOf } from "../../sdk/scores.ts";

// Three rows of two columns; the second scores below zero.
const SCORES = scoreRows(Int8Array.from([1, 2, -3, 4, 5, 6]), Int8Array.from([10, 1]));

describe("row scores", () => {
  it("are the products of the query with each row", () => {
    expect([...SCORES]).to.deep.equal([12, -26, 56]);
  });

  it("add up per contributor: totals without what is below zero, signed ones with it", () => {
    expect(totalsOf(SCORES, [2, 1])).to.deep.equal([12n, 56n]);
    expect(signedTotals(SCORES, [2, 1])).to.deep.equal([-14, 56]);
  });

  it("are listed best first, only above zero, no more than asked for", () => {
    expect(topRows(SCORES, 5)).to.deep.equal([
      { row: 2, score: 56 },
      { row: 0, score: 12 },
    ]);
    expect(topRows(SCORES, 1)).to.have.length(1);
    expect(topRows(Int32Array.from([4, 9, 4]), 3).map(({ row }) => row)).to.deep.equal([1, 0, 2]);
  });
});
